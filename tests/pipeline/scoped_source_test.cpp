// SPDX-License-Identifier: Apache-2.0
#include "pipeline/scoped_source.hpp"

#include <array>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_source.hpp"

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using tests::FakeSource;

std::string of_agent(const std::string& agent, std::int64_t time_ms = 0) {
  return R"({"content":"some words","agent_id":")" + agent + "\"" +
         (time_ms == 0 ? "" : ",\"timestamp\":" + std::to_string(time_ms)) + "}";
}

/// Starts what it is assigned at its first offset, and notes what comes.
class Reading final : public SourceListener {
 public:
  Reading(FakeSource& inner, StreamScope scope)
      : source{inner, std::move(scope), std::move(*Decoder::make(Decoder::Options{}))} {
    EXPECT_TRUE(source.open(*this));
    for (const auto slot : assigned) {
      EXPECT_TRUE(source.start(std::array{StartAt{slot, source.range(slot)->first}}));
    }
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(source.poll(1 << 20, std::chrono::milliseconds{0}));
    }
  }
  void on_assigned(std::span<const PartitionSlot> slots) override {
    assigned.insert(assigned.end(), slots.begin(), slots.end());
  }
  void on_revoked(std::span<const PartitionSlot>, bool) override {}
  void on_record(PartitionSlot slot, const RecordView& record) override {
    records[slot].push_back(record.offset);
  }
  void on_end(PartitionSlot slot, std::int64_t offset) override {
    ends[slot] = offset;
  }
  void on_stalled(PartitionSlot, const std::string&) override {}

  std::vector<PartitionSlot> assigned;
  std::map<PartitionSlot, std::vector<std::int64_t>> records;
  std::map<PartitionSlot, std::int64_t> ends;
  ScopedSource source;
};

StreamScope scope_of(std::int64_t start, std::int64_t end) {
  StreamScope scope;
  scope.partitions[{"chat", 0}] = {.start = start, .end = end, .identity = "fake"};
  return scope;
}

TEST(ScopedSource, EndsWhereItsScopeDoes) {
  FakeSource inner{{FakeSource::Log(10, of_agent("a"))}};
  Reading reading{inner, scope_of(2, 5)};
  EXPECT_THAT(reading.records[0], ElementsAre(2, 3, 4));
  EXPECT_EQ(reading.ends[0], 5);
  EXPECT_EQ(reading.source.ends()->front().second, 5);
}

TEST(ScopedSource, EndsWithTheStreamIfThatIsShorter) {
  FakeSource inner{{FakeSource::Log(3, of_agent("a"))}};
  Reading reading{inner, scope_of(0, 50)};
  EXPECT_EQ(reading.ends[0], 3);
  EXPECT_EQ(reading.source.range(0)->end, 3);
}

TEST(ScopedSource, DoesNotAssignPartitionsThatItsScopeDoesNotName) {
  FakeSource inner{{FakeSource::Log(3, of_agent("a")), FakeSource::Log(3, of_agent("a"))}};
  StreamScope scope;
  scope.partitions[{"chat", 1}] = {.start = 0, .end = 3, .identity = {}};
  Reading reading{inner, scope};
  EXPECT_THAT(reading.assigned, ElementsAre(1));
  EXPECT_EQ(reading.source.ends()->size(), 1U);
}

TEST(ScopedSource, LeavesOutOtherAgentsAndOtherTimes) {
  FakeSource inner{{{of_agent("a", 1'700'000'000'000), of_agent("b", 1'700'000'000'000),
                     of_agent("a", 1'700'000'001'000), of_agent("a", 1'700'000'002'000), "no json", std::nullopt}}};
  auto scope = scope_of(0, 6);
  scope.agents = {"a"};
  scope.from_ms = 1'700'000'000'000;
  scope.to_ms = 1'700'000'002'000;
  Reading reading{inner, scope};
  EXPECT_THAT(reading.records[0], ElementsAre(0, 2));
  EXPECT_EQ(reading.source.passed_over(), 3);
  EXPECT_EQ(reading.ends[0], 6);
}

TEST(ScopedSource, TakesTheRecordsOwnTimeForAMessageThatHasNone) {
  FakeSource inner{{FakeSource::Log(4, of_agent("a"))}};
  auto scope = scope_of(0, 4);
  scope.from_ms = 1'700'000'000'002;  // The fake's records are a millisecond apart.
  Reading reading{inner, scope};
  EXPECT_THAT(reading.records[0], ElementsAre(2, 3));
}

TEST(ScopedSource, TakesABundleWholeIfOneOfItsMessagesIsInScope) {
  FakeSource inner{{{"{\"messages\":[" + of_agent("a") + "," + of_agent("b") + "]}",
                     "{\"messages\":[" + of_agent("b") + "," + of_agent("b") + "]}"}}};
  auto scope = scope_of(0, 2);
  scope.agents = {"a"};
  Reading reading{inner, scope};
  EXPECT_THAT(reading.records[0], ElementsAre(0));
}

TEST(ScopedSource, TakesWhatCantBeDecodedIfItsScopeIsWhole) {
  FakeSource inner{{{"no json", of_agent("a")}}};
  Reading reading{inner, scope_of(0, 2)};
  EXPECT_THAT(reading.records[0], ElementsAre(0, 1));
}

TEST(ScopedSource, RefusesAnotherStreamOfThatName) {
  FakeSource inner{{FakeSource::Log(1, of_agent("a"))}};
  auto scope = scope_of(0, 1);
  scope.partitions.begin()->second.identity = "another";
  Reading reading{inner, scope};
  const auto identity = reading.source.identity(0);
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().code, Errc::unsafe_to_go_on);
}

TEST(ScopedSource, IsEmptyWhereRetentionHasDeletedAllOfItsScope) {
  FakeSource inner{{FakeSource::Log(9, of_agent("a"))}};
  auto scope = scope_of(20, 30);  // As if the log began beyond it: nothing of it is there.
  Reading reading{inner, scope};
  const auto range = reading.source.range(0);
  EXPECT_EQ(range->first, 20);
  EXPECT_EQ(range->end, 20);
  EXPECT_THAT(reading.records[0], IsEmpty());
}

}  // namespace
}  // namespace alluvium::pipeline
