// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/scenario.hpp"

#include <array>

namespace alluvium::simulation {

using std::chrono::milliseconds;

Scenario::Scenario(Random& random, Mutation mutated) : mutation{mutated} {
  engines = random.once_in(4) ? random.between(3, 4) : 2;
  chaos_steps = random.between(100, 500);
  start_at_end = random.once_in(8);

  stream.partitions = random.once_in(3) ? 3 : random.between(1, 2);
  stream.agents = random.between(1, 4);
  stream.records = random.between(12, 36);
  stream.last_is_added_late = stream.partitions > 1 && random.once_in(8);
  for (auto* rate : {&stream.bundle_once_in, &stream.dead_once_in, &stream.gap_once_in}) {
    *rate = random.once_in(4) ? 0 : *rate;
  }

  const auto most = static_cast<std::size_t>(random.between(1, 6));
  buffer.max_messages = most;
  buffer.min_messages = static_cast<std::size_t>(random.between(1, static_cast<int>(most)));
  buffer.idle_timeout = milliseconds{random.between(20, 300)};
  buffer.max_hold = buffer.idle_timeout + milliseconds{random.between(0, 1000)};
  buffer.max_bytes = random.once_in(4) ? static_cast<std::size_t>(random.between(4, 20)) : 1000;
  if (mutation == Mutation::no_hold) {
    buffer.max_hold = std::chrono::hours{24 * 7};
  }
  if (random.once_in(3)) {
    window = random.between(4, 40);
    stream.wide_gap_once_in = 10;
    stream.wide_gap = static_cast<int>(window) + random.between(-2, 100);
  }
  commit_batches = static_cast<std::size_t>(random.between(1, 8));
  commit_interval_ms = random.between(1, 50);

  for (auto* slow : {&slow_inbox, &slow_extractors, &slow_writer}) {
    *slow = random.once_in(3) ? static_cast<std::uint32_t>(random.between(2, 12)) : 1;
  }

  const auto draw = [&](std::uint32_t& rate, int often, int seldom) {
    rate = random.once_in(2) ? static_cast<std::uint32_t>(random.between(often, seldom)) : 0;
  };
  draw(faults.crash, 20, 100);
  draw(faults.stage_crash, 20, 100);
  draw(faults.pause, 10, 60);
  draw(faults.rebalance, 8, 60);
  draw(faults.expiry, 8, 60);
  draw(faults.outage, 20, 100);
  draw(faults.power_loss, 30, 150);
  draw(faults.failover, 20, 100);
  draw(faults.retention, 20, 100);
  draw(faults.compaction, 10, 60);
  draw(faults.pressure, 5, 20);
  draw(faults.redelivery, 3, 20);
  draw(faults.overrun, 2, 10);
  draw(faults.unavailable, 4, 20);
  draw(faults.answer_lost, 4, 20);
  draw(faults.crash_before, 20, 60);
  draw(faults.crash_after, 10, 60);
  draw(faults.arrives_late, 6, 30);
}

}  // namespace alluvium::simulation
