// SPDX-License-Identifier: Apache-2.0
// What the caller can be told: the tiers, their endpoints and prices, and how to retry.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "pipeline/backoff.hpp"
#include "pipeline/endpoint_gate.hpp"
#include "pipeline/prepared_call.hpp"
#include "pipeline/prices.hpp"
#include "pipeline/tier.hpp"

namespace alluvium::actors {

/// A tier as the caller needs it.
struct TierCalls {
  std::string endpoint;              ///< The user's name for it.
  pipeline::Model* model = nullptr;  ///< Null: the tier is off.
  pipeline::TierVoice voice;
  std::optional<pipeline::ModelPrice> price;  ///< Absent: unknown.
  pipeline::GateOptions gate;
  std::chrono::milliseconds timeout{30'000};  ///< Of a call, for messages.
  bool batch_jobs = false;  ///< Its provider takes batch jobs: what the budget can't pay at once may go there.
};

struct CallerOptions {
  std::array<TierCalls, pipeline::tier_count> tiers;
  pipeline::TierPolicies policies;
  pipeline::RetryOptions retry;
  /// An endpoint that has been broken for so long is not waited for: what is queued for it goes to the backlog.
  std::chrono::milliseconds broken_patience{30'000};
  std::chrono::milliseconds look_every{1000};  ///< For requests that others stored, and for leases that ended.

  [[nodiscard]] const TierCalls& of(pipeline::Tier tier) const {
    return tiers[static_cast<std::size_t>(tier)];
  }
};

}  // namespace alluvium::actors
