// SPDX-License-Identifier: Apache-2.0
// Writes what an answer makes of what it was about: memories, outcomes, dead letters, further requests, verdicts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "connectors/sqlite_memories.hpp"
#include "connectors/sqlite_request_rows.hpp"

namespace alluvium::connectors {

/// All its calls belong inside the caller's write transaction.
class SettlementRows {
 public:
  explicit SettlementRows(Database& database, const DedupeOptions& dedupe = {});

  /// `request` is still in its table, made with the batch in row `origin`; `mode_of_premium`: of the requests that
  /// follow.
  pipeline::Settled write(pipeline::StoredRequest request, std::int64_t origin, const pipeline::Settlement& settlement,
                          pipeline::CallMode mode_of_premium, std::int64_t now_ms);
  /// The same for a request about pairs of memories. Of those that are no more there, what was said is kept.
  pipeline::Settled decide(const pipeline::StoredRequest& request, const pipeline::Settlement& settlement,
                           std::int64_t now_ms);

 private:
  /// A batch that the request is about. One letter, position and flag for each of its messages.
  struct TouchedBatch {
    std::int64_t partition_id = 0, memories = 0;
    std::string before, after;
    std::vector<pipeline::Position> positions;
    std::vector<bool> waits;  ///< Another request is about it.
  };
  using Batches = std::map<std::int64_t, TouchedBatch>;
  /// Where one of the request's messages stands.
  struct Standing {
    TouchedBatch* batch = nullptr;
    std::int64_t row = 0;
    std::uint32_t place = 0;
  };
  TouchedBatch read_batch(std::int64_t row, std::int64_t request);
  void update(std::int64_t row, const TouchedBatch& batch, pipeline::Settled& settled, std::int64_t now_ms);
  void write_dead_letter(const pipeline::StoredRequest& request, std::uint32_t index, const TouchedBatch& batch,
                         std::int64_t row, const std::string& detail, std::int64_t now_ms);

  BatchRows batch_rows_;
  MemoryTable memories_;
  RequestRows rows_;
  VerdictRows verdicts_;
  Statement batch_, update_batch_, others_, dead_, partition_;
};

}  // namespace alluvium::connectors
