// SPDX-License-Identifier: Apache-2.0
#include "actors/pressure_relief.hpp"

#include <algorithm>

#include "tests/actors/router_fixture.hpp"
#include "tests/support/fake_source.hpp"

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;

/// Buffers of two partitions; what they are charged is all that counts, no memory is read.
class PressureReliefTest : public RouterTest {
 protected:
  /// New agents with a message each, until the buffers hold that share of the credit.
  void fill(double share, pipeline::PartitionSlot slot) {
    std::vector<std::string> agents;
    const auto of_each = buffer_overhead_bytes + message_overhead_bytes + std::int64_t{5};  // "short"
    const auto wanted = static_cast<std::int64_t>(share * static_cast<double>(credit_.limit()));
    for (auto held = router_.held_bytes(); held < wanted; held += of_each) {
      agents.push_back("agent-" + std::to_string(agents_++));
    }
    send_to_each(agents, slot);
  }
  /// Batches hold that share of the credit, which have left the buffers and are not committed.
  void on_their_way(double share) {
    batches_ = pipeline::Charge{credit_};
    batches_.add(static_cast<std::int64_t>(share * static_cast<double>(credit_.limit())));
  }
  /// What may be read, once the buffers have done what they were told.
  std::size_t allowance(bool in_backlog) {
    source_.ahead.records = PressureRelief::long_backlog - (in_backlog ? 0 : 1);
    const auto bytes = relief_.allowance(now_, 0);
    scheduler().run();
    return bytes;
  }
  [[nodiscard]] double held_share() const {
    return static_cast<double>(router_.held_bytes()) / static_cast<double>(credit_.limit());
  }

  tests::FakeSource source_{{}};
  pipeline::Credit results_{1 << 20};
  ModelLoad load_;
  pipeline::Metrics metrics_;
  EngineOptions options_;
  PressureRelief relief_{options_, source_, router_, credit_, results_, load_, metrics_};
  pipeline::TimePoint now_{1h};
  int agents_ = 0;
  pipeline::Charge batches_;
};

TEST_F(PressureReliefTest, InABacklogThoseThatGetNoMoreLeaveBeforeTheCreditIsUsedUp) {
  fill(0.5, 0);
  fill(0.7, 1);
  EXPECT_GT(allowance(true), 0U);
  EXPECT_EQ(batch_sizes_.size(), 0U) << "less than three quarters";
  fill(0.8, 1);
  EXPECT_GT(allowance(true), 0U);
  EXPECT_NEAR(held_share(), 0.55, 0.01) << "a quarter of the credit is on its way";
  const auto flushed = batch_sizes_.size();
  fill(0.8, 1);
  EXPECT_GT(allowance(true), 0U);
  EXPECT_EQ(batch_sizes_.size(), flushed) << "not at once again";
  now_ += 50ms;
  EXPECT_GT(allowance(true), 0U);
  EXPECT_NEAR(held_share(), 0.55, 0.01);
  now_ += 50ms;
  fill(0.8, 1);
  EXPECT_GT(allowance(true), 0U);
  EXPECT_NEAR(held_share(), 0.8, 0.01) << "none of them is left";
}

TEST_F(PressureReliefTest, WithoutABacklogNobodyLeavesBeforeTheCreditIsUsedUp) {
  fill(0.5, 0);
  fill(0.95, 1);
  EXPECT_GT(allowance(false), 0U);
  EXPECT_TRUE(batch_sizes_.empty());
}

TEST_F(PressureReliefTest, WhatIsGatheredCountsAsInTheBuffers) {
  source_.ahead.records = PressureRelief::long_backlog;
  fill(0.4, 0);
  fill(0.6, 1);
  EXPECT_GT(relief_.allowance(now_, credit_.limit() / 10), 0U);
  scheduler().run();
  EXPECT_TRUE(batch_sizes_.empty());
  EXPECT_GT(relief_.allowance(now_, credit_.limit() / 5), 0U);
  scheduler().run();
  EXPECT_NEAR(held_share(), 0.35, 0.01);
}

/// Or reading would stand still until the next look.
TEST_F(PressureReliefTest, ALookThatFoundNothingQuietDoesNotPutOffTheReliefAtTheEndOfTheCredit) {
  fill(0.9, 0);
  EXPECT_GT(allowance(true), 0U);
  EXPECT_TRUE(batch_sizes_.empty());
  fill(1.0, 0);
  EXPECT_EQ(allowance(true), 0U);
  EXPECT_FALSE(batch_sizes_.empty());
  EXPECT_NEAR(held_share(), 0.75, 0.01);
}

TEST_F(PressureReliefTest, AtTheEndOfTheCreditTheFullestLeaveAndInABacklogOfTheOthersFirst) {
  for (const bool in_backlog : {false, true}) {
    batch_sizes_.clear();
    router_.flush();
    scheduler().run();
    batch_sizes_.clear();
    now_ += 50ms;
    fill(0.6, 0);
    send(3, "I moved to Oslo", "ada", 1);
    fill(1.0, 1);
    EXPECT_EQ(allowance(in_backlog), 0U);
    const auto has_fullest = std::ranges::find(batch_sizes_, 3U) != batch_sizes_.end();
    EXPECT_EQ(has_fullest, !in_backlog) << "hers, of the partition that is being read";
    EXPECT_NEAR(held_share(), 0.75, 0.01);
  }
}

/// Or more would leave than has to, and agents that get more later would need one more batch each.
TEST_F(PressureReliefTest, WhatIsOnItsWayToTheStoreIsWaitedForBeforeMoreLeaves) {
  fill(0.7, 0);
  EXPECT_GT(allowance(true), 0U);
  on_their_way(0.31);
  EXPECT_EQ(allowance(true), 0U);
  EXPECT_NEAR(held_share(), 0.7, 0.01) << "enough will come back";
  now_ += 50ms;
  on_their_way(0.1);
  fill(0.91, 0);
  EXPECT_EQ(allowance(true), 0U);
  EXPECT_NEAR(held_share(), 0.76, 0.01) << "with it, a quarter of the credit";
}

TEST_F(PressureReliefTest, WhatDoesNotComeBackIsNotWaitedForMuchLonger) {
  fill(0.7, 0);
  on_their_way(0.31);
  for (int commits = 0; commits < 3; ++commits) {  // As long as some credit comes back now and then, it does.
    now_ += 200ms;
    on_their_way(0.29);
    EXPECT_GT(allowance(true), 0U);
    on_their_way(0.31);
    EXPECT_EQ(allowance(true), 0U);
  }
  now_ += 249ms;
  EXPECT_EQ(allowance(true), 0U);
  EXPECT_NEAR(held_share(), 0.7, 0.01);
  now_ += 1ms;
  EXPECT_EQ(allowance(true), 0U);
  EXPECT_NEAR(held_share(), 0.45, 0.01);
}

}  // namespace
}  // namespace alluvium::actors
