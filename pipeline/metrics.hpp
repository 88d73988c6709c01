// SPDX-License-Identifier: Apache-2.0
// What the engine counts. One row here is all that a new figure needs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "pipeline/memory.hpp"

namespace alluvium::pipeline {

/// Bytes; as of the last look, or the most since the start.
struct MemoryUse {
  std::atomic<std::int64_t> limit{0};
  std::atomic<std::int64_t> resident{0};
  std::atomic<std::int64_t> resident_peak{0};
  std::atomic<std::int64_t> held{0};  ///< HeldBytes::sum().
  std::atomic<std::int64_t> held_peak{0};
  std::atomic<std::int64_t> level{0};     ///< Pressure.
  std::atomic<std::int64_t> delay_ms{0};  ///< Between two polls.
  std::atomic<std::int64_t> delay_ms_peak{0};
  std::atomic<std::int64_t> episodes{0};     ///< Times that pressure came up.
  std::atomic<std::int64_t> episodes_ms{0};  ///< How long those took that are over.
};

/// Written by the engine's threads, read by whoever shows it. Counts since the start of this
/// process unless they say otherwise.
struct Metrics {
  std::atomic<std::int64_t> records{0};          ///< Delivered by the source and not done before.
  std::atomic<std::int64_t> records_skipped{0};  ///< Delivered again, done in the ledger already.
  std::atomic<std::int64_t> records_ahead{0};    ///< Until the ends as of start; 0 without --until-end.
  std::array<std::atomic<std::int64_t>, outcome_count> messages{};  ///< Committed, by Outcome.
  std::atomic<std::int64_t> batches{0};
  std::atomic<std::int64_t> memories{0};
  std::atomic<std::int64_t> duplicates{0};
  std::atomic<std::int64_t> commits{0};
  std::atomic<std::int64_t> fenced{0};            ///< Partitions taken over by another engine.
  std::atomic<std::int64_t> restarts{0};          ///< Of the stage between source and store.
  std::atomic<std::int64_t> stalls{0};            ///< Times that nothing moved although there was work.
  std::atomic<std::int64_t> store_waits{0};       ///< Tries that the store could not take.
  std::atomic<std::int64_t> heartbeats{0};        ///< Of the source's thread.
  std::atomic<std::int64_t> offsets_lost{0};      ///< Deleted by retention before they were read.
  std::atomic<std::int64_t> pressure_flushes{0};  ///< Buffers that had to flush early.
  std::atomic<std::int64_t> batch_bytes{0};       ///< Charged for the batches that were committed.
  MemoryUse memory;
  std::atomic<std::int64_t> model_calls{0};  ///< Sent.
  std::atomic<std::int64_t> model_answers{0};
  std::atomic<std::int64_t> answers_reused{0};  ///< Paid for before: no call was made.
  std::atomic<std::int64_t> prompt_tokens{0};
  std::atomic<std::int64_t> completion_tokens{0};
  std::atomic<std::int64_t> cost_pico{0};           ///< Picodollars, of answers with a known price.
  std::atomic<std::int64_t> cost_unknown{0};        ///< Answers whose price nobody knows.
  std::atomic<std::int64_t> possibly_paid_pico{0};  ///< Set aside for calls whose reply was lost.
  std::atomic<std::int64_t> requests_degraded{0};   ///< Put into the backlog: the endpoint did not answer.
  std::atomic<std::int64_t> requests_parked{0};     ///< Put into the backlog: no budget.
  std::atomic<std::int64_t> backlog_full{0};        ///< Batches that were selected and found no room there.

  [[nodiscard]] std::int64_t messages_done() const {
    std::int64_t sum = 0;
    for (const auto& count : messages) {
      sum += count.load(std::memory_order_relaxed);
    }
    return sum;
  }
};

}  // namespace alluvium::pipeline
