// SPDX-License-Identifier: Apache-2.0
#include "actors/writer.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "pipeline/failpoint.hpp"

namespace alluvium::actors {
namespace {

using Self = Writer::stateful_pointer<WriterState>;

/// The writer's decisions, with what they need at hand.
class Commits {
 public:
  Commits(Self self, pipeline::Store* store, Inbox* inbox, pipeline::Metrics* metrics, ModelLoad* load, Caller caller,
          const WriterOptions& options)
      : self_{self},
        store_{store},
        inbox_{inbox},
        metrics_{metrics},
        load_{load},
        caller_{std::move(caller)},
        options_{options} {}

  /// Null if the claim is over: whatever comes under it is dropped.
  WriterPartition* current(const ClaimPtr& claim) {
    const auto found = state().partitions.find(claim->slot);
    return found != state().partitions.end() && found->second.claim->epoch == claim->epoch ? &found->second : nullptr;
  }

  void add(Extracted& extracted) {
    auto* partition = current(extracted.claim);
    if (partition == nullptr) {
      return;
    }
    const auto& batch = extracted.batch.batch;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      partition->ledger.mark(batch.position(i));
    }
    partition->next.batches.push_back(std::move(extracted.batch));
    metrics_->batch_bytes.fetch_add(extracted.charge.bytes(), std::memory_order_relaxed);
    state().charges.push_back(std::move(extracted.charge));
    state().charges.push_back(std::move(extracted.results));
    ++state().batches;
    if (state().batches >= options_.batches_max && state().outstanding.empty()) {
      commit();
    } else {
      arm(options_.interval);
    }
  }

  void add(Settled& settled) {
    auto* partition = current(settled.claim);
    if (partition == nullptr) {
      return;
    }
    for (auto& letter : settled.dead_letters) {
      partition->ledger.mark(letter.position);
      partition->next.dead_letters.push_back(std::move(letter));
    }
    for (const auto& gap : settled.gaps) {
      partition->ledger.mark_range(gap.from, gap.to);
      partition->gaps.push_back(gap);
    }
    state().charges.push_back(std::move(settled.charge));
    arm(options_.interval);
  }

  void claim(const ClaimCommand& command) {
    // A newer claim of the same partition makes one that still waits pointless.
    forget_claim(command.claim->slot);
    drop(command.claim->slot);
    if (blocked()) {
      state().claims.push_back(command);
      arm(back_off_left());
      return;
    }
    auto claimed = store_->claim(command.request);
    if (!claimed) {
      if (claimed.error().code == pipeline::Errc::unavailable) {
        spdlog::warn("store: can't claim {}/{} yet: {}", command.claim->name.topic, command.claim->name.partition,
                     claimed.error().detail);
        state().claims.push_back(command);
        back_off();
      } else {
        inbox_->push(ClaimRefused{command.claim, std::move(claimed.error())});
      }
      return;
    }
    state().retry_delay = std::chrono::milliseconds{0};
    WriterPartition partition{command.claim, pipeline::OffsetLedger{claimed->watermark}, claimed->watermark, {}, {}};
    for (const auto& position : claimed->done) {
      partition.ledger.mark(position);
    }
    partition.next.partition = command.claim->name;
    partition.next.token = claimed->token;
    partition.next.seq = claimed->seq;
    state().partitions.insert_or_assign(command.claim->slot, std::move(partition));
    inbox_->push(Claimed{command.claim, std::move(*claimed)});
  }

  void release(const std::vector<pipeline::PartitionSlot>& slots) {
    for (const auto slot : slots) {
      forget_claim(slot);  // Or it would be taken from its next owner later.
    }
    commit();  // Once: what the store can't take now will be read again by the next owner.
    for (const auto slot : slots) {
      drop(slot);
    }
    inbox_->push(Released{slots});
  }

  void finish() {
    state().finish_wanted = true;
    commit();
  }

  void on_tick() {
    state().tick_due = false;
    commit();
    for (auto waiting = std::exchange(state().claims, {}); const auto& command : waiting) {
      claim(command);
    }
  }

