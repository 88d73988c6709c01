// SPDX-License-Identifier: Apache-2.0
// What the courier can be told: the tiers whose requests go into batch jobs, how large those are, and when to look.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

#include "actors/caller_options.hpp"
#include "pipeline/job_ports.hpp"

namespace alluvium::actors {

struct CourierOptions {
  CallerOptions models;                                          ///< Its tiers, policies and retry.
  std::array<pipeline::BatchApi*, pipeline::tier_count> apis{};  ///< Null: no jobs for this tier.
  pipeline::RequestStore* requests = nullptr;                    ///< A connection of its own: not the caller's.
  pipeline::JobStore* jobs = nullptr;
  std::size_t requests_max = 10'000;               ///< In one job; the provider's own limit counts besides.
  std::size_t bytes_max = std::size_t{64} << 20;   ///< Of bodies in one job: they are in memory while it is sent.
  std::chrono::milliseconds submit_every{60'000};  ///< Looks for requests.
  std::chrono::milliseconds poll_every{300'000};   ///< Asks how a job is doing.
  std::chrono::milliseconds submit_delay{1000};    ///< After a submission that failed; doubles up to retry.delay_max.
  /// After a submission whose reply was lost: what is still on its way has arrived, or will not.
  std::chrono::milliseconds lost_delay{5000};
  /// A job that its provider has not been able to tell anything about for so long is given up: providers run a job
  /// for a day, and this leaves two for their recovery.
  std::chrono::milliseconds silence_max{72 * 3'600'000};

  [[nodiscard]] pipeline::BatchApi* api_of(pipeline::Tier tier) const {
    return apis[static_cast<std::size_t>(tier)];
  }
};

}  // namespace alluvium::actors
