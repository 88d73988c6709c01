// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_difference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/dedupe.hpp"

namespace alluvium::pipeline {
namespace {

ComparedMemory memory(const std::string& content, std::vector<std::string> sources, const std::string& rule = "r") {
  return {.id = "mem_" + content,
          .content = content,
          .type = "semantic",
          .method = "rules",
          .rule_id = rule,
          .importance = 0.5,
          .keywords = {"a", "b"},
          .sources = std::move(sources)};
}

using Rows = std::vector<std::tuple<MemoryChange, int, int>>;
Rows rows_of(const std::vector<ComparedMemory>& before, const std::vector<ComparedMemory>& after) {
  Rows rows;
  for (const auto& row : difference(before, after)) {
    rows.emplace_back(row.change, row.before, row.after);
  }
  return rows;
}

TEST(MemoryDifference, OfEqualSetsIsNothing) {
  const std::vector set{memory("moved to Oslo", {"m-1"}), memory("has a dog", {"m-2"})};
  EXPECT_EQ(rows_of(set, set), (Rows{{MemoryChange::same, 0, 0}, {MemoryChange::same, 1, 1}}));
}

TEST(MemoryDifference, TheSameContentIsTheSameMemoryWhateverItRestsOnAndWhoeverMadeIt) {
  auto after = memory("moved to Oslo", {"m-9"}, "other-rule");
  after.keywords = {"b", "a"};
  EXPECT_EQ(rows_of({memory("moved to Oslo", {"m-1"})}, {after}), (Rows{{MemoryChange::same, 0, 0}}));
}

TEST(MemoryDifference, IsAChangeWhenTheContentIsWrittenOtherwiseOrAFieldDiffers) {
  const auto before = memory("moved to Oslo", {"m-1"});
  auto important = before;
  important.importance = 0.9;
  auto episodic = before;
  episodic.type = "episodic";
  auto keyword = before;
  keyword.keywords = {"a"};
  for (const auto& after : {memory("Moved to Oslo!", {"m-1"}), important, episodic, keyword}) {
    EXPECT_EQ(rows_of({before}, {after}), (Rows{{MemoryChange::changed, 0, 0}}));
  }
}

TEST(MemoryDifference, PairsByMessagesWhatHasNoEqualContent) {
  EXPECT_EQ(rows_of({memory("likes tea", {"m-1", "m-2"})}, {memory("likes green tea", {"m-1", "m-2"}, "new")}),
            (Rows{{MemoryChange::changed, 0, 0}}));
  EXPECT_EQ(rows_of({memory("likes tea", {"m-1", "m-2"})}, {memory("likes green tea", {"m-1"})}),
            (Rows{{MemoryChange::gone, 0, -1}, {MemoryChange::added, -1, 0}}));
}

TEST(MemoryDifference, PrefersTheSameRuleAmongThoseOfTheSameMessage) {
  EXPECT_EQ(rows_of({memory("tea", {"m"}, "drinks"), memory("cake", {"m"}, "food")},
                    {memory("a cake", {"m"}, "food"), memory("a tea", {"m"}, "drinks"), memory("milk", {"m"}, "new")}),
            (Rows{{MemoryChange::changed, 0, 1}, {MemoryChange::changed, 1, 0}, {MemoryChange::added, -1, 2}}));
}

TEST(MemoryDifference, EqualContentComesBeforeEqualMessages) {
  EXPECT_EQ(rows_of({memory("tea", {"m-1"})}, {memory("coffee", {"m-1"}), memory("tea", {"m-2"})}),
            (Rows{{MemoryChange::same, 0, 1}, {MemoryChange::added, -1, 0}}));
}

/// Few words and messages, so that much coincides.
std::vector<ComparedMemory> any_set() {
  return *rc::gen::container<std::vector<ComparedMemory>>(rc::gen::apply(
      [](int word, int message, int rule) {
        return memory("word " + std::to_string(word), {"m-" + std::to_string(message)}, std::to_string(rule));
      },
      rc::gen::inRange(0, 6), rc::gen::inRange(0, 4), rc::gen::inRange(0, 2)));
}

TEST(MemoryDifference, AccountsForEachMemoryOfBothSetsExactlyOnce) {
  EXPECT_TRUE(rc::check([] {
    const auto before = any_set();
    const auto after = any_set();
    std::vector<int> seen_before(before.size());
    std::vector<int> seen_after(after.size());
    for (const auto& row : difference(before, after)) {
      RC_ASSERT((row.before < 0) == (row.change == MemoryChange::added));
      RC_ASSERT((row.after < 0) == (row.change == MemoryChange::gone));
      if (row.before >= 0) {
        ++seen_before[static_cast<std::size_t>(row.before)];
      }
      if (row.after >= 0) {
        ++seen_after[static_cast<std::size_t>(row.after)];
      }
    }
    RC_ASSERT(seen_before == std::vector<int>(before.size(), 1));
    RC_ASSERT(seen_after == std::vector<int>(after.size(), 1));
  }));
}

TEST(MemoryDifference, BackwardsIsTheSameWithAddedAndGoneExchanged) {
  EXPECT_TRUE(rc::check([] {
    const auto before = any_set();
    const auto after = any_set();
    std::array<int, 4> there{};
    std::array<int, 4> back{};
    for (const auto& row : difference(before, after)) {
      ++there[static_cast<std::size_t>(row.change)];
    }
    for (const auto& row : difference(after, before)) {
      ++back[static_cast<std::size_t>(row.change)];
    }
    RC_ASSERT(there[0] == back[0]);
    RC_ASSERT(there[1] == back[2]);
    RC_ASSERT(there[2] == back[1]);
    RC_ASSERT(there[3] == back[3]);
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
