// SPDX-License-Identifier: Apache-2.0
#include "pipeline/cost_plan.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/presets.hpp"

namespace alluvium::pipeline {
namespace {

constexpr auto most = std::numeric_limits<std::int64_t>::max();

Money dollars(std::string_view text) {
  return *parse_money(text);
}

CostQuestion support_example() {
  const auto* preset = find_preset("customer-support");
  return {.messages_per_day = 50,
          .agents = 1000,
          .days = 30,
          .batch_size = preset->max_messages,
          .rate = preset->rate,
          .small = preset->small_model,
          .premium = preset->premium_model};
}

TEST(CostPlan, OfTheDocumentsExampleIsTheDocuments) {
  const auto plan = plan_cost(support_example());
  EXPECT_EQ(plan.messages, 1'500'000);
  EXPECT_EQ(plan.batches, 75'000);
  EXPECT_EQ(plan.processed, 22'500);
  EXPECT_EQ(plan.rules, Money{});
  EXPECT_EQ(plan.small, dollars("450"));
  EXPECT_EQ(plan.premium, Money{});
  EXPECT_EQ(dollars_text(plan.total), "$450.00");
  EXPECT_EQ(dollars_text(plan.per_agent), "$0.45");
}

TEST(CostPlan, AddsThePremiumTier) {
  auto question = support_example();
  question.premium = true;
  EXPECT_EQ(plan_cost(question).premium, dollars("3375"));
  EXPECT_EQ(plan_cost(question).total, dollars("3825"));
  question.small = question.premium = false;
  EXPECT_EQ(plan_cost(question).total, Money{});
}

TEST(CostPlan, RoundsBatchesUp) {
  const auto batches = [](std::int64_t messages, double rate) {
    const auto plan = plan_cost({.messages_per_day = messages, .agents = 1, .days = 1, .batch_size = 20, .rate = rate});
    return std::pair{plan.batches, plan.processed};
  };
  EXPECT_EQ(batches(0, 0.3), (std::pair<std::int64_t, std::int64_t>{0, 0}));
  EXPECT_EQ(batches(1, 0.3), (std::pair<std::int64_t, std::int64_t>{1, 1}));
  EXPECT_EQ(batches(20, 0.3), (std::pair<std::int64_t, std::int64_t>{1, 1}));
  EXPECT_EQ(batches(21, 1.0), (std::pair<std::int64_t, std::int64_t>{2, 2}));
  EXPECT_EQ(batches(2000, 0.07), (std::pair<std::int64_t, std::int64_t>{100, 7})) << "not 8";
  EXPECT_EQ(batches(2000, 0.071), (std::pair<std::int64_t, std::int64_t>{100, 8}));
  EXPECT_EQ(batches(2000, 0.0), (std::pair<std::int64_t, std::int64_t>{100, 0}));
}

TEST(CostPlan, OfNobodyCostsNothingEach) {
  auto question = support_example();
  question.agents = 0;
  const auto plan = plan_cost(question);
  EXPECT_EQ(plan.messages, 0);
  EXPECT_EQ(plan.total, Money{});
  EXPECT_EQ(plan.per_agent, Money{});
}

TEST(CostPlan, HasNoOverflowAndNoNaN) {
  for (const double rate : {std::nan(""), -1.0, 2.0, std::numeric_limits<double>::infinity()}) {
    const auto plan = plan_cost(
        {.messages_per_day = most, .agents = most, .days = most, .batch_size = 0, .rate = rate, .premium = true});
    EXPECT_EQ(plan.messages, most);
    EXPECT_EQ(plan.processed, rate > 0 ? most : 0) << rate;
    EXPECT_EQ(plan.total, (Money{rate > 0 ? most : 0})) << rate;
  }
  const auto plan = plan_cost({.messages_per_day = -5, .agents = -3, .days = -1});
  EXPECT_EQ(plan.messages, 0);
  EXPECT_EQ(plan.total, Money{});
}

TEST(CostPlan, ProcessesTheShareRoundedUpForAnyNumbers) {
  EXPECT_TRUE(rc::check("processed is ceil(batches * percent / 100)", [] {
    const auto percent = *rc::gen::inRange<std::int64_t>(0, 101);
    const auto plan = plan_cost({.messages_per_day = *rc::gen::inRange<std::int64_t>(0, 1'000'000'000),
                                 .agents = *rc::gen::inRange<std::int64_t>(0, 10'000),
                                 .days = 1,
                                 .batch_size = *rc::gen::inRange<std::size_t>(1, 100),
                                 .rate = static_cast<double>(percent) / 100});
    RC_ASSERT(plan.processed == (plan.batches * percent + 99) / 100);
    RC_ASSERT(plan.small == planned_small_batch * plan.processed);
  }));
}

TEST(CostPlan, AtTokenPricesIsWhatTheTokensCost) {
  const auto& prices = PriceList::shipped();
  const auto* small = prices.find("mistral-small-3.1");
  const auto* premium = prices.find("gpt-4o");
  ASSERT_TRUE(small != nullptr && premium != nullptr);
  EXPECT_EQ(cost_at_prices(*small, 1, planned_prompt_tokens, planned_small_completion_tokens, false),
            dollars("0.00019"));
  EXPECT_EQ(cost_at_prices(*premium, 1, planned_prompt_tokens, planned_premium_completion_tokens, false),
            dollars("0.0105"));
  EXPECT_EQ(cost_at_prices(*small, 22'500, planned_prompt_tokens, planned_small_completion_tokens, false),
            dollars("4.275"));
  EXPECT_EQ(cost_at_prices(*small, 22'500, planned_prompt_tokens, planned_small_completion_tokens, true),
            dollars("2.1375"));
  EXPECT_EQ(cost_at_prices(*small, -1, 1000, 300, false), Money{});
}

TEST(PlannedRates, AreThoseOfThePresetsTheyName) {
  for (const auto& planned : planned_rates) {
    const auto* preset = find_preset(planned.preset);
    ASSERT_NE(preset, nullptr);
    EXPECT_EQ(preset->rate, planned.rate);
    EXPECT_EQ(preset->expected.tokens_per_memory, planned.tokens_per_memory);
    EXPECT_EQ(std::llround(1000 * planned.rate), planned.memories);
  }
}

TEST(Batching, SavesWhatTheDocumentsSay) {
  const auto found = compare_batching(1000, 20);
  EXPECT_EQ(found.individual.memories, 800);
  EXPECT_EQ(found.batched.memories, 200);
  EXPECT_EQ(found.individual.calls, 1000);
  EXPECT_EQ(found.batched.calls, 50);
  EXPECT_EQ(found.individual.tokens, 50'000);
  EXPECT_EQ(found.batched.tokens, 10'000);
  EXPECT_EQ(found.individual.cost, dollars("5"));
  EXPECT_EQ(found.batched.cost, dollars("1"));
  EXPECT_EQ(found.individual.latency_ms, 300);
  EXPECT_EQ(found.batched.latency_ms, 150);
  EXPECT_EQ(found.individual.quality, 0.3);
  EXPECT_EQ(found.batched.quality, 0.9);
  EXPECT_EQ(found.cost_saved, 80);
  EXPECT_EQ(found.latency_saved, 50);
  EXPECT_EQ(found.quality_gained, 200);
  EXPECT_EQ(found.tokens_saved, 80);
  EXPECT_EQ(found.memories_saved, 75);
}

TEST(Batching, CountsALastBatchThatIsNotFull) {
  EXPECT_EQ(compare_batching(1001, 20).batched.calls, 51);
  EXPECT_EQ(compare_batching(1, 20).batched.calls, 1);
}

TEST(Batching, OfBatchesTooSmallCostsMore) {
  EXPECT_EQ(compare_batching(1000, 4).cost_saved, 0);
  EXPECT_EQ(compare_batching(1000, 1).cost_saved, -300);
}

TEST(Batching, OfNothingSavesNothingAndHasNoNaN) {
  for (const std::int64_t messages : {std::int64_t{0}, std::int64_t{-1}, most}) {
    const auto found = compare_batching(messages, 0);
    for (const double figure : {found.cost_saved, found.latency_saved, found.quality_gained, found.tokens_saved,
                                found.memories_saved, found.individual.memories, found.batched.tokens}) {
      EXPECT_TRUE(std::isfinite(figure)) << messages;
    }
  }
  EXPECT_EQ(compare_batching(0, 20).cost_saved, 0);
  EXPECT_EQ(compare_batching(0, 20).memories_saved, 0);
}

CreationAnalysis of_tokens(std::int64_t tokens_per_memory) {
  return analyze_creation(10, 40, tokens_per_memory * 40, dollars("0.20"));
}

TEST(Analysis, DrawsItsLinesWhereTheDocumentsDo) {
  EXPECT_STREQ(of_tokens(149).token_efficiency, "good");
  EXPECT_STREQ(of_tokens(150).token_efficiency, "review");
  EXPECT_STREQ(of_tokens(200).token_efficiency, "review");
  EXPECT_STREQ(of_tokens(201).token_efficiency, "review");
  EXPECT_STREQ(of_tokens(149).recommendation, "current_rate_optimal");
  EXPECT_STREQ(of_tokens(150).recommendation, "current_rate_optimal");
  EXPECT_STREQ(of_tokens(200).recommendation, "current_rate_optimal");
  EXPECT_STREQ(of_tokens(201).recommendation, "reduce_extraction_rate");
}

TEST(Analysis, GivesMemoriesPerBatchAndCostPerMemory) {
  const auto found = of_tokens(149);
  EXPECT_EQ(found.efficiency, 4);
  EXPECT_EQ(found.tokens_per_memory, 149);
  EXPECT_EQ(found.cost_per_memory, dollars("0.005"));
}

TEST(Analysis, OfNothingDividesByNothing) {
  const auto found = analyze_creation(0, 0, 0, dollars("1"));
  EXPECT_EQ(found.efficiency, 0);
  EXPECT_EQ(found.tokens_per_memory, 0);
  EXPECT_EQ(found.cost_per_memory, std::nullopt);
  EXPECT_STREQ(found.token_efficiency, "good");
  EXPECT_EQ(analyze_creation(1, 1, 1, std::nullopt).cost_per_memory, std::nullopt) << "unknown, not 0";
}

}  // namespace
}  // namespace alluvium::pipeline
