// SPDX-License-Identifier: Apache-2.0
#include "pipeline/cost_forecast.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/prompt.hpp"
#include "tests/pipeline/sample_batch.hpp"

namespace alluvium::pipeline {
namespace {

constexpr std::size_t small = 0;
constexpr std::size_t premium = 1;

ModelPrice price(std::int64_t input, std::int64_t output) {
  ModelPrice price;
  price.input = Money{input};
  price.output = Money{output};
  price.batch_input = Money{input / 2};
  price.batch_output = Money{output / 2};
  return price;
}

TierPolicies policies(bool small_on, bool premium_on) {
  TierPolicies policies;
  policies[Tier::small].enabled = small_on;
  policies[Tier::premium].enabled = premium_on;
  return policies;
}

std::array<TierOutlook, tier_count> outlook() {
  std::array<TierOutlook, tier_count> tiers;
  tiers[small] = {.instructions = "Read.", .calibration = {}, .completion_tokens = 150, .price = price(10, 40)};
  tiers[premium] = {
      .instructions = "Read well.", .calibration = {}, .completion_tokens = 400, .price = price(100, 400)};
  return tiers;
}

ModelRequest request_of(Tier tier, std::size_t messages) {
  const auto batch = sample_batch(std::vector<std::string>(messages, "what a lovely day it is"));
  std::vector<std::uint32_t> places;
  for (std::uint32_t i = 0; i < messages; ++i) {
    places.push_back(i);
  }
  return make_request(tier, batch, places);
}

TEST(CostForecast, NothingCostsNothing) {
  const CostForecaster forecaster{policies(true, true), outlook(), 1};
  const auto forecast = forecaster.finish();
  EXPECT_EQ(forecast.total, Money{0});
  EXPECT_EQ(forecast.requests, 0);
  EXPECT_TRUE(forecast.agents.empty());
}

TEST(CostForecast, CountsPromptInstructionsAndSchemaAtThreeAndAHalfBytesAToken) {
  CostForecaster forecaster{policies(true, false), outlook(), 1};
  const auto request = request_of(Tier::small, 4);
  forecaster.add("ada", request);
  const auto forecast = forecaster.finish();
  const auto bytes = messages_text(request.messages).size() + 5 + answer_schema(Tier::small).size();
  const auto tokens = static_cast<std::int64_t>((bytes * 2 + 6) / 7);
  EXPECT_EQ(forecast.tiers[small].prompt_tokens, tokens);
  EXPECT_EQ(forecast.tiers[small].completion_tokens, 150);
  EXPECT_EQ(forecast.tiers[small].messages, 4);
  EXPECT_EQ(forecast.tiers[small].cost->call, Money{tokens * 10 + 150 * 40});
  EXPECT_EQ(forecast.tiers[small].cost->job, Money{tokens * 5 + 150 * 20});
  EXPECT_EQ(forecast.total, forecast.tiers[small].cost->call);
}

TEST(CostForecast, ACalibrationHasTheSchemaInItAlready) {
  auto tiers = outlook();
  tiers[small].calibration = {.bytes_per_token = 2, .samples = 5};
  CostForecaster forecaster{policies(true, false), tiers, 1};
  const auto request = request_of(Tier::small, 4);
  forecaster.add("ada", request);
  EXPECT_EQ(forecaster.finish().tiers[small].prompt_tokens,
            static_cast<std::int64_t>((messages_text(request.messages).size() + 5 + 1) / 2));
}

TEST(CostForecast, ATierInBatchJobsIsCountedAtTheirPrice) {
  auto tiers = outlook();
  tiers[small].mode = CallMode::batch;
  CostForecaster forecaster{policies(true, false), tiers, 1};
  forecaster.add("ada", request_of(Tier::small, 4));
  const auto forecast = forecaster.finish();
  EXPECT_EQ(forecast.total, forecast.tiers[small].cost->job);
  EXPECT_EQ(forecast.agents[0].cost, forecast.total);
}

TEST(CostForecast, PremiumFollowsWhereThereAreEnoughMessagesForIt) {
  CostForecaster forecaster{policies(true, true), outlook(), 1};
  forecaster.add("ada", request_of(Tier::small, 5));
  EXPECT_EQ(forecaster.finish().tiers[premium].requests, 0);
  forecaster.add("ada", request_of(Tier::small, 6));
  const auto forecast = forecaster.finish();
  EXPECT_EQ(forecast.tiers[small].requests, 2);
  EXPECT_EQ(forecast.tiers[premium].requests, 1);
  EXPECT_EQ(forecast.tiers[premium].follow_ups, 1);
  EXPECT_EQ(forecast.tiers[premium].messages, 6);
  EXPECT_GT(forecast.tiers[premium].cost->call, forecast.tiers[small].cost->call);
}

TEST(CostForecast, WithBothTiersNothingFollows) {
  auto both = policies(true, true);
  both.both = true;
  CostForecaster forecaster{both, outlook(), 1};
  forecaster.add("ada", request_of(Tier::small, 8));
  forecaster.add("ada", request_of(Tier::premium, 8));
  const auto forecast = forecaster.finish();
  EXPECT_EQ(forecast.tiers[premium].requests, 1);
  EXPECT_EQ(forecast.tiers[premium].follow_ups, 0);
}

TEST(CostForecast, TheMeasuredShareScalesWhatFollowsAndNothingElse) {
  CostForecaster half{policies(true, true), outlook(), 0.5};
  CostForecaster whole{policies(true, true), outlook(), 1};
  for (auto* forecaster : {&half, &whole}) {
    for (int i = 0; i < 10; ++i) {
      forecaster->add("ada", request_of(Tier::small, 8));
    }
  }
  EXPECT_EQ(half.finish().tiers[small].cost->call, whole.finish().tiers[small].cost->call);
  EXPECT_EQ(half.finish().tiers[premium].requests, 5);
  EXPECT_EQ(half.finish().tiers[premium].cost->call * 2, whole.finish().tiers[premium].cost->call);
}

TEST(CostForecast, AnUnknownPriceMakesTheTotalUnknownButOnlyIfItIsAsked) {
  auto tiers = outlook();
  tiers[premium].price.reset();
  CostForecaster forecaster{policies(true, true), tiers, 1};
  forecaster.add("ada", request_of(Tier::small, 4));
  EXPECT_TRUE(forecaster.finish().total.has_value());
  EXPECT_EQ(forecaster.finish().tiers[premium].cost->call, Money{0});
  forecaster.add("bob", request_of(Tier::small, 8));
  const auto forecast = forecaster.finish();
  EXPECT_FALSE(forecast.total.has_value());
  EXPECT_FALSE(forecast.tiers[premium].cost.has_value());
  EXPECT_TRUE(forecast.tiers[small].cost.has_value());
  EXPECT_EQ(forecast.agents[0].agent_id, "ada") << "known cost first";
  EXPECT_FALSE(forecast.agents[1].cost.has_value());
}

TEST(CostForecast, TheAgentsAddUpToTheTotalAndStandDearestFirst) {
  EXPECT_TRUE(rc::check("sum over agents = sum over tiers = total", [](std::vector<std::uint8_t> sizes) {
    CostForecaster forecaster{policies(true, true), outlook(), 0.37};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      forecaster.add("agent-" + std::to_string(i % 7), request_of(Tier::small, 1 + sizes[i] % 12));
    }
    const auto forecast = forecaster.finish();
    Money sum;
    for (const auto& agent : forecast.agents) {
      sum += *agent.cost;
    }
    RC_ASSERT(std::ranges::is_sorted(forecast.agents, std::ranges::greater{}, &AgentForecast::cost));
    RC_ASSERT(forecast.total == sum);
    RC_ASSERT(forecast.tiers[small].cost->call + forecast.tiers[premium].cost->call == sum);
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
