// SPDX-License-Identifier: Apache-2.0
// Writes what an answer makes of the messages it was about: memories, outcomes, dead letters, further requests.
#pragma once

#include <cstdint>

#include "connectors/sqlite_memories.hpp"
#include "connectors/sqlite_request_rows.hpp"

namespace alluvium::connectors {

/// All its calls belong inside the caller's write transaction.
class SettlementRows {
 public:
  explicit SettlementRows(Database& database);

  /// `request` is still in its table; `mode`: of the requests that follow.
  pipeline::Settled write(const pipeline::StoredRequest& request, std::int64_t batch_row,
                          const pipeline::Settlement& settlement, pipeline::CallMode mode_of_premium,
                          std::int64_t now_ms);

 private:
  struct BatchRow {
    std::int64_t partition_id = 0;
    std::string positions, outcomes;
  };
  BatchRow read_batch(std::int64_t row);
  void write_dead_letters(const pipeline::StoredRequest& request, std::int64_t batch_row, const BatchRow& batch,
                          const pipeline::Settlement& settlement, std::int64_t now_ms);
  /// Which messages of the batch other requests are still about.
  std::vector<bool> asked_elsewhere(const pipeline::StoredRequest& request, std::int64_t batch_row, std::size_t size);

  MemoryTable memories_;
  RequestRows rows_;
  Statement batch_, update_batch_, others_, dead_, partition_;
};

}  // namespace alluvium::connectors
