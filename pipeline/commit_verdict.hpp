// SPDX-License-Identifier: Apache-2.0
// Whether a commit may be written, from the tokens and seqs of the partitions' rows.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/claim_plan.hpp"
#include "pipeline/error.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::pipeline {

/// What a partition's row says about a commit.
enum class Standing {
  ours,       ///< Our token, our seq: it may be written.
  applied,    ///< Our token, our seq + 1: this very commit is there already.
  fenced,     ///< Another token, or no row: someone else has claimed the partition.
  impossible  ///< Our token with a seq or watermark that neither this commit nor the one before can have left.
};
[[nodiscard]] Standing standing_of(const PartitionCommit& commit, const LedgerRow* row);

/// What becomes of a commit as a whole.
struct CommitVerdict {
  bool write = false;               ///< False, and nobody fenced: all of it is there already.
  std::vector<std::size_t> fenced;  ///< Indices of the partitions that others have claimed: nothing is written.
};

/// `rows`: the row of each commit's partition, null if there is none, read in the transaction that will write.
/// Fails with `unsafe_to_go_on` if the ledger can't have come about by this protocol.
[[nodiscard]] Result<CommitVerdict> judge(std::span<const PartitionCommit> commits,
                                          std::span<const LedgerRow* const> rows);

}  // namespace alluvium::pipeline
