// SPDX-License-Identifier: Apache-2.0
#include "pipeline/commit_queue.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::pipeline {

CommitQueue::Partition* CommitQueue::current(const PartitionClaim& claim) {
  const auto found = partitions_.find(claim.slot);
  return found != partitions_.end() && found->second.claim->epoch == claim.epoch ? &found->second : nullptr;
}

void CommitQueue::open(ClaimPtr claim, const Claim& granted) {
  drop(claim->slot);
  Partition partition{claim, OffsetLedger{granted.watermark}, granted.watermark, {}, {}, {}};
  for (const auto& position : granted.done) {
    partition.ledger.mark(position);
  }
  partition.next.partition = claim->name;
  partition.next.token = granted.token;
  partition.next.seq = granted.seq;
  partitions_.emplace(claim->slot, std::move(partition));
}

void CommitQueue::drop(PartitionSlot slot) {
  if (const auto found = partitions_.find(slot); found != partitions_.end()) {
    batches_ -= found->second.next.batches.size();
    partitions_.erase(found);
  }
  if (const auto found = std::find(slots_.begin(), slots_.end(), slot); found != slots_.end()) {
    outstanding_.erase(outstanding_.begin() + (found - slots_.begin()));
    slots_.erase(found);
  }
}

bool CommitQueue::add(const PartitionClaim& claim, ExtractedBatch batch) {
  auto* partition = current(claim);
  if (partition == nullptr) {
    return false;
  }
  for (std::size_t i = 0; i < batch.batch.size(); ++i) {
    partition->ledger.mark(batch.batch.position(i));
  }
  partition->next.batches.push_back(std::move(batch));
  ++batches_;
  return true;
}

bool CommitQueue::add(const PartitionClaim& claim, std::vector<DeadLetter> dead_letters, std::span<const Gap> gaps) {
  auto* partition = current(claim);
  if (partition == nullptr) {
    return false;
  }
  for (auto& letter : dead_letters) {
    partition->ledger.mark(letter.position);
    partition->next.dead_letters.push_back(std::move(letter));
  }
  for (const auto& gap : gaps) {
    partition->ledger.mark_range(gap.from, gap.to);
    partition->gaps.push_back(gap);
  }
  return true;
}

void CommitQueue::add(const PartitionClaim& claim, SelectorState state) {
  auto* partition = current(claim);
  if (partition == nullptr) {
    return;
  }
  auto& selectors = partition->selectors;
  selectors.push_back(std::move(state));
  if (selectors.size() > selectors_max) {
    // The one whose neighbours are closest goes: so a claim finds a state near the watermark wherever that will be.
    std::size_t closest = 1;
    const auto span = [&](std::size_t i) { return selectors[i + 1].offset - selectors[i - 1].offset; };
    for (std::size_t i = 2; i + 1 < selectors.size(); ++i) {
      closest = span(i) < span(closest) ? i : closest;
    }
    selectors.erase(selectors.begin() + static_cast<std::ptrdiff_t>(closest));
  }
}

void CommitQueue::take() {
  std::vector<std::pair<PartitionSlot, Partition*>> news;
  for (auto& [slot, partition] : partitions_) {
    if (!partition.next.batches.empty() || !partition.next.dead_letters.empty() ||
        partition.ledger.watermark() != partition.committed_watermark) {
      news.emplace_back(slot, &partition);
    }
  }
  std::sort(news.begin(), news.end(),
            [](const auto& a, const auto& b) { return a.second->next.partition < b.second->next.partition; });
  for (auto& [slot, partition] : news) {
    auto& next = partition->next;
    next.watermark = partition->ledger.watermark();
    while (!partition->gaps.empty() && partition->gaps.front().to <= next.watermark) {
      next.gaps.push_back(partition->gaps.front());
      partition->gaps.pop_front();
    }
    while (!partition->selectors.empty() && partition->selectors.front().offset <= next.watermark) {
      next.selector = std::move(partition->selectors.front());
      partition->selectors.pop_front();
    }
    PartitionCommit fresh{next.partition, next.token, next.seq, 0, {}, {}, {}};
    outstanding_.push_back(std::exchange(next, std::move(fresh)));
    slots_.push_back(slot);
  }
  batches_ = 0;
}

std::vector<ClaimPtr> CommitQueue::fenced(std::span<const std::size_t> indices) {
  std::vector<ClaimPtr> lost;
  for (const auto i : indices) {
    lost.push_back(partitions_.at(slots_[i]).claim);
  }
  for (const auto& claim : lost) {
    drop(claim->slot);
  }
  return lost;
}

std::vector<CommitQueue::Advance> CommitQueue::settle() {
  std::vector<Advance> advances;
  for (std::size_t i = 0; i < outstanding_.size(); ++i) {
    auto& partition = partitions_.at(slots_[i]);
    partition.next.seq = outstanding_[i].seq + 1;
    partition.committed_watermark = outstanding_[i].watermark;
    advances.push_back({partition.claim, outstanding_[i].watermark});
  }
  outstanding_.clear();
  slots_.clear();
  return advances;
}

}  // namespace alluvium::pipeline
