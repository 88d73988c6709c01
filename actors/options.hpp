// SPDX-License-Identifier: Apache-2.0
// What the engine can be told.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "actors/caller_options.hpp"
#include "actors/courier_options.hpp"
#include "pipeline/batch_policy.hpp"
#include "pipeline/decoder.hpp"
#include "pipeline/extraction.hpp"
#include "pipeline/governor.hpp"
#include "pipeline/restart_policy.hpp"
#include "pipeline/stream_selection.hpp"

namespace alluvium::actors {

struct EngineOptions {
  pipeline::Decoder::Options decoder;
  pipeline::BatchPolicy::Options buffer;
  pipeline::ExtractionOptions extraction;
  std::size_t workers = 0;                            ///< Extractors; 0: one per core.
  std::size_t credit_bytes = std::size_t{128} << 20;  ///< Messages held between source and commit.
  std::size_t commit_batches_max = 2048;              ///< Per transaction.
  std::chrono::milliseconds commit_interval{20};      ///< Between commits, unless there is enough for one.
  std::chrono::milliseconds retry_first{100};         ///< Before a commit that failed is tried again; doubles to 5 s.
  pipeline::RestartPolicy::Options restarts;
  std::chrono::milliseconds stall_patience{20'000};      ///< Without progress while there is work.
  std::chrono::milliseconds pressure_delay_max{100};     ///< Governor::Options::delay_max.
  std::int64_t memory_limit = std::int64_t{512} << 20;   ///< Of resident memory, in bytes.
  std::function<pipeline::MemoryReading()> read_memory;  ///< Empty: only what is held counts.
  std::function<void()> release_unused;                  ///< Makes the allocator give back what it keeps. May be empty.
  std::optional<pipeline::StreamSelectionOptions> selection;  ///< Absent: no tier is on, or by hash.
  std::optional<CallerOptions> models;                        ///< Absent: no tier is on.
  std::optional<CourierOptions> jobs;     ///< Absent: no tier has batch jobs, or another process sees to them.
  std::size_t model_requests_max = 1000;  ///< Stored and not answered; beyond, the intake slows down.
  bool until_end = false;
  bool start_at_end = false;  ///< For topics the ledger has never seen.
  bool reset_ledger = false;  ///< Forget the offsets of the streams this run reads.
};

}  // namespace alluvium::actors
