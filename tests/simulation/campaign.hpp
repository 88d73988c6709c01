// SPDX-License-Identifier: Apache-2.0
// Many seeds, over a few threads. Each run is on its own: the threads share only a counter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/mutation.hpp"

namespace alluvium::simulation {

struct CampaignOptions {
  std::uint64_t first = 1;
  std::uint64_t seeds = 0;
  unsigned threads = 1;
  Mutation mutation = Mutation::none;
  bool stop_at_first = false;  ///< The first failure is enough.
};

struct Failure {
  std::uint64_t seed = 0;
  std::string fault;
};

struct CampaignResult {
  std::uint64_t seeds = 0, steps = 0, failed = 0;
  std::vector<Failure> failures;  ///< The lowest seeds that failed, at most failures_max.
  static constexpr std::size_t failures_max = 20;
};

/// The seed that this thread is at: for the last words of a process that an assertion ends.
[[nodiscard]] std::uint64_t current_seed();

[[nodiscard]] CampaignResult run_campaign(const CampaignOptions& options);

}  // namespace alluvium::simulation
