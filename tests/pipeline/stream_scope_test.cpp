// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stream_scope.hpp"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

MessageView message(std::string_view agent, std::int64_t time_ms) {
  MessageView view;
  view.agent_id = agent;
  view.timestamp_ms = time_ms;
  return view;
}

TEST(StreamScope, HasAllUnlessItIsNarrowed) {
  StreamScope scope;
  EXPECT_TRUE(scope.is_whole());
  EXPECT_TRUE(scope.has(message("anyone", 0)));
  scope.partitions[{"chat", 0}] = {.start = 3, .end = 9, .identity = {}};
  EXPECT_TRUE(scope.is_whole()) << "offsets need no look at the message";
  EXPECT_EQ(scope.of({"chat", 0})->end, 9);
  EXPECT_EQ(scope.of({"chat", 1}), nullptr);
}

TEST(StreamScope, HasExactAgentsAndTimesFromUpToNotIncluding) {
  StreamScope scope;
  scope.agents = {"agent-1", "agent-2"};
  scope.from_ms = 100;
  scope.to_ms = 200;
  EXPECT_FALSE(scope.is_whole());
  EXPECT_TRUE(scope.has(message("agent-1", 100)));
  EXPECT_TRUE(scope.has(message("agent-2", 199)));
  EXPECT_FALSE(scope.has(message("agent-2", 99)));
  EXPECT_FALSE(scope.has(message("agent-2", 200)));
  EXPECT_FALSE(scope.has(message("agent-12", 150)));
}

TEST(OffsetSet, ContainsWhatWasAddedInAnyOrderAndNothingElse) {
  EXPECT_TRUE(rc::check([] {
    const auto offsets = *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 40));
    OffsetSet set;
    for (const auto offset : offsets) {
      set.add(offset);
    }
    set.close();
    const std::set<std::int64_t> expected(offsets.begin(), offsets.end());
    for (std::int64_t offset = -1; offset <= 41; ++offset) {
      RC_ASSERT(set.contains(offset) == expected.contains(offset));
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
