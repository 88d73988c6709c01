// SPDX-License-Identifier: Apache-2.0
#include "pipeline/commit_verdict.hpp"

#include <string>

namespace alluvium::pipeline {

Standing standing_of(const PartitionCommit& commit, const LedgerRow* row) {
  if (row == nullptr || row->token != commit.token) {
    return Standing::fenced;
  }
  if (row->seq == commit.seq && row->watermark <= commit.watermark) {
    return Standing::ours;
  }
  if (row->seq == commit.seq + 1 && row->watermark == commit.watermark) {
    return Standing::applied;
  }
  return Standing::impossible;
}

Result<CommitVerdict> judge(std::span<const PartitionCommit> commits, std::span<const LedgerRow* const> rows) {
  CommitVerdict verdict;
  bool applied = false;
  bool ours = false;
  for (std::size_t i = 0; i < commits.size(); ++i) {
    switch (standing_of(commits[i], rows[i])) {
      case Standing::ours:
        ours = true;
        break;
      case Standing::applied:
        applied = true;
        break;
      case Standing::fenced:
        verdict.fenced.push_back(i);
        break;
      case Standing::impossible:
        return fail(Errc::unsafe_to_go_on,
                    commits[i].partition.topic + "/" + std::to_string(commits[i].partition.partition) +
                        ": a commit does not fit the ledger (seq " + std::to_string(commits[i].seq) + ", watermark " +
                        std::to_string(commits[i].watermark) + "; stored " + std::to_string(rows[i]->seq) + ", " +
                        std::to_string(rows[i]->watermark) + ")");
    }
  }
  if (applied) {
    // A commit is written whole, so one partition that has it proves that all had it, those included that
    // someone claimed since. One that still waits for it can't be.
    if (ours) {
      return fail(Errc::unsafe_to_go_on, "the ledger holds half a commit: partitions disagree on its seq");
    }
    verdict.fenced.clear();
    return verdict;
  }
  verdict.write = verdict.fenced.empty();
  return verdict;
}

}  // namespace alluvium::pipeline
