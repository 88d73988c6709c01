// SPDX-License-Identifier: Apache-2.0
#include "pipeline/fair_queue.hpp"

#include <deque>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;

std::vector<std::int64_t> drained(FairQueue& queue) {
  std::vector<std::int64_t> ids;
  while (const auto id = queue.pop()) {
    ids.push_back(*id);
  }
  return ids;
}

TEST(FairQueue, GivesEachAgentATurnAndKeepsTheOrderWithinOne) {
  FairQueue queue;
  for (const auto id : {1, 2, 3}) {
    queue.push("a", id);
  }
  queue.push("b", 11);
  queue.push("c", 21);
  queue.push("b", 12);
  EXPECT_EQ(queue.size(), 6U);
  EXPECT_THAT(drained(queue), ElementsAre(1, 11, 21, 2, 12, 3));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(FairQueue, DelaysAnotherAgentsFirstByAtMostOneHoweverManyAnAgentHas) {
  FairQueue queue;
  for (int id = 0; id < 10'000; ++id) {
    queue.push("hot", id);
  }
  EXPECT_EQ(queue.pop(), 0);
  queue.push("quiet", -1);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), -1);
  queue.push("quiet", -2);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), -2);
}

TEST(FairQueue, TakesBackWhatWasPoppedAsIfNothingHadHappened) {
  FairQueue queue;
  for (const auto id : {1, 2}) {
    queue.push("a", id);
  }
  queue.push("b", 11);
  EXPECT_EQ(queue.pop(), 1);
  queue.push_front("a", 1);
  EXPECT_EQ(queue.size(), 3U);
  EXPECT_THAT(drained(queue), ElementsAre(1, 11, 2));
  queue.push_front("a", 5);
  queue.push("b", 12);
  EXPECT_THAT(drained(queue), ElementsAre(5, 12));
}

TEST(FairQueue, LosesNothingAndIsFairForAnyTraffic) {
  EXPECT_TRUE(rc::check("first come first served within an agent; nobody waits for two turns of another", [] {
    FairQueue queue;
    std::map<std::string, std::deque<std::int64_t>> expected;
    std::map<std::string, std::map<std::string, int>> turns_while_waiting;  // Who waits: whose turns.
    std::map<std::int64_t, std::string> owner;
    std::int64_t next = 0;
    for (const auto step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 8))) {
      if (step < 4) {
        const auto agent = std::string(1, static_cast<char>('a' + step));
        queue.push(agent, next);
        expected[agent].push_back(next);
        owner[next++] = agent;
        continue;
      }
      const auto id = queue.pop();
      if (!id) {
        RC_ASSERT(queue.empty());
        continue;
      }
      const auto agent = owner[*id];
      if (step == 7) {
        queue.push_front(agent, *id);
        continue;
      }
      RC_ASSERT(expected[agent].front() == *id);
      expected[agent].pop_front();
      turns_while_waiting[agent].clear();
      for (auto& [waiting, ids] : expected) {
        if (waiting != agent && !ids.empty()) {
          RC_ASSERT(++turns_while_waiting[waiting][agent] <= 1);
        } else if (ids.empty()) {
          turns_while_waiting[waiting].clear();
        }
      }
    }
    std::size_t left = 0;
    for (const auto& [agent, ids] : expected) {
      left += ids.size();
    }
    RC_ASSERT(queue.size() == left);
    RC_ASSERT(drained(queue).size() == left);
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