  void commit() {
    auto& here = state();
    if (blocked()) {
      arm(back_off_left());
      return;
    }
    bool was_retry = false;
    do {
      was_retry = !here.outstanding.empty();  // Then what came meanwhile waits too, and no tick is due for it.
      if (!was_retry) {
        take_next();
      }
      if (here.outstanding.empty()) {
        here.outstanding_charges.clear();  // Of what was dropped before it could be committed.
      }
      if (!here.outstanding.empty() && !attempt()) {
        back_off();
        return;
      }
    } while (was_retry || here.batches >= options_.batches_max);
    here.retry_delay = std::chrono::milliseconds{0};
    if (here.finish_wanted) {
      answer_finish();
    }
  }

 private:
  WriterState& state() {
    return self_->state;
  }

  void arm(std::chrono::milliseconds delay) {
    if (!state().tick_due) {
      state().tick_due = true;
      self_->delayed_send(self_, delay, Tick::value);
    }
  }

  /// The store could not: nothing is tried before a delay that doubles each time.
  void back_off() {
    metrics_->store_waits.fetch_add(1, std::memory_order_relaxed);
    auto& delay = state().retry_delay;
    delay = delay.count() == 0 ? options_.retry_first : std::min(delay * 2, options_.retry_max);
    state().retry_at = self_->clock().now() + delay;
    arm(delay);
  }
  bool blocked() {
    return state().retry_delay.count() != 0 && self_->clock().now() < state().retry_at;
  }
  std::chrono::milliseconds back_off_left() {
    return std::chrono::ceil<std::chrono::milliseconds>(state().retry_at - self_->clock().now());
  }

  void forget_claim(pipeline::PartitionSlot slot) {
    std::erase_if(state().claims, [slot](const auto& waiting) { return waiting.claim->slot == slot; });
  }

  /// Moves what waits into `outstanding`: every partition that has news, in order of its name.
  void take_next() {
    auto& here = state();
    for (auto& [slot, partition] : here.partitions) {
      const auto watermark = partition.ledger.watermark();
      if (partition.next.batches.empty() && partition.next.dead_letters.empty() &&
          watermark == partition.committed_watermark) {
        continue;
      }
      while (!partition.gaps.empty() && partition.gaps.front().to <= watermark) {
        partition.next.gaps.push_back(partition.gaps.front());
        partition.gaps.pop_front();
      }
      partition.next.watermark = watermark;
      pipeline::PartitionCommit fresh{
          partition.next.partition, partition.next.token, partition.next.seq, 0, {}, {}, {}};
      here.outstanding.push_back(std::exchange(partition.next, std::move(fresh)));
      here.outstanding_slots.push_back(slot);
    }
    here.outstanding_charges = std::exchange(here.charges, {});
    here.batches = 0;
    sort_outstanding();
  }

