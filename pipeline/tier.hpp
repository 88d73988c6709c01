// SPDX-License-Identifier: Apache-2.0
// The two model tiers, and which of them a batch is for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "pipeline/memory.hpp"

namespace alluvium::pipeline {

enum class Tier : std::uint8_t { small, premium };
inline constexpr std::size_t tier_count = 2;
/// How a tier's requests reach its provider: at once, or in the provider's batch jobs at half price.
enum class CallMode : std::uint8_t { call, batch };

[[nodiscard]] std::string_view name(Tier tier);      ///< small, premium
[[nodiscard]] std::string_view name(CallMode mode);  ///< call, batch
[[nodiscard]] ExtractionMethod method_of(Tier tier);

struct TierPolicy {
  bool enabled = false;
  std::size_t min_messages = 1;  ///< Meaningful messages in a batch, from which on the tier is asked.
  CallMode mode = CallMode::call;
};

/// Which tiers there are and when they are asked.
struct TierPolicies {
  std::array<TierPolicy, tier_count> of{TierPolicy{.min_messages = 4}, TierPolicy{.min_messages = 6}};
  bool both = false;  ///< Premium sees every selected batch whole, not only what small left.
  [[nodiscard]] const TierPolicy& operator[](Tier tier) const {
    return of[static_cast<std::size_t>(tier)];
  }
  TierPolicy& operator[](Tier tier) {
    return of[static_cast<std::size_t>(tier)];
  }
  [[nodiscard]] bool any() const {
    return of[0].enabled || of[1].enabled;
  }
};

/// The tiers that a selected batch of so many meaningful messages is sent to first, cheapest first: small if it is
/// enabled and there are enough; premium if small is not asked (or `both`), and there are enough for it. Empty: none.
[[nodiscard]] std::vector<Tier> first_tiers(const TierPolicies& policies, std::size_t meaningful);

/// The messages that premium gets after small has answered: of `asked` those on which no memory rests
/// (`extracted[message]` is false) and those in `unsure`. All three number messages alike: by their place in the batch,
/// or in the request. Empty unless premium is enabled, `both` is off, and enough were asked about for it.
[[nodiscard]] std::vector<std::uint32_t> left_for_premium(const TierPolicies& policies,
                                                          const std::vector<std::uint32_t>& asked,
                                                          const std::vector<bool>& extracted,
                                                          const std::vector<std::uint32_t>& unsure);

}  // namespace alluvium::pipeline
