// SPDX-License-Identifier: Apache-2.0
// What one run looks like: drawn from its seed, so that every combination of sizes and faults comes up.
#pragma once

#include <cstdint>

#include "pipeline/batch_policy.hpp"
#include "pipeline/offset_ledger.hpp"
#include "tests/simulation/mutation.hpp"
#include "tests/simulation/random.hpp"
#include "tests/simulation/stream.hpp"

namespace alluvium::simulation {

/// How often each fault comes: once in so many steps, or in so many calls of the store; 0 is never. Each seed
/// leaves about half of them out, since a fault that comes often hides others.
struct Faults {
  // Per step of the surroundings.
  std::uint32_t crash = 0, stage_crash = 0, pause = 0, rebalance = 0, expiry = 0, outage = 0, power_loss = 0,
                failover = 0, retention = 0, compaction = 0, pressure = 0;
  // Per poll: the source brings some records once more, or does not stop at once when it is held.
  std::uint32_t redelivery = 0, overrun = 0;
  // Per call of the store.
  std::uint32_t unavailable = 0, answer_lost = 0, crash_before = 0, crash_after = 0, arrives_late = 0;
};

struct Scenario {
  Scenario(Random& random, Mutation mutation);

  Mutation mutation;
  int engines = 2;
  int chaos_steps = 400;  ///< Then everything heals, and all has to be done within heal_steps.
  static constexpr int heal_steps = 20'000;
  bool start_at_end = false;
  StreamOptions stream;
  pipeline::BatchPolicy::Options buffer;
  std::int64_t window = pipeline::window_offsets_max;
  std::size_t commit_batches = 8;
  int commit_interval_ms = 20;
  /// A part of an engine that is slow takes only one of so many of its turns: mail piles up before it.
  std::uint32_t slow_inbox = 1, slow_extractors = 1, slow_writer = 1;
  Faults faults;
};

}  // namespace alluvium::simulation
