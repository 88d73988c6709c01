// SPDX-License-Identifier: Apache-2.0
#include "actors/agent_buffer.hpp"

#include "tests/actors/router_fixture.hpp"

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using AgentBufferTest = RouterTest;

TEST_F(AgentBufferTest, HandsOnAFullBatchAtOnceAndTheRestWhenIdle) {
  send(6);
  EXPECT_EQ(batch_sizes_, std::vector<std::size_t>{4});
  advance(59s);
  EXPECT_EQ(batch_sizes_.size(), 1U);
  advance(1s);
  EXPECT_EQ(batch_sizes_, (std::vector<std::size_t>{4, 2}));
}

TEST_F(AgentBufferTest, KeepsTheOrderOfMessagesAcrossBuffersThatEndAndStart) {
  for (int i = 0; i < 9; ++i) {
    send(i % 5 + 1);
    advance(i % 3 == 0 ? 60s : 1s);
  }
  advance(120s);
  ASSERT_EQ(offsets_.size(), static_cast<std::size_t>(next_offset_));
  for (std::size_t i = 0; i < offsets_.size(); ++i) {
    EXPECT_EQ(offsets_[i], static_cast<std::int64_t>(i));
  }
}

TEST_F(AgentBufferTest, HoldsTooFewMessagesUntilMaxHoldAndNoLonger) {
  send(1);
  advance(119s);
  EXPECT_TRUE(batch_sizes_.empty());
  advance(1s);
  EXPECT_EQ(batch_sizes_, std::vector<std::size_t>{1});
}

TEST_F(AgentBufferTest, IsWokenInTimeThoughNotLookedAtEachTime) {
  send(1, "I moved to Oslo", "bob");  // Due after 120 s: later than what comes below.
  advance(1500ms);
  send(2);
  for (int i = 0; i < 59; ++i) {
    advance(1s);
  }
  EXPECT_TRUE(batch_sizes_.empty());
  advance(1s);
  EXPECT_EQ(batch_sizes_, std::vector<std::size_t>{2});
}

TEST_F(AgentBufferTest, IsForgottenSoonAfterItsEnd) {
  send(1, "I moved to Oslo", "bob");
  advance(1s);
  send(4);  // Full: handed on, and ended.
  EXPECT_EQ(router_.size(), 2U);
  advance(10s);
  EXPECT_EQ(router_.size(), 1U);
}

TEST_F(AgentBufferTest, LooksForThoseThatEndedOnceThereCanBeMany) {
  for (const auto* agent : {"bob", "cyd", "dee"}) {
    send(4, "I moved to Oslo", agent);
  }
  EXPECT_EQ(router_.size(), 3U);
  advance(1ms);
  EXPECT_EQ(router_.size(), 0U);
}

TEST_F(AgentBufferTest, FlushesTheFullestFirstUntilItIsEnough) {
  send(1, "short", "ada");
  send(3, "I moved to Oslo", "bob");
  send(2, "I moved to Oslo", "cyd");
  const auto of_all = router_.held_bytes();
  EXPECT_EQ(flush_fullest(1), 1U);
  scheduler().run();
  EXPECT_EQ(batch_sizes_, std::vector<std::size_t>{3});
  EXPECT_LT(router_.held_bytes(), of_all);
  EXPECT_EQ(flush_fullest(router_.held_bytes()), 2U);
  scheduler().run();
  EXPECT_EQ(batch_sizes_, (std::vector<std::size_t>{3, 2, 1}));
  EXPECT_EQ(router_.held_bytes(), 0);
  EXPECT_EQ(flush_fullest(1'000'000), 0U);
}

