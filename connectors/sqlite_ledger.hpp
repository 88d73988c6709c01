// SPDX-License-Identifier: Apache-2.0
// The ledger in the store: who may write for a partition, how far it is, and what is done above that.
// docs/delivery.md explains the protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/sqlite_database.hpp"
#include "pipeline/claim_plan.hpp"
#include "pipeline/memory.hpp"
#include "pipeline/open_batches.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

/// All its calls belong inside the caller's write transaction.
class SqliteLedger {
 public:
  explicit SqliteLedger(Database& database);

  struct Row : pipeline::LedgerRow {
    std::int64_t id = 0, floor_batch = 0, last_batch = 0;
  };
  /// What a commit adds to a partition's row.
  struct Growth {
    pipeline::OutcomeCounts outcomes;
    std::int64_t gaps = 0, batches = 0;
    pipeline::OpenBatches open;
  };

  pipeline::Claim claim(const pipeline::ClaimRequest& request, std::int64_t now_ms);
  [[nodiscard]] std::optional<Row> find(const pipeline::TopicPartition& partition);
  [[nodiscard]] pipeline::OpenBatches open_batches(const Row& row);
  /// False if the row is not as `commit` expects it.
  bool advance(const pipeline::PartitionCommit& commit, const Growth& growth, std::int64_t now_ms);
  void keep_selector(std::int64_t partition_id, const pipeline::SelectorState& state);
  /// Records ranges, merged; returns how many offsets they cover.
  std::int64_t add_gaps(std::int64_t partition_id, std::string_view kind, std::vector<pipeline::Gap> gaps);
  [[nodiscard]] std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> watermarks();

 private:
  Row begin(const pipeline::ClaimRequest& request, bool known, std::int64_t now_ms);
  std::vector<pipeline::Position> done_positions(const Row& row, pipeline::OpenBatches& open);

  Database& database_;
  Statement find_, insert_, retire_, claim_, selector_, keep_selector_, begun_, batches_, dead_, advance_, gap_,
      watermarks_;
};

}  // namespace alluvium::connectors