  void sort_outstanding() {
    auto& here = state();
    std::vector<std::size_t> order(here.outstanding.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    std::sort(order.begin(), order.end(),
              [&](auto a, auto b) { return here.outstanding[a].partition < here.outstanding[b].partition; });
    std::vector<pipeline::PartitionCommit> commits;
    std::vector<pipeline::PartitionSlot> slots;
    for (const auto i : order) {
      commits.push_back(std::move(here.outstanding[i]));
      slots.push_back(here.outstanding_slots[i]);
    }
    here.outstanding = std::move(commits);
    here.outstanding_slots = std::move(slots);
  }

  /// False if the store could not take it now.
  bool attempt() {
    auto& here = state();
    while (!here.outstanding.empty()) {
      auto result = store_->commit(here.outstanding);
      if (!result) {
        if (result.error().code == pipeline::Errc::unavailable) {
          spdlog::warn("store: can't commit yet: {}", result.error().detail);
        } else {
          inbox_->push(Fatal{std::move(result.error())});
        }
        return false;
      }
      if (result->fenced.empty()) {
        pipeline::failpoint("writer.committed");
        settle(*result);
        return true;
      }
      // Nothing was written. Without the partitions that others have claimed, the rest can be.
      std::vector<pipeline::PartitionSlot> lost;
      for (const auto i : result->fenced) {
        lost.push_back(here.outstanding_slots[i]);
      }
      for (const auto slot : lost) {
        metrics_->fenced.fetch_add(1, std::memory_order_relaxed);
        inbox_->push(Fenced{here.partitions.at(slot).claim});
        drop(slot);
      }
    }
    here.outstanding_charges.clear();
    return true;
  }

  void settle(const pipeline::CommitResult& result) {
    auto& here = state();
    for (std::size_t i = 0; i < here.outstanding.size(); ++i) {
      auto& partition = here.partitions.at(here.outstanding_slots[i]);
      const auto& commit = here.outstanding[i];
      partition.next.seq = commit.seq + 1;
      partition.committed_watermark = commit.watermark;
      count(commit);
      inbox_->push(Advanced{partition.claim, commit.watermark});
    }
    for (std::size_t i = 0; i < pipeline::outcome_count; ++i) {
      metrics_->messages[i].fetch_add(result.moved.of[i], std::memory_order_relaxed);
    }
    metrics_->memories.fetch_add(result.memories, std::memory_order_relaxed);
    metrics_->duplicates.fetch_add(result.duplicates, std::memory_order_relaxed);
    metrics_->commits.fetch_add(1, std::memory_order_relaxed);
    if (result.backlog_full > 0 && metrics_->backlog_full.fetch_add(result.backlog_full) == 0) {
      spdlog::error("the backlog of model requests is full: selected batches keep only what rules found");
    }
    if (result.requests > 0 && caller_) {
      load_->open.fetch_add(result.requests, std::memory_order_relaxed);
      caf::anon_send(caller_, Flush::value);
    }
    here.outstanding.clear();
    here.outstanding_slots.clear();
    here.outstanding_charges.clear();
  }

  void count(const pipeline::PartitionCommit& commit) {
    pipeline::OutcomeCounts counts;
    for (const auto& batch : commit.batches) {
      for (const auto outcome : batch.outcomes) {
        ++counts[outcome];
      }
    }
    counts[pipeline::Outcome::dead] += static_cast<std::int64_t>(commit.dead_letters.size());
    for (std::size_t i = 0; i < pipeline::outcome_count; ++i) {
      metrics_->messages[i].fetch_add(counts.of[i], std::memory_order_relaxed);
    }
    metrics_->batches.fetch_add(static_cast<std::int64_t>(commit.batches.size()), std::memory_order_relaxed);
  }

  /// Forgets a partition, also in the commit that is under way.
  void drop(pipeline::PartitionSlot slot) {
    auto& here = state();
    here.partitions.erase(slot);
    for (std::size_t i = 0; i < here.outstanding_slots.size(); ++i) {
      if (here.outstanding_slots[i] == slot) {
        here.outstanding.erase(here.outstanding.begin() + static_cast<std::ptrdiff_t>(i));
        here.outstanding_slots.erase(here.outstanding_slots.begin() + static_cast<std::ptrdiff_t>(i));
        break;
      }
    }
    arm(options_.interval);  // Gives back the credit of what was dropped.
  }

  void answer_finish() {
    auto marks = store_->watermarks();
    const auto calls = store_->open_calls();
    if (!marks || !calls) {
      spdlog::warn("store: can't read the ledger yet: {}", marks ? calls.error().detail : marks.error().detail);
      back_off();
      return;
    }
    state().finish_wanted = false;
    inbox_->push(Finished{std::move(*marks), *calls});
  }

  Self self_;
  pipeline::Store* store_;
  Inbox* inbox_;
  pipeline::Metrics* metrics_;
  ModelLoad* load_;
  Caller caller_;
  WriterOptions options_;
};

}  // namespace

Writer::behavior_type writer(Self self, pipeline::Store* store, Inbox* inbox, pipeline::Metrics* metrics,
                             ModelLoad* load, Caller caller, WriterOptions options) {
  const auto commits = std::make_shared<Commits>(self, store, inbox, metrics, load, std::move(caller), options);
  return {
      [commits](const ExtractedPtr& extracted) { commits->add(*extracted); },
      [commits](const SettledPtr& settled) { commits->add(*settled); },
      [commits](const ClaimCommand& command) { commits->claim(command); },
      [commits](const ReleaseCommand& command) { commits->release(command.slots); },
      [commits](Finish) { commits->finish(); },
      [commits](Tick) { commits->on_tick(); },
  };
}

}  // namespace alluvium::actors
