// SPDX-License-Identifier: Apache-2.0
#include "pipeline/neighbourhood.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

std::vector<Fate> settled(const std::vector<std::pair<Rank, const char*>>& memories,
                          const std::vector<CalledSame>& called_same = {}) {
  std::vector<Sketch> sketches;
  for (const auto& [rank, content] : memories) {
    sketches.push_back(sketch_of(content));
  }
  std::vector<Variant> variants;
  for (std::size_t i = 0; i < memories.size(); ++i) {
    variants.push_back({memories[i].first, &sketches[i]});
  }
  return settle(variants, called_same);
}

TEST(Neighbourhood, RanksRulesFirstThenByPlace) {
  const auto rules = rank_of(ExtractionMethod::rules, 90, 0, "mem_c");
  const auto small = rank_of(ExtractionMethod::small_model, 10, 0, "mem_b");
  const auto premium = rank_of(ExtractionMethod::premium_model, 1, 0, "mem_a");
  EXPECT_LT(rules, small);
  EXPECT_LT(small, premium);
  EXPECT_LT(rules, rank_of(ExtractionMethod::rules, 91, 0, "mem_a"));
  EXPECT_LT(rules, rank_of(ExtractionMethod::rules, 90, 1, "mem_a"));
  EXPECT_NE(rules, rank_of(ExtractionMethod::rules, 90, 0, "mem_a"));
}

TEST(Neighbourhood, MergesIntoTheLowestThatIsKept) {
  // The same but for the third, which is two typos from the second: both are typos of the first.
  const auto fates = settled({{{.offset = 3}, "my garden is in the north"},
                              {{.offset = 1}, "my gadren is in the north"},
                              {{.offset = 2}, "my graden is in the north"},
                              {{.offset = 4}, "My garden is in the north!"}});
  EXPECT_EQ(fates[1], (Fate{}));
  EXPECT_EQ(fates[2], (Fate{}));
  EXPECT_EQ(fates[0], (Fate{1, Sameness::near}));
  EXPECT_EQ(fates[3], (Fate{1, Sameness::near}));
}

TEST(Neighbourhood, WhatAModelCallsTheSameIsMergedIntoTheLower) {
  const auto fates = settled({{{.offset = 3}, "I row every morning"},
                              {{.offset = 1}, "Each morning I go rowing"},
                              {{.offset = 2}, "I keep bees"}},
                             {{0, 1}});
  EXPECT_EQ(fates[0], (Fate{1, Sameness::by_model}));
  EXPECT_EQ(fates[1], (Fate{}));
  EXPECT_EQ(fates[2], (Fate{}));
}

TEST(Neighbourhood, WhatIsTheSameAsOneThatAModelMergedFollowsIt) {
  const auto fates = settled({{{.offset = 1}, "Each morning I go rowing"},
                              {{.offset = 2}, "I row in my garden every morning"},
                              {{.offset = 3}, "I row in my gadren every morning"},
                              {{.offset = 4}, "I row in my graden every morning"}},
                             {{0, 1}});
  EXPECT_EQ(fates[1], (Fate{0, Sameness::by_model}));
  EXPECT_EQ(fates[2], (Fate{0, Sameness::by_model}));
  EXPECT_EQ(fates[3], (Fate{0, Sameness::by_model}));
}

TEST(Neighbourhood, AVerdictHoldsWhereRulesHaveMergedOneOfTheTwo) {
  const auto fates = settled({{{.offset = 1}, "I row in my garden every morning"},
                              {{.offset = 2}, "I row in my gadren every morning"},
                              {{.offset = 3}, "Each morning I go rowing"},
                              {{.offset = 4}, "I row at dawn"}},
                             {{1, 2}, {3, 2}});
  EXPECT_EQ(fates[1], (Fate{0, Sameness::near}));
  EXPECT_EQ(fates[2], (Fate{0, Sameness::by_model}));
  EXPECT_EQ(fates[3], (Fate{0, Sameness::by_model}));
}

TEST(Neighbourhood, FindsTheClosestEarlierOnesOfTheSameSpeaker) {
  const std::vector<Neighbour> kept{
      {.rank = {.offset = 1}, .simhash = 0b111, .speaker = 1, .item = 1},
      {.rank = {.offset = 2}, .simhash = 0b001, .speaker = 1, .item = 2},
      {.rank = {.offset = 3}, .simhash = 0b000, .speaker = 2, .item = 3},  // Someone else.
      {.rank = {.offset = 9}, .simhash = 0b000, .speaker = 1, .item = 4},  // Later.
      {.rank = {.offset = 4}, .simhash = ~0ULL, .speaker = 1, .item = 5},  // Far.
      {.rank = {.offset = 0}, .simhash = 0b010, .speaker = 1, .item = 6},
  };
  EXPECT_EQ(nearest(kept, {.rank = {.offset = 5}, .simhash = 0, .speaker = 1, .item = 7}),
            (std::vector<std::size_t>{5, 1, 0}));
}

TEST(Neighbourhood, TouchesExactlyThoseWhoseClosestOnesChange) {
  EXPECT_TRUE(rc::check([] {
    std::vector<Neighbour> kept;
    const auto any = [](std::int64_t item) {
      return Neighbour{.rank = {.offset = *rc::gen::inRange(0, 1000), .tie = static_cast<std::uint64_t>(item)},
                       .simhash = *rc::gen::inRange<std::uint64_t>(0, 1 << 20),
                       .speaker = 1,
                       .item = item};
    };
    const auto count = *rc::gen::inRange(0, 100);
    for (int i = 0; i < count; ++i) {
      kept.push_back(any(i));
    }
    const auto newcomer = any(count);
    const auto ids = [](const std::vector<Neighbour>& all, const Neighbour& of) {
      std::vector<std::int64_t> items;
      for (const auto i : nearest(all, of)) {
        items.push_back(all[i].item);
      }
      return items;
    };
    auto with = kept;
    with.push_back(newcomer);
    std::set<std::size_t> changed;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (ids(kept, kept[i]) != ids(with, kept[i])) {
        changed.insert(i);
      }
    }
    const auto when_it_comes = touched(with, newcomer);
    const auto when_it_goes = touched(kept, newcomer);
    RC_ASSERT(std::set(when_it_comes.begin(), when_it_comes.end()) == changed);
    RC_ASSERT(std::set(when_it_goes.begin(), when_it_goes.end()) == changed);
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
