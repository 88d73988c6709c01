// SPDX-License-Identifier: Apache-2.0
// A transactional store in memory that decides as the real one does (claim plan, commit verdict, open batches,
// position codec, selection) and can lose what was not yet safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/claim_plan.hpp"
#include "pipeline/open_batches.hpp"
#include "pipeline/ports.hpp"
#include "tests/simulation/mutation.hpp"
#include "tests/simulation/random.hpp"
#include "tests/simulation/stream.hpp"

namespace alluvium::simulation {

inline constexpr double selection_rate = 0.4;

/// The tables. A row's number is its place from 1, as in SQLite; all but `partitions` only grow.
struct Tables {
  struct Partition : pipeline::LedgerRow {
    bool exists = false;
    std::int64_t start = 0, begun_ms = 0, floor_batch = 0, last_batch = 0;
  };
  struct Batch {
    int partition = 0;
    std::string token;  ///< Of the claim that wrote it.
    std::string id, agent;
    std::string positions;  ///< encode_positions()
    std::vector<pipeline::Worth> worths;
    std::int64_t ordinal = 0;
    bool selected = false;
  };
  struct Memory {
    std::size_t batch = 0;  ///< Its number.
    std::string id;
    pipeline::Position source;
  };
  struct DeadLetter {
    int partition = 0;
    pipeline::Position position;
  };
  struct Gap {
    int partition = 0;
    bool lost = false;
    pipeline::Gap range;
  };
  std::array<Partition, partitions_max> partitions;
  std::vector<Batch> batches;
  std::vector<Memory> memories;
  std::vector<DeadLetter> dead_letters;
  std::vector<Gap> gaps;
};

/// What a transaction does of a commit: all of it, but for mutations.
enum class Part {
  all,
  ledger,
  data,
  look,      ///< Only the verdict.
  unchecked  ///< All but the verdict.
};

class Store {
 public:
  Store(Mutation mutation, Random& random) : mutation_{mutation}, random_{random} {}

  pipeline::Result<pipeline::Claim> claim(const pipeline::ClaimRequest& request, std::int64_t now_ms);
  pipeline::Result<pipeline::CommitResult> commit(std::span<const pipeline::PartitionCommit> commits, Part part);

  /// The last transaction is on disk, or on the replica: it is what a power loss or a failover goes back to.
  void keep();
  /// Back to one of the kept states. False if there is none.
  bool roll_back();

  [[nodiscard]] const Tables& tables() const {
    return tables_;
  }

 private:
  struct Kept {
    std::array<Tables::Partition, partitions_max> partitions;
    std::size_t batches, memories, dead_letters, gaps;
  };
  pipeline::Result<std::vector<pipeline::Position>> done_positions(int partition, pipeline::OpenBatches& open);
  pipeline::Result<bool> may_write(std::span<const pipeline::PartitionCommit> commits, pipeline::CommitResult& result);
  void write_data(const pipeline::PartitionCommit& commit, pipeline::OpenBatches& open);
  void write_batch(int partition, const pipeline::PartitionCommit& commit, const pipeline::ExtractedBatch& batch);
  void write_gaps(int partition, bool lost, std::vector<pipeline::Gap> gaps);
  std::string new_token(const Tables::Partition& row);

  Mutation mutation_;
  Random& random_;
  Tables tables_;
  std::vector<Kept> kept_;  ///< At most one per transaction.
};

}  // namespace alluvium::simulation
