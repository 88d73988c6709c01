// SPDX-License-Identifier: Apache-2.0
// The embedded store: memories, batch records, dead letters and the ledger in one SQLite file.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "connectors/sqlite_memories.hpp"
#include "connectors/sqlite_request_plan.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

struct SqliteStoreOptions {
  std::string path = "alluvium.db";
  std::chrono::milliseconds busy_timeout{5000};      ///< How long one call waits for another process's lock.
  std::size_t cache_bytes = std::size_t{16} << 20U;  ///< Of file pages in memory, at most.
  bool near_dedupe = false;                          ///< docs/dedupe.md; false: only exact duplicates are found.
  bool adjudicate = false;         ///< With near dedupe and a small tier: that is asked what it links.
  RequestPlanOptions models = {};  ///< No tier enabled: no requests.

  [[nodiscard]] DedupeOptions dedupe() const {
    return {.near = near_dedupe,
            .adjudication = {.enabled = adjudicate && models.tiers[pipeline::Tier::small].enabled,
                             .mode = models.tiers[pipeline::Tier::small].mode,
                             .requests_max = models.backlog_requests_max,
                             .bytes_max = models.backlog_bytes_max}};
  }
};

/// Opens or creates the file, migrates an older schema. `unsafe_to_go_on` if it is corrupt, not a
/// database, or of a newer schema; `unavailable` if it can't be opened now.
[[nodiscard]] pipeline::Result<std::unique_ptr<pipeline::Store>> open_sqlite_store(const SqliteStoreOptions& options,
                                                                                   pipeline::WallClock clock);

}  // namespace alluvium::connectors
