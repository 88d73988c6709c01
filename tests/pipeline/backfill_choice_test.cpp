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
  const std::vector<SkippedWork> work{{.batch = 1, .score = 3, .messages = 4, .cost = {10}},
                                      {.batch = 2, .score = 9, .messages = 5, .cost = {10}},
                                      {.batch = 3, .score = 3, .messages = 6, .cost = {10}}};
  const auto choice = choose_backfill(work, Money{20});
  EXPECT_THAT(choice.batches, ElementsAre(1, 2));
  EXPECT_EQ(choice.messages, 9);
  EXPECT_EQ(choice.cost, Money{20});
}

TEST(BackfillChoice, StopsAtTheFirstThatDoesNotFit) {
  const std::vector<SkippedWork> work{{.batch = 1, .score = 3, .messages = 1, .cost = {10}},
                                      {.batch = 2, .score = 2, .messages = 1, .cost = {100}},
                                      {.batch = 3, .score = 1, .messages = 1, .cost = {1}}};
  EXPECT_THAT(choose_backfill(work, Money{20}).batches, ElementsAre(1));
  EXPECT_THAT(choose_backfill(work, std::nullopt).batches, ElementsAre(1, 2, 3));
}

TEST(BackfillChoice, LeavesOutWhatTheStreamHasNoMore) {
  EXPECT_THAT(choose_backfill({{.batch = 1, .score = 3, .messages = 0, .cost = {0}}}, Money{20}).batches, IsEmpty());
}

TEST(BackfillChoice, NeverCostsMoreThanTheBudget) {
  EXPECT_TRUE(rc::check([](std::vector<std::uint16_t> costs, std::uint16_t budget) {
    std::vector<SkippedWork> work;
    for (const auto cost : costs) {
      work.push_back(
          {.batch = static_cast<std::int64_t>(work.size()), .score = cost % 5, .messages = 1, .cost = {cost}});
    }
    RC_ASSERT(choose_backfill(work, Money{budget}).cost.pico <= budget);
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
