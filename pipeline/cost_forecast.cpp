// SPDX-License-Identifier: Apache-2.0
#include "pipeline/cost_forecast.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pipeline/prepared_call.hpp"
#include "pipeline/prompt.hpp"

namespace alluvium::pipeline {
namespace {

CostPair& operator+=(CostPair& sum, const CostPair& more) {
  sum.call += more.call;
  sum.job += more.job;
  return sum;
}

Money in_mode(const CostPair& cost, CallMode mode) {
  return mode == CallMode::batch ? cost.job : cost.call;
}

}  // namespace

CostForecaster::CostForecaster(TierPolicies policies, std::array<TierOutlook, tier_count> tiers, double premium_share)
    : policies_{policies}, outlook_{std::move(tiers)}, premium_share_{std::clamp(premium_share, 0.0, 1.0)} {}

void CostForecaster::add(const std::string& agent_id, const ModelRequest& request) {
  const auto count = [](Sums& sums, const Sums& more) {
    sums.requests += more.requests;
    sums.messages += more.messages;
    sums.prompt_tokens += more.prompt_tokens;
    sums.completion_tokens += more.completion_tokens;
    sums.cost += more.cost;
  };
  auto& agent = agents_[agent_id];
  const auto tier = static_cast<std::size_t>(request.tier);
  const auto asked = ask(request.tier, request);
  count(certain_[tier], asked);
  ++agent.requests[tier];
  agent.cost[tier] += asked.cost;
  if (request.tier != Tier::small) {
    return;
  }
  const std::vector<bool> nothing_found(request.places.size());
  if (left_for_premium(policies_, request.places, nothing_found, {}).empty()) {
    return;
  }
  const auto next = ask(Tier::premium, request);
  count(follow_ups_, next);
  ++agent.follow_ups;
  agent.follow_up_cost += next.cost;
}

CostForecast CostForecaster::finish() const {
  CostForecast forecast;
  constexpr auto premium = static_cast<std::size_t>(Tier::premium);
  std::array<CostPair, tier_count> costs;
  bool known = true;
  for (const auto& [agent_id, sums] : agents_) {
    auto& agent = forecast.agents.emplace_back();
    agent.agent_id = agent_id;
    agent.cost.emplace();
    auto cost = sums.cost;
    auto requests = sums.requests;
    // Rounded here, agent by agent, so that the agents add up to the total.
    cost[premium] += share_of(sums.follow_up_cost);
    requests[premium] += sums.follow_ups;
    for (std::size_t tier = 0; tier < tier_count; ++tier) {
      costs[tier] += cost[tier];
      if (requests[tier] > 0 && !outlook_[tier].price) {
        agent.cost.reset();
      } else if (agent.cost) {
        *agent.cost += in_mode(cost[tier], outlook_[tier].mode);
      }
    }
    agent.requests = requests[0] + requests[1];
    known = known && agent.cost;
  }
  if (known) {
    forecast.total.emplace();
  }
  for (std::size_t tier = 0; tier < tier_count; ++tier) {
    auto& out = forecast.tiers[tier];
    const auto& sums = certain_[tier];
    const auto more = tier == premium ? follow_ups_ : Sums{};
    out.follow_ups = share_of(more.requests);
    out.requests = sums.requests + out.follow_ups;
    out.messages = sums.messages + share_of(more.messages);
    out.prompt_tokens = sums.prompt_tokens + share_of(more.prompt_tokens);
    out.completion_tokens = sums.completion_tokens + share_of(more.completion_tokens);
    if (outlook_[tier].price || sums.requests + more.requests == 0) {
      out.cost = costs[tier];
    }
    forecast.requests += out.requests;
    if (forecast.total) {
      *forecast.total += in_mode(costs[tier], outlook_[tier].mode);
    }
  }
  std::ranges::sort(forecast.agents, [](const AgentForecast& a, const AgentForecast& b) {
    return std::pair{b.cost, std::string_view{a.agent_id}} < std::pair{a.cost, std::string_view{b.agent_id}};
  });
  return forecast;
}

CostForecaster::Sums CostForecaster::ask(Tier tier, const ModelRequest& request) const {
  const auto& known = outlook(tier);
  const auto prompt = prompt_of(known.instructions, request);
  auto bytes = prompt.bytes();
  if (known.calibration.samples == 0) {
    const auto schema = request.adjudicates() ? prompt.schema : answer_schema(tier);
    bytes += static_cast<std::int64_t>(schema.size());
  }
  Sums sums;
  sums.requests = 1;
  sums.messages = static_cast<std::int64_t>(request.places.size());
  sums.prompt_tokens = known.calibration.prompt_tokens(bytes);
  sums.completion_tokens = known.completion_tokens;
  if (known.price) {
    const TokenUsage usage{
        .prompt = sums.prompt_tokens, .completion = sums.completion_tokens, .cached = 0, .cache_write = 0};
    sums.cost = {.call = cost_of(*known.price, usage, false), .job = cost_of(*known.price, usage, true)};
  }
  return sums;
}

std::int64_t CostForecaster::share_of(std::int64_t count) const {
  return premium_share_ >= 1 ? count : std::llround(static_cast<double>(count) * premium_share_);
}

CostPair CostForecaster::share_of(const CostPair& cost) const {
  return {.call = {share_of(cost.call.pico)}, .job = {share_of(cost.job.pico)}};
}

}  // namespace alluvium::pipeline
