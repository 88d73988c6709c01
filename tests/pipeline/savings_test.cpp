// SPDX-License-Identifier: Apache-2.0
#include "pipeline/savings.hpp"

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

constexpr Money dollar{pico_per_dollar};

const ModelPrice price{.input = {1000},
                       .output = {3000},
                       .cache_read = Money{100},
                       .cache_write = {},
                       .batch_input = Money{500},
                       .batch_output = Money{1500},
                       .batch_is_assumed = false,
                       .provider = {}};

constexpr TokenUsage usage{.prompt = 20'000, .completion = 4000, .cached = 0, .cache_write = 0};

ModelUse use(CallMode mode = CallMode::call) {
  return {.tier = "small",
          .model = "m",
          .mode = mode,
          .calls = 10,
          .messages = 200,
          .reused = 0,
          .memories = 50,
          .usage = usage,
          .cost = cost_of(price, usage, mode == CallMode::batch),
          .price = &price,
          .instruction_tokens = 300};
}

Money saved(const std::vector<Saving>& all, std::string_view by) {
  for (const auto& one : all) {
    if (one.by == by) {
      return one.money.value_or(Money{-1});
    }
  }
  return Money{-2};
}

TEST(Savings, WithoutModelsNothingWasSavedThatAnybodyKnowsOf) {
  const auto all = savings({}, {.bytes = 1000, .noise = 100, .chosen = 0, .waiting = 0, .rule_memories = 7});
  ASSERT_EQ(all.size(), 7U);
  EXPECT_FALSE(all[0].money) << "nobody knows what these would have cost";
  EXPECT_EQ(all[0].count, 7);
  EXPECT_EQ(saved(all, "batching"), Money{});
  EXPECT_EQ(saved(all, "batch jobs"), Money{});
}

TEST(Savings, GoByWhatWasPaidForWhatWasAsked) {
  auto one = use();
  one.cost = dollar;
  const auto all = savings({one}, {.bytes = 10'000, .noise = 1000, .chosen = 2000, .waiting = 0, .rule_memories = 25});
  EXPECT_EQ(saved(all, "rules").pico, dollar.pico / 2) << "25 memories beside 50 for a dollar";
  EXPECT_EQ(saved(all, "filters").pico, dollar.pico / 2) << "1,000 bytes beside 2,000 for a dollar";
  EXPECT_EQ(saved(all, "selection").pico, dollar.pico * 7 / 2) << "7,000 bytes";
}

TEST(Savings, WhatStillWaitsHasCostNothingYet) {
  auto one = use();
  one.cost = dollar;
  const auto all = savings({one}, {.bytes = 4000, .noise = 1000, .chosen = 2000, .waiting = 200, .rule_memories = 0});
  EXPECT_EQ(saved(all, "filters"), dollar) << "half of 2,000 bytes cost the dollar";
}

TEST(Savings, BatchingSparesTheInstructions) {
  EXPECT_EQ(saved(savings({use()}, {}), "batching").pico, 190 * 300 * 1000);
  EXPECT_EQ(saved(savings({use(CallMode::batch)}, {}), "batching").pico, 190 * 300 * 500);
}

TEST(Savings, CachedTokensCostLessAndJobsHalf) {
  auto cached = use();
  cached.usage.cached = 1000;
  EXPECT_EQ(saved(savings({cached}, {}), "caching").pico, 1000 * 900);
  EXPECT_EQ(saved(savings({use(CallMode::batch)}, {}), "batch jobs").pico, 20'000 * 500 + 4000 * 1500);
  EXPECT_EQ(saved(savings({use()}, {}), "batch jobs"), Money{});
}

TEST(Savings, WhatTheAnswersKeptWouldHaveCostIsTheMeanOfCalls) {
  auto one = use();
  one.cost = dollar;
  one.reused = 5;
  EXPECT_EQ(saved(savings({one}, {}), "answers kept").pico, dollar.pico / 2);
}

TEST(Savings, AnUnknownPriceIsNotZero) {
  auto one = use();
  one.price = nullptr;
  one.cost.reset();
  one.usage.cached = 1;
  const auto all = savings({one}, {.bytes = 10, .noise = 1, .chosen = 2, .waiting = 0, .rule_memories = 1});
  for (const auto* by : {"rules", "filters", "selection", "batching", "caching"}) {
    EXPECT_EQ(saved(all, by), Money{-1}) << by;
  }
}

}  // namespace
}  // namespace alluvium::pipeline
