// SPDX-License-Identifier: Apache-2.0
// What requests that wait would cost if they were sent: for dry runs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "pipeline/model_request.hpp"
#include "pipeline/money.hpp"
#include "pipeline/prices.hpp"
#include "pipeline/tier.hpp"
#include "pipeline/token_estimate.hpp"

namespace alluvium::pipeline {

/// How a tier would be asked, and what is known of its answers.
struct TierOutlook {
  std::string instructions;
  TokenCalibration calibration;        ///< Without samples, the schema's bytes count as well.
  std::int64_t completion_tokens = 0;  ///< Of one answer.
  std::optional<ModelPrice> price;     ///< Absent: unknown.
  CallMode mode = CallMode::call;
};

/// What it comes to, at the price of calls and at that of the provider's batch jobs.
struct CostPair {
  Money call, job;
};

struct TierForecast {
  std::int64_t requests = 0, messages = 0, prompt_tokens = 0, completion_tokens = 0;
  std::int64_t follow_ups = 0;   ///< Of the requests: those that come after an answer of the small tier.
  std::optional<CostPair> cost;  ///< Absent: there are requests, and the price is unknown.
};
struct AgentForecast {
  std::string agent_id;
  std::int64_t requests = 0;  ///< At most.
  std::optional<Money> cost;  ///< At the price of each tier's own mode.
};
struct CostForecast {
  std::array<TierForecast, tier_count> tiers;
  std::vector<AgentForecast> agents;  ///< The dearest first.
  std::int64_t requests = 0;
  std::optional<Money> total;  ///< The sum over the agents, and over the tiers in their own modes.
};

/// Adds up requests. Holds about 100 bytes for each agent that has any.
class CostForecaster {
 public:
  /// `premium_share`: how many of the small tier's requests that have enough messages go on to the premium tier, about
  /// all of their messages. 1 is the most there can be.
  CostForecaster(TierPolicies policies, std::array<TierOutlook, tier_count> tiers, double premium_share);

  void add(const std::string& agent_id, const ModelRequest& request);
  [[nodiscard]] CostForecast finish() const;

 private:
  struct Sums {
    std::int64_t requests = 0, messages = 0, prompt_tokens = 0, completion_tokens = 0;
    CostPair cost;
  };
  /// What is certain, by tier, and what may follow.
  struct AgentSums {
    std::array<std::int64_t, tier_count> requests{};
    std::array<CostPair, tier_count> cost;
    std::int64_t follow_ups = 0;
    CostPair follow_up_cost;
  };

  [[nodiscard]] Sums ask(Tier tier, const ModelRequest& request) const;
  [[nodiscard]] std::int64_t share_of(std::int64_t count) const;
  [[nodiscard]] CostPair share_of(const CostPair& cost) const;
  [[nodiscard]] const TierOutlook& outlook(Tier tier) const {
    return outlook_[static_cast<std::size_t>(tier)];
  }

  TierPolicies policies_;
  std::array<TierOutlook, tier_count> outlook_;
  double premium_share_;
  std::array<Sums, tier_count> certain_;
  Sums follow_ups_;
  std::unordered_map<std::string, AgentSums> agents_;
};

}  // namespace alluvium::pipeline
