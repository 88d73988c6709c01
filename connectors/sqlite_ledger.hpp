// SPDX-License-Identifier: Apache-2.0
// The ledger in the store: who may write for a partition, how far it is, and what is done above that.
// docs/delivery.md explains the protocol.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connectors/sqlite_database.hpp"
#include "pipeline/memory.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

/// Partitions of one topic that are first claimed within this time of its first one count as there from its
/// beginning (several engines share out a new topic); a later one was added and is read from its start.
inline constexpr std::int64_t topic_begins_within_ms = 10 * 60 * 1000;

/// Where a claim has to begin to look for batches at or above the watermark. Only rows that reach higher than
/// every row before them can ever be the answer, so only these are kept.
class OpenBatches {
 public:
  void add(std::int64_t row, std::int64_t max_offset);
  void pass(std::int64_t watermark);
  /// The first row of interest; if there is none, the one after the partition's last.
  [[nodiscard]] std::int64_t floor() const;
  [[nodiscard]] std::int64_t last() const {
    return last_;
  }

 private:
  struct Row {
    std::int64_t id;
    std::int64_t max_offset;
  };
  std::deque<Row> rows_;  ///< At most one per batch in the window above the watermark.
  std::int64_t last_ = 0;

  friend class SqliteLedger;
};

/// All its calls belong inside the caller's write transaction.
class SqliteLedger {
 public:
  explicit SqliteLedger(Database& database);

  struct Row {
    std::int64_t id = 0;
    std::string identity, token;
    std::int64_t seq = 0, watermark = 0, floor_batch = 0, last_batch = 0;
  };
  /// What a commit adds to a partition's row.
  struct Growth {
    pipeline::OutcomeCounts outcomes;
    std::int64_t gaps = 0, batches = 0;
    OpenBatches open;
  };

  pipeline::Claim claim(const pipeline::ClaimRequest& request, std::int64_t now_ms);
  [[nodiscard]] std::optional<Row> find(const pipeline::TopicPartition& partition);
  [[nodiscard]] OpenBatches open_batches(const Row& row);
  /// False if the row is not as `commit` expects it.
  bool advance(const pipeline::PartitionCommit& commit, const Growth& growth, std::int64_t now_ms);
  /// Records ranges, merged; returns how many offsets they cover.
  std::int64_t add_gaps(std::int64_t partition_id, std::string_view kind, std::vector<pipeline::Gap> gaps);
  [[nodiscard]] std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> watermarks();

 private:
  Row begin(const pipeline::ClaimRequest& request, bool known, std::int64_t now_ms);
  void check(const Row& row, const pipeline::ClaimRequest& request, const std::vector<pipeline::Position>& done);
  std::vector<pipeline::Position> done_positions(const Row& row, OpenBatches& open);
  std::int64_t pass_lost(Row& row, std::int64_t first, const std::vector<pipeline::Position>& done);

  Database& database_;
  Statement find_, insert_, retire_, claim_, begun_, batches_, dead_, advance_, gap_, watermarks_;
};

}  // namespace alluvium::connectors