TEST_F(AgentBufferTest, FlushesOfPartitionsThatGetNothingOrOfTheOthers) {
  send(1, "short", "ada");
  send(2, "short", "bob");
  send(3, "I moved to Oslo", "cyd", 1);
  EXPECT_EQ(flush_fullest(1, Router::Among::quiet), 1U);
  scheduler().run();
  EXPECT_EQ(batch_sizes_, std::vector<std::size_t>{2}) << "the fullest of the quiet partition";
  std::int64_t bytes = 1 << 20;
  EXPECT_EQ(router_.flush_fullest(bytes, Router::Among::quiet, scheduler().clock().now()), 1U);
  scheduler().run();
  EXPECT_EQ(batch_sizes_, (std::vector<std::size_t>{2, 1})) << "the partition that was read last is not quiet";
  EXPECT_GT(bytes, 0);
  EXPECT_LT(bytes, 1 << 20);
  send(1, "short", "ada");
  EXPECT_EQ(flush_fullest(bytes, Router::Among::quiet), 1U) << "now it is";
  EXPECT_EQ(flush_fullest(bytes, Router::Among::others), 1U);
  scheduler().run();
  EXPECT_EQ(batch_sizes_, (std::vector<std::size_t>{2, 1, 3, 1}));
  EXPECT_EQ(router_.held_bytes(), 0);
}

TEST_F(AgentBufferTest, ThoseThatEndedByAFlushAreForgottenByTheNextOrSoon) {
  for (const auto* agent : {"ada", "bob", "cyd"}) {
    send(2, "I moved to Oslo", agent);
  }
  advance(1ms);
  EXPECT_EQ(flush_fullest(1), 1U);
  scheduler().run();
  EXPECT_EQ(router_.size(), 3U);
  EXPECT_EQ(flush_fullest(1), 1U);
  scheduler().run();
  EXPECT_EQ(router_.size(), 2U) << "the next one forgot what the first had ended";
  advance(499ms);
  EXPECT_EQ(router_.size(), 2U);
  advance(1ms);
  EXPECT_EQ(router_.size(), 1U);
}

TEST_F(AgentBufferTest, FlushesOfBuffersThatAreAlikeOnlyAsManyAsItTakes) {
  for (int i = 0; i < 10; ++i) {
    send(1, "short", "agent-" + std::to_string(i));
  }
  const auto of_each = router_.held_bytes() / 10;
  EXPECT_EQ(flush_fullest(3 * of_each), 3U);
  scheduler().run();
  EXPECT_EQ(batch_sizes_.size(), 3U);
}

TEST_F(AgentBufferTest, ANewMessagePutsTheIdleTimeoutOff) {
  send(2);
  advance(59s);
  send(1);
  advance(59s);
  EXPECT_TRUE(batch_sizes_.empty());
  advance(1s);
  EXPECT_EQ(batch_sizes_, std::vector<std::size_t>{3});
}

TEST_F(AgentBufferTest, ABatchNeverExceedsMaxBytesUnlessOneMessageDoes) {
  send(1, std::string(60, 'a'));
  send(1, std::string(41, 'b'));  // Together one byte too many (with the separator two).
  EXPECT_EQ(batch_sizes_, std::vector<std::size_t>{1});
  send(1, std::string(200, 'c'));
  EXPECT_EQ(batch_sizes_, (std::vector<std::size_t>{1, 1, 1}));
}

TEST_F(AgentBufferTest, EndsWhenItIsEmptyAndCostsNothingThen) {
  send(4);
  EXPECT_EQ(batch_sizes_, std::vector<std::size_t>{4});
  EXPECT_EQ(router_.size(), 1U);
  advance(1s);
  EXPECT_EQ(router_.size(), 0U);
  EXPECT_EQ(credit_.held(), 0);
  EXPECT_TRUE(crashes_.empty());
}

TEST_F(AgentBufferTest, FlushHandsOnWhateverThereIs) {
  send(1);
  router_.flush();
  scheduler().run();
  EXPECT_EQ(batch_sizes_, std::vector<std::size_t>{1});
}

TEST_F(AgentBufferTest, GivesItsCreditBackWhenItsPartitionIsDroppedAndCallsThatNoCrash) {
  send(3);
  EXPECT_GT(credit_.held(), 0);
  router_.drop(0);
  scheduler().run();
  EXPECT_EQ(credit_.held(), 0);
  EXPECT_TRUE(batch_sizes_.empty());
  EXPECT_TRUE(crashes_.empty());
}

TEST_F(AgentBufferTest, TellsTheSupervisorIfItEndsWithMessagesPending) {
  send(3);
  router_.crash_a_buffer();
  scheduler().run();
  EXPECT_EQ(crashes_.size(), 1U);
  EXPECT_EQ(credit_.held(), 0);
}

}  // namespace
}  // namespace alluvium::actors
