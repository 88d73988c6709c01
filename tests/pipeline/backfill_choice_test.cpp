// SPDX-License-Identifier: Apache-2.0
#include "pipeline/backfill_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(BackfillChoice, TakesTheBestFirstAndAmongEqualsTheOldest) {
  const std::vector<SkippedWork> work{{.group = 1, .score = 3, .messages = 4, .cost = {10}},
                                      {.group = 2, .score = 9, .messages = 5, .cost = {10}},
                                      {.group = 3, .score = 3, .messages = 6, .cost = {10}}};
  const auto choice = choose_backfill(work, Money{20});
  EXPECT_THAT(choice.groups, ElementsAre(1, 2));
  EXPECT_EQ(choice.messages, 9);
  EXPECT_EQ(choice.cost, Money{20});
}

TEST(BackfillChoice, StopsAtTheFirstThatDoesNotFit) {
  const std::vector<SkippedWork> work{{.group = 1, .score = 3, .messages = 1, .cost = {10}},
                                      {.group = 2, .score = 2, .messages = 1, .cost = {100}},
                                      {.group = 3, .score = 1, .messages = 1, .cost = {1}}};
  EXPECT_THAT(choose_backfill(work, Money{20}).groups, ElementsAre(1));
  EXPECT_THAT(choose_backfill(work, std::nullopt).groups, ElementsAre(1, 2, 3));
}

TEST(BackfillChoice, LeavesOutWhatTheStreamHasNoMore) {
  EXPECT_THAT(choose_backfill({{.group = 1, .score = 3, .messages = 0, .cost = {0}}}, Money{20}).groups, IsEmpty());
}

TEST(BackfillChoice, NeverCostsMoreThanTheBudget) {
  EXPECT_TRUE(rc::check([](std::vector<std::uint16_t> costs, std::uint16_t budget) {
    std::vector<SkippedWork> work;
    for (const auto cost : costs) {
      work.push_back({.group = work.size(), .score = cost % 5, .messages = 1, .cost = {cost}});
    }
    RC_ASSERT(choose_backfill(work, Money{budget}).cost.pico <= budget);
  }));
}

TEST(BackfillGroups, HoldWhatIsOfLikeScoreInTheOrderInWhichItStands) {
  std::vector<SkippedMessage> messages;
  for (const int score : {1, 7, 3, 9, 3}) {
    messages.push_back({.batch = 5,
                        .place = static_cast<std::uint32_t>(messages.size()),
                        .partition = {},
                        .position = {},
                        .score = score});
  }
  const auto groups = group_by_score("a", messages, 2);
  ASSERT_EQ(groups.size(), 3U);
  const auto places = [&](std::size_t group) {
    std::vector<std::uint32_t> all;
    for (const auto& message : groups[group].messages) {
      all.push_back(message.place);
    }
    return all;
  };
  EXPECT_THAT(places(0), ElementsAre(1, 3));
  EXPECT_THAT(places(1), ElementsAre(2, 4));
  EXPECT_THAT(places(2), ElementsAre(0));
  EXPECT_EQ(groups[0].score, 9);
  EXPECT_EQ(groups[0].agent_id, "a");
}

}  // namespace
}  // namespace alluvium::pipeline
