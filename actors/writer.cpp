// SPDX-License-Identifier: Apache-2.0
#include "actors/writer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <spdlog/spdlog.h>

#include "pipeline/failpoint.hpp"
#include "pipeline/prefetch.hpp"

namespace alluvium::actors {
namespace {

using Self = Writer::stateful_pointer<WriterState>;

constexpr std::size_t lookahead = 4;  // Batches that memory is asked for before their turn.

/// The writer's decisions, with what they need at hand.
class Commits {
 public:
  Commits(Self self, pipeline::Store* store, Inbox* inbox, pipeline::Metrics* metrics, ModelLoad* load, Caller caller,
          Extracts extracts, const WriterOptions& options)
      : self_{self},
        store_{store},
        inbox_{inbox},
        metrics_{metrics},
        load_{load},
        caller_{std::move(caller)},
        extracts_{std::move(extracts)},
        options_{options} {}

  void arrived() {
    commit_or_wait();
  }
  void add(const SettledPtr& settled) {
    state().settled.push_back(settled);
    commit_or_wait();
  }

  void claim(const ClaimCommand& command) {
    // A newer claim of the same partition makes one that still waits pointless.
    forget_claim(command.claim->slot);
    drop(command.claim->slot);
    if (blocked()) {
      state().claims.push_back(command);
      arm(state().retry_at);
      return;
    }
    auto claimed = store_->claim(command.request);
    if (!claimed) {
      if (claimed.error().code == pipeline::Errc::unavailable) {
        if (failed()) {
          spdlog::warn("store: can't claim {}/{} yet: {}", command.claim->name.topic, command.claim->name.partition,
                       claimed.error().detail);
        }
        state().claims.push_back(command);
        back_off();
      } else {
        inbox_->push(ClaimRefused{command.claim, std::move(claimed.error())});
      }
      return;
    }
    works();
    state().queue.open(command.claim, *claimed);
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

  /// If the store can't now, it will be asked again: the end is looked for again.
  void close_gathered() {
    if (const auto queued = store_->close_gathered(); queued && *queued > 0) {
      tell_caller(*queued);
    } else if (!queued && queued.error().code != pipeline::Errc::unavailable) {
      inbox_->push(Fatal{queued.error()});
    }
  }

  void on_tick() {
    auto& here = state();
    if (!here.tick_at || self_->clock().now() < *here.tick_at) {
      return;
    }
    here.tick_at.reset();
    const bool presses = here.finish_wanted || !here.queue.outstanding().empty() || has_enough();
    if (!presses && self_->clock().now() < here.pace.next()) {
      arm(here.pace.next());  // What the tick was for has been committed: there was enough of it.
    } else {
      commit();
    }
    for (auto waiting = std::exchange(state().claims, {}); const auto& command : waiting) {
      claim(command);
    }
  }

  void commit() {
    auto& here = state();
    if (blocked()) {
      arm(state().retry_at);
      return;
    }
    const auto begin = self_->clock().now();
    // Once: what comes while this commits sends a message of its own, which waits its turn behind claims and releases.
    take_extracted();
    bool had_news = false;
    bool was_retry = false;
    do {
      was_retry = !here.queue.outstanding().empty();  // Then what came meanwhile waits too, and no tick is due for it.
      if (!was_retry) {
        fill_next();
        here.queue.take();
        here.outstanding_charges = std::exchange(here.charges, {});
      }
      had_news = had_news || !here.queue.outstanding().empty();
      if (!attempt()) {
        back_off();
        return;
      }
    } while (was_retry || !here.settled.empty() || here.next_extracted < here.extracted.size());
    Extracts::element_type::empty(here.extracted);
    here.next_extracted = 0;
    if (had_news) {
      here.pace.committed(begin, self_->clock().now());
    }
    if (here.finish_wanted) {
      answer_finish();
    }
  }

 private:
  WriterState& state() {
    return self_->state;
  }

  /// Not before the store may be asked again: it would be a tick for nothing, and set the next.
  void arm(pipeline::TimePoint at) {
    const auto now = self_->clock().now();
    at = std::max({at, now, blocked() ? state().retry_at : now});
    if (auto& tick_at = state().tick_at; !tick_at || at < *tick_at) {
      tick_at = at;
      self_->delayed_send(self_, std::chrono::ceil<std::chrono::milliseconds>(at - now), Tick::value);
    }
  }

  /// The store could not: nothing is tried before a delay that doubles each time.
  void back_off() {
    metrics_->store_waits.fetch_add(1, std::memory_order_relaxed);
    auto& delay = state().retry_delay;
    delay = delay.count() == 0 ? options_.retry_first : std::min(delay * 2, options_.retry_max);
    state().retry_at = self_->clock().now() + delay;
    arm(state().retry_at);
  }
  /// True if that is worth a line in the log.
  bool failed() {
    return state().outage.failed(self_->clock().now());
  }
  void works() {
    state().retry_delay = std::chrono::milliseconds{0};
    if (const auto lasted = state().outage.over(self_->clock().now())) {
      spdlog::info("store: works again, after {:.1f} s", std::chrono::duration<double>{*lasted}.count());
    }
  }
  bool blocked() {
    return state().retry_delay.count() != 0 && self_->clock().now() < state().retry_at;
  }

  void forget_claim(pipeline::PartitionSlot slot) {
    std::erase_if(state().claims, [slot](const auto& waiting) { return waiting.claim->slot == slot; });
  }

  /// For a transaction of its own.
  bool has_enough() {
    return extracts_->has_enough() || state().settled.size() >= options_.batches_max;
  }
  void commit_or_wait() {
    if (has_enough() && state().queue.outstanding().empty()) {
      commit();
    } else {
      arm(state().pace.next());
    }
  }

  void take_extracted() {
    auto& here = state();
    if (here.next_extracted == here.extracted.size()) {
      extracts_->take(here.extracted);
    } else {  // The store could not take it all.
      here.extracted.erase(here.extracted.begin(),
                           here.extracted.begin() + static_cast<std::ptrdiff_t>(here.next_extracted));
      std::ranges::move(extracts_->take(), std::back_inserter(here.extracted));
    }
    here.next_extracted = 0;
  }

  /// As much of what waits as one transaction should hold: on a small disk, a large one would never fit.
  void fill_next() {
    auto& here = state();
    std::int64_t bytes = 0;
    std::size_t parts = 0;
    const auto has_room = [&] { return parts < options_.batches_max && bytes < options_.bytes_max; };
    for (; has_room() && !here.settled.empty(); ++parts) {
      bytes += place(*here.settled.front());
      here.settled.pop_front();
    }
    for (; has_room() && here.next_extracted < here.extracted.size(); ++parts) {
      announce_extracted();
      bytes += place(here.extracted[here.next_extracted++]);
    }
  }

  void announce_extracted() {
    const auto& here = state();
    const auto count = here.extracted.size();
    if (const auto at = here.next_extracted + 2 * lookahead; at < count) {
      pipeline::prefetch_object(here.extracted[at]);
    }
    if (const auto at = here.next_extracted + lookahead; at < count) {
      here.extracted[at].batch.batch.fetch_all_ahead();
    }
  }

  /// Returns its bytes; 0 if its claim is over, and it is dropped.
  std::int64_t place(Extracted& extracted) {
    auto charge = std::move(extracted.charge);
    auto results = std::move(extracted.results);
    if (!state().queue.add(*extracted.claim, std::move(extracted.batch))) {
      return 0;
    }
    const auto bytes = charge.bytes() + results.bytes();
    metrics_->batch_bytes.fetch_add(charge.bytes(), std::memory_order_relaxed);
    state().charges.messages.absorb(std::move(charge));
    state().charges.results.absorb(std::move(results));
    return bytes;
  }
  std::int64_t place(Settled& settled) {
    auto charge = std::move(settled.charge);
    if (!state().queue.add(*settled.claim, std::move(settled.dead_letters), settled.gaps)) {
      return 0;
    }
    for (auto& selector : settled.selectors) {
      state().queue.add(*settled.claim, std::move(selector));
    }
    const auto bytes = charge.bytes();
    state().charges.messages.absorb(std::move(charge));
    return bytes;
  }

  /// False if the store could not take it now.
  bool attempt() {
    auto& here = state();
    while (!here.queue.outstanding().empty()) {
      auto result = store_->commit(here.queue.outstanding());
      if (!result) {
        if (result.error().code == pipeline::Errc::unavailable) {
          if (failed()) {
            spdlog::warn("store: can't commit yet: {}", result.error().detail);
          }
        } else {
          inbox_->push(Fatal{std::move(result.error())});
        }
        return false;
      }
      works();
      if (result->fenced.empty()) {
        pipeline::failpoint("writer.committed");
        settle(*result);
      }
      // Else nothing was written. Without the partitions that others have claimed, the rest can be.
      for (auto& claim : here.queue.fenced(result->fenced)) {
        metrics_->fenced.fetch_add(1, std::memory_order_relaxed);
        inbox_->push(Fenced{std::move(claim)});
      }
    }
    here.outstanding_charges = {};  // Also of what was dropped before it could be committed.
    return true;
  }

  void settle(const pipeline::CommitResult& result) {
    for (const auto& commit : state().queue.outstanding()) {
      count(commit);
    }
    for (auto& advance : state().queue.settle()) {
      inbox_->push(Advanced{std::move(advance.claim), advance.watermark});
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
    if (result.requests > 0) {
      tell_caller(result.requests);
    }
  }

  void tell_caller(std::int64_t requests) {
    if (caller_) {
      load_->open.fetch_add(requests, std::memory_order_relaxed);
      caf::anon_send(caller_, Flush::value);
    }
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

  void drop(pipeline::PartitionSlot slot) {
    state().queue.drop(slot);
    arm(state().pace.next());  // Gives back the credit of what was dropped.
  }

  void answer_finish() {
    auto marks = store_->watermarks();
    const auto calls = store_->open_calls();
    const auto gathering = store_->gathering();
    if (!marks || !calls || !gathering) {
      const auto& error = !marks ? marks.error() : !calls ? calls.error() : gathering.error();
      if (error.code != pipeline::Errc::unavailable) {
        inbox_->push(Fatal{error});
      } else if (failed()) {
        spdlog::warn("store: can't read the ledger yet: {}", error.detail);
      }
      back_off();
      return;
    }
    works();
    state().finish_wanted = false;
    inbox_->push(Finished{std::move(*marks), *calls, *gathering});
  }

  Self self_;
  pipeline::Store* store_;
  Inbox* inbox_;
  pipeline::Metrics* metrics_;
  ModelLoad* load_;
  Caller caller_;
  Extracts extracts_;
  WriterOptions options_;
};

}  // namespace

Writer::behavior_type writer(Self self, pipeline::Store* store, Inbox* inbox, pipeline::Metrics* metrics,
                             ModelLoad* load, Caller caller, Extracts extracts, WriterOptions options) {
  self->state.pace = pipeline::CommitPace{options.interval};
  const auto commits =
      std::make_shared<Commits>(self, store, inbox, metrics, load, std::move(caller), std::move(extracts), options);
  return {
      [commits](Arrived) { commits->arrived(); },
      [commits](const SettledPtr& settled) { commits->add(settled); },
      [commits](const ClaimCommand& command) { commits->claim(command); },
      [commits](const ReleaseCommand& command) { commits->release(command.slots); },
      [commits](Finish) { commits->finish(); },
      [commits](Gather) { commits->close_gathered(); },
      [commits](Tick) { commits->on_tick(); },
  };
}

}  // namespace alluvium::actors
