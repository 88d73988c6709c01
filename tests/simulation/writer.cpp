// SPDX-License-Identifier: Apache-2.0
// The writer's thread: claims, group commits, and a store that does not always answer.
#include <algorithm>
#include <functional>
#include <utility>

#include "tests/simulation/engine.hpp"

namespace alluvium::simulation {

using pipeline::CommitResult;
using pipeline::Errc;
using pipeline::PartitionCommit;
using pipeline::PartitionSlot;
using pipeline::Result;

namespace {

constexpr std::int64_t retry_first_ms = 100;
constexpr std::int64_t retry_max_ms = 5000;
constexpr int rounds_max = 100;  // Of commits in one turn; only a fault needs so many.

tl::unexpected<pipeline::Error> no_answer() {
  return pipeline::fail(Errc::unavailable, "no answer");
}

}  // namespace

void Engine::send(Mail mail) {
  if (stage_up_) {
    mail_.push_back(std::move(mail));
  }
}

void Engine::take_mail() {
  auto mail = std::move(mail_.front());
  mail_.pop_front();
  if (auto* extracted = std::get_if<Extracted>(&mail)) {
    auto claim = extracted->claim;
    if (around_.mutated(Mutation::todays_claim) && partitions_[claim->slot].claim) {
      claim = partitions_[claim->slot].claim;
    }
    const auto before = taken_.size();
    for (std::size_t i = 0; i < extracted->batch.batch.size(); ++i) {
      taken_.push_back({claim, extracted->batch.batch.position(i)});
    }
    if (!queue_.add(*claim, std::move(extracted->batch))) {
      taken_.resize(before);
      return;
    }
    if (queue_.batches() >= around_.scenario.commit_batches && queue_.outstanding().empty()) {
      commit();
    } else {
      arm(around_.scenario.commit_interval_ms);
    }
  } else if (auto* settled = std::get_if<Settled>(&mail)) {
    const auto before = taken_.size();
    for (const auto& letter : settled->dead_letters) {
      taken_.push_back({settled->claim, letter.position});
    }
    if (!queue_.add(*settled->claim, std::move(settled->dead_letters), settled->gaps)) {
      taken_.resize(before);
    } else {
      for (auto& selector : settled->selectors) {
        queue_.add(*settled->claim, std::move(selector));
      }
      for (const auto& gap : settled->gaps) {
        taken_gaps_.push_back({settled->claim, gap});
      }
      arm(around_.scenario.commit_interval_ms);
    }
  } else if (auto* command = std::get_if<ClaimCommand>(&mail)) {
    claim(std::move(*command));
  } else {
    const auto slot = std::get<Release>(mail).slot;
    forget_claim(slot);
    commit();
    queue_.drop(slot);
    open_epochs_[slot] = 0;
    arm(around_.scenario.commit_interval_ms);
    inbox_.emplace_back(Released{slot});
  }
}

void Engine::forget_claim(PartitionSlot slot) {
  std::erase_if(claims_, [&](const auto& waiting) { return waiting.claim->slot == slot; });
}

void Engine::claim(ClaimCommand command) {
  const auto slot = command.claim->slot;
  forget_claim(slot);
  queue_.drop(slot);
  open_epochs_[slot] = 0;
  arm(around_.scenario.commit_interval_ms);
  if (is_blocked()) {
    claims_.push_back(std::move(command));
    arm(retry_at_ms_ - around_.now_ms);
    return;
  }
  Result<pipeline::Claim> claimed = no_answer();
  const auto how = fate();
  if (how == Fate::fine || how == Fate::answer_lost || how == Fate::crash_after) {
    around_.witness.asked(command.request);
    const bool could_tell = command.request.range.end == around_.stream[slot].end;
    claimed = around_.store.claim(command.request, around_.now_ms);
    if (claimed) {
      note([&] {
        return "claims " + std::to_string(slot) + ": token " + claimed->token + ", seq " +
               std::to_string(claimed->seq) + ", watermark " + std::to_string(claimed->watermark) + ", " +
               std::to_string(claimed->done.size()) + " done above" + (how == Fate::fine ? "" : "; no answer");
      });
      seen_by_all();
    } else if (could_tell) {
      around_.witness.fault("a claim is refused without a reason: " + claimed.error().detail);
    }
    if (how != Fate::fine) {
      claimed = no_answer();
    }
  }
  if (!claimed) {
    if (claimed.error().code == Errc::unavailable) {
      claims_.push_back(std::move(command));
      back_off();
    } else {
      inbox_.emplace_back(ClaimRefused{command.claim});
    }
    return;
  }
  retry_delay_ms_ = 0;
  queue_.open(command.claim, *claimed);
  open_epochs_[slot] = command.claim->epoch;
  open_tokens_[slot] = claimed->token;
  inbox_.emplace_back(Claimed{std::move(command.claim), std::move(*claimed)});
}

void Engine::tick() {
  tick_due_ = false;
  commit();
  for (auto& command : std::exchange(claims_, {})) {
    claim(std::move(command));
  }
}

void Engine::commit() {
  if (is_blocked()) {
    arm(retry_at_ms_ - around_.now_ms);
    return;
  }
  bool was_retry = false;
  int rounds = 0;
  do {
    if (++rounds > rounds_max) {
      around_.witness.fault("a writer commits without end");
      return;
    }
    was_retry = !queue_.outstanding().empty();
    if (!was_retry) {
      queue_.take();
    }
    if (!attempt()) {
      back_off();
      return;
    }
  } while (was_retry || queue_.batches() >= around_.scenario.commit_batches);
  retry_delay_ms_ = 0;
  check_taken();
}

void Engine::check_taken() {
  for (const auto& [claim, position] : taken_) {
    if (open_epochs_[claim->slot] == claim->epoch && !around_.failed_over &&
        !around_.witness.is_done(claim->slot, position)) {
      around_.witness.fault(std::to_string(claim->slot) + "/" + std::to_string(position.offset) +
                            ": left out of a commit");
    }
  }
  taken_.clear();
  std::erase_if(taken_gaps_, [&](const TakenGap& taken) {
    const auto& row = around_.store.tables().partitions[taken.claim->slot];
    if (open_epochs_[taken.claim->slot] != taken.claim->epoch || taken.gap.to <= row.watermark) {
      return true;
    }
    // Of another's claim it would be none of ours.
    if (row.watermark == taken.gap.from && row.token == open_tokens_[taken.claim->slot] && !around_.failed_over) {
      around_.witness.fault(std::to_string(taken.claim->slot) + "/" + std::to_string(row.watermark) +
                            ": a gap is left out of a commit");
    }
    return false;
  });
}

bool Engine::attempt() {
  for (int rounds = 0; !queue_.outstanding().empty(); ++rounds) {
    if (rounds > rounds_max) {
      around_.witness.fault("a writer tries a commit without end");
      return false;
    }
    const auto result = call_commit();
    if (!result) {
      if (result.error().code == Errc::unavailable && around_.mutated(Mutation::ambiguous_is_done)) {
        settle();
        return true;
      }
      return false;
    }
    if (result->fenced.empty()) {
      settle();
    }
    for (auto& claim : queue_.fenced(result->fenced)) {
      note([&] { return "is fenced from " + std::to_string(claim->slot); });
      open_epochs_[claim->slot] = 0;
      inbox_.emplace_back(Fenced{std::move(claim)});
    }
  }
  return true;
}

void Engine::settle() {
  for (auto& advance : queue_.settle()) {
    inbox_.emplace_back(Advanced{std::move(advance.claim), advance.watermark});
  }
}

void Engine::back_off() {
  retry_delay_ms_ = retry_delay_ms_ == 0 ? retry_first_ms : std::min(retry_delay_ms_ * 2, retry_max_ms);
  retry_at_ms_ = around_.now_ms + retry_delay_ms_;
  arm(retry_delay_ms_);
}

bool Engine::is_blocked() const {
  return retry_delay_ms_ != 0 && around_.now_ms < retry_at_ms_;
}

void Engine::arm(std::int64_t delay_ms) {
  if (!tick_due_) {
    tick_due_ = true;
    tick_at_ms_ = around_.now_ms + delay_ms;
  }
}

// The store's door ------------------------------------------------------------------------------

Engine::Fate Engine::fate() {
  const auto& faults = around_.scenario.faults;
  if (dying_ != nullptr || around_.now_ms < around_.store_down_until_ms || around_.strikes(faults.unavailable)) {
    return Fate::unavailable;
  }
  if (around_.strikes(faults.answer_lost)) {
    return Fate::answer_lost;
  }
  if (around_.strikes(faults.arrives_late)) {
    return Fate::late;
  }
  if (around_.strikes(faults.crash_before)) {
    dying_ = "killed before a transaction";
    return Fate::crash_before;
  }
  if (around_.strikes(faults.crash_after)) {
    dying_ = "killed after a transaction";
    return Fate::crash_after;
  }
  return Fate::fine;
}

std::vector<PartitionCommit> Engine::commits_to_send() {
  auto commits = queue_.outstanding();
  for (auto& commit : commits) {
    if (around_.mutated(Mutation::highest_seen)) {
      commit.watermark = partitions_[index_of(commit.partition)].reading.next();
    }
    if (around_.mutated(Mutation::selector_ahead)) {
      const auto& here = partitions_[index_of(commit.partition)];
      commit.selector = {.offset = here.reading.next(), .bytes = here.selector.encode()};
    }
    if (around_.mutated(Mutation::highest_done)) {
      for (const auto& batch : commit.batches) {
        commit.watermark = std::max(commit.watermark, batch.batch.position(batch.batch.size() - 1).offset + 1);
      }
    }
  }
  return commits;
}

Result<CommitResult> Engine::call_commit() {
  const auto how = fate();
  if (how == Fate::late) {
    note([] { return "a commit is under way for long"; });
    around_.late.push_back({around_.now_ms + around_.random.between(1, 3000), queue_.outstanding(), Part::all});
  }
  if (how != Fate::fine && how != Fate::answer_lost && how != Fate::crash_after) {
    return no_answer();
  }
  const bool mutated = around_.mutated(Mutation::highest_seen) || around_.mutated(Mutation::highest_done) ||
                       around_.mutated(Mutation::selector_ahead);
  auto result = mutated ? apply(commits_to_send()) : apply(queue_.outstanding());
  note([&] {
    std::string text = how == Fate::fine ? "commits" : "commits without an answer";
    for (const auto& commit : queue_.outstanding()) {
      text += " " + std::to_string(index_of(commit.partition)) + ": seq " + std::to_string(commit.seq) + ", " +
              std::to_string(commit.batches.size()) + " batches, " + std::to_string(commit.dead_letters.size()) +
              " dead, watermark " + std::to_string(commit.watermark) + ";";
    }
    return text + (!result ? " fails: " + result.error().detail : !result->fenced.empty() ? " fenced" : " done");
  });
  if (how != Fate::fine) {
    return no_answer();
  }
  if (!result && result.error().code != Errc::unavailable) {
    dying_ = "the ledger is impossible";
    if (!around_.failed_over) {
      around_.witness.fault("a commit is refused: " + result.error().detail);
    }
  }
  return result;
}

Result<CommitResult> Engine::apply(std::span<const PartitionCommit> commits) {
  const auto in_two = [&](Part first, Part second) {
    auto result = apply_part(commits, first);
    if (!result || !result->fenced.empty()) {
      return result;
    }
    if (around_.random.once_in(10) && around_.chaos) {
      dying_ = "killed between two transactions";
      return result;
    }
    return apply_part(commits, second);
  };
  switch (around_.scenario.mutation) {
    case Mutation::ledger_before_data:
      return in_two(Part::ledger, Part::data);
    case Mutation::ledger_after_data:
      return in_two(Part::data, Part::ledger);
    case Mutation::stale_verdict:
      if (auto seen = apply_part(commits, Part::look); !seen || !seen->fenced.empty() || !around_.strikes(4)) {
        return seen && seen->fenced.empty() ? apply_part(commits, Part::unchecked) : seen;
      }
      around_.late.push_back(
          {around_.now_ms + around_.random.between(1, 3000), {commits.begin(), commits.end()}, Part::unchecked});
      return no_answer();
    default:
      return apply_part(commits, Part::all);
  }
}

/// One transaction.
Result<CommitResult> Engine::apply_part(std::span<const PartitionCommit> commits, Part part) {
  if (!std::ranges::is_sorted(commits, std::less_equal{}, &PartitionCommit::partition)) {
    around_.witness.fault(
        "a commit is not sorted by partition");  // Two stores' transactions could wait for each other.
  }
  auto result = around_.store.commit(commits, part);
  if (result) {
    for (const auto i : result->fenced) {
      const auto& row = around_.store.tables().partitions[index_of(commits[i].partition)];
      if (row.token == commits[i].token) {
        around_.witness.fault("an engine is fenced that still has the claim");
      }
    }
    seen_by_all();
  }
  return result;
}

/// The end of a transaction. Not each one is safe at once.
void Engine::seen_by_all() {
  around_.witness.look(around_.store.tables());
  if (!around_.random.once_in(3)) {
    around_.store.keep();
  }
}

}  // namespace alluvium::simulation
