// SPDX-License-Identifier: Apache-2.0
// What waits to be committed, by partition, and the commit that is under way: the writer's decisions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "pipeline/dead_letter.hpp"
#include "pipeline/memory.hpp"
#include "pipeline/offset_ledger.hpp"
#include "pipeline/partition_claim.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::pipeline {

/// Collects what is done under the claims that are held, and makes group commits of it, one at a time: until
/// one is settled or fenced, the same one is tried again. What it holds is bounded by the bytes of credit.
class CommitQueue {
 public:
  /// The store granted `claim`. Forgets what an earlier claim of the partition left here.
  void open(ClaimPtr claim, const Claim& granted);
  /// Forgets a partition, also in the commit that is under way.
  void drop(PartitionSlot slot);

  /// False if the claim is over: what came under it is dropped.
  bool add(const PartitionClaim& claim, ExtractedBatch batch);
  bool add(const PartitionClaim& claim, std::vector<DeadLetter> dead_letters, std::span<const Gap> gaps);
  /// Goes with the commit whose watermark reaches it. Of one partition's, ascending, selectors_max wait at most, spread
  /// evenly over the window: less than selector_replay_max apart.
  void add(const PartitionClaim& claim, SelectorState state);
  static constexpr std::size_t selectors_max = 64;
  /// Batches that wait for the next commit.
  [[nodiscard]] std::size_t batches() const {
    return batches_;
  }

  /// Moves what waits into the commit under way, of which there is none: each partition that has news.
  void take();
  /// The commit that is under way, or failed and has to be tried again. Sorted by partition.
  [[nodiscard]] const std::vector<PartitionCommit>& outstanding() const {
    return outstanding_;
  }
  /// Drops the partitions (indices into outstanding()) that others have claimed; returns our claims of them.
  std::vector<ClaimPtr> fenced(std::span<const std::size_t> indices);

  /// How far a partition is now.
  struct Advance {
    ClaimPtr claim;
    std::int64_t watermark = 0;
  };
  /// The commit under way is in the store.
  std::vector<Advance> settle();

 private:
  struct Partition {
    ClaimPtr claim;
    OffsetLedger ledger;
    std::int64_t committed_watermark = 0;
    std::deque<Gap> gaps;                 ///< Not yet passed by the watermark; ascending.
    std::deque<SelectorState> selectors;  ///< The same.
    PartitionCommit next;                 ///< What the next commit will hold.
  };
  Partition* current(const PartitionClaim& claim);

  std::map<PartitionSlot, Partition> partitions_;
  std::size_t batches_ = 0;  ///< In `next`, over all partitions.
  std::vector<PartitionCommit> outstanding_;
  std::vector<PartitionSlot> slots_;  ///< Of outstanding_.
};

}  // namespace alluvium::pipeline
