// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tier.hpp"

#include <algorithm>

namespace alluvium::pipeline {

std::string_view name(Tier tier) {
  return tier == Tier::small ? "small" : "premium";
}

std::string_view name(CallMode mode) {
  return mode == CallMode::call ? "call" : "batch";
}

ExtractionMethod method_of(Tier tier) {
  return tier == Tier::small ? ExtractionMethod::small_model : ExtractionMethod::premium_model;
}

std::vector<Tier> first_tiers(const TierPolicies& policies, std::size_t meaningful) {
  const auto is_for = [&](Tier tier) {
    return policies[tier].enabled && meaningful > 0 && meaningful >= policies[tier].min_messages;
  };
  std::vector<Tier> tiers;
  if (is_for(Tier::small)) {
    tiers.push_back(Tier::small);
  }
  if (is_for(Tier::premium) && (policies.both || tiers.empty())) {
    tiers.push_back(Tier::premium);
  }
  return tiers;
}

std::vector<std::uint32_t> left_for_premium(const TierPolicies& policies, const std::vector<std::uint32_t>& asked,
                                            const std::vector<bool>& extracted,
                                            const std::vector<std::uint32_t>& unsure) {
  const auto& premium = policies[Tier::premium];
  std::vector<std::uint32_t> left;
  if (!premium.enabled || policies.both || asked.size() < premium.min_messages) {
    return left;
  }
  std::ranges::copy_if(asked, std::back_inserter(left), [&](std::uint32_t message) {
    const bool rested_on = message < extracted.size() && extracted[message];
    return !rested_on || std::ranges::find(unsure, message) != unsure.end();
  });
  return left;
}

}  // namespace alluvium::pipeline
