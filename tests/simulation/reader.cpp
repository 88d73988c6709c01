// SPDX-License-Identifier: Apache-2.0
// The reader's thread: memberships, claims, records.
#include <algorithm>
#include <span>
#include <utility>

#include "tests/simulation/engine.hpp"

namespace alluvium::simulation {

using pipeline::PartitionSlot;
using Step = pipeline::PartitionReading::Step;

namespace {

constexpr int fenced_delay_ms = 1000;
constexpr int stalled_delay_ms = 500;
constexpr int poll_records_max = 6;

}  // namespace

void Engine::take_notice() {
  const auto notice = notices_.front();
  notices_.pop_front();
  const auto slot = notice.partition;
  auto& here = partitions_[slot];
  switch (notice.kind) {
    case Notice::Kind::assigned:
      note([&] { return "gets " + std::to_string(slot); });
      wait_for_claim(slot, 0);
      break;
    case Notice::Kind::revoked:
    case Notice::Kind::lost: {
      const bool lost = notice.kind == Notice::Kind::lost;
      note([&] { return (lost ? "has lost " : "gives back ") + std::to_string(slot); });
      if (here.phase == Phase::foreign) {
        release(slot);
        break;
      }
      here.started = false;
      drop_buffers(slot);
      here.claim.reset();
      here.phase = stage_known_ && !lost ? Phase::leaving : Phase::foreign;
      if (stage_known_) {
        send(Release{slot});
      }
      if (!stage_known_ || lost) {
        release(slot);
      }
      break;
    }
  }
}

/// Back to the group.
void Engine::release(PartitionSlot slot) {
  auto& share = around_.group.partitions[slot];
  if (share.owner == number_ && share.leaving) {
    share.owner = Group::nobody;
    share.leaving = false;
  }
}

void Engine::wait_for_claim(PartitionSlot slot, int delay_ms) {
  auto& here = partitions_[slot];
  if (!around_.mutated(Mutation::buffers_mix_claims)) {
    drop_buffers(slot);
  }
  here.claim.reset();
  here.started = false;
  here.phase = Phase::waiting;
  here.claim_at_ms = around_.now_ms + delay_ms;
}

void Engine::claim_next() {
  for (PartitionSlot slot = 0; slot < partitions_.size(); ++slot) {
    auto& here = partitions_[slot];
    if (here.phase != Phase::waiting || here.claim_at_ms > around_.now_ms) {
      continue;
    }
    const auto& log = around_.stream[slot];
    here.claim = std::make_shared<const pipeline::PartitionClaim>(
        pipeline::PartitionClaim{.slot = slot, .epoch = ++epoch_, .name = log.name});
    here.phase = Phase::claiming;
    send(ClaimCommand{here.claim,
                      {log.name, "stream", {log.first, log.end}, around_.scenario.start_at_end, false, true}});
    return;
  }
}

bool Engine::is_current(const pipeline::ClaimPtr& claim) const {
  const auto& here = partitions_[claim->slot];
  return here.claim && here.claim->epoch == claim->epoch;
}

void Engine::start(PartitionSlot slot, std::int64_t offset) {
  auto& here = partitions_[slot];
  here.started = true;
  here.held = false;
  here.position = offset;
  here.end_told = -1;
}

void Engine::take_event() {
  auto event = std::move(inbox_.front());
  inbox_.pop_front();
  if (auto* claimed = std::get_if<Claimed>(&event)) {
    const auto slot = claimed->claim->slot;
    auto& here = partitions_[slot];
    if (here.phase != Phase::claiming ||
        (!is_current(claimed->claim) && !around_.mutated(Mutation::yesterdays_grant))) {
      return;
    }
    here.phase = Phase::running;
    here.refused = false;
    auto& state = claimed->state;
    if (around_.mutated(Mutation::watermark_only)) {
      state.done.clear();
    }
    if (around_.mutated(Mutation::skip_whole_offsets)) {
      for (auto& position : state.done) {
        position = {.offset = position.offset, .index = 0, .count = 1};
      }
    }
    const auto posted = around_.group.partitions[slot].posted;
    if (around_.mutated(Mutation::kafka_offset) && posted >= 0) {
      state.watermark = posted;
      std::erase_if(state.done, [&](const auto& position) { return position.offset < posted; });
    }
    if (around_.mutated(Mutation::deaf_selector)) {
      state.selector->offset = state.watermark;
    }
    here.reading = pipeline::PartitionReading{state, around_.scenario.window};
    here.selector = Selector{state.selector->bytes};
    here.since_state = 0;
    start(slot, here.reading.next());
    note([&] { return "reads " + std::to_string(slot) + " from " + std::to_string(here.reading.next()); });
  } else if (auto* refused = std::get_if<ClaimRefused>(&event)) {
    auto& here = partitions_[refused->claim->slot];
    if (here.phase != Phase::claiming || !is_current(refused->claim)) {
      return;
    }
    if (std::exchange(here.refused, true)) {
      dying_ = "a claim was refused twice";
    } else {
      wait_for_claim(refused->claim->slot, 0);
    }
  } else if (auto* fenced = std::get_if<Fenced>(&event)) {
    if (is_current(fenced->claim)) {
      wait_for_claim(fenced->claim->slot, fenced_delay_ms);
    }
  } else if (auto* released = std::get_if<Released>(&event)) {
    auto& here = partitions_[released->slot];
    if (here.phase == Phase::leaving) {
      here.phase = Phase::foreign;
      release(released->slot);
    }
  } else if (auto* advanced = std::get_if<Advanced>(&event)) {
    if (!is_current(advanced->claim)) {
      return;
    }
    const auto slot = advanced->claim->slot;
    auto& here = partitions_[slot];
    const bool again = here.reading.advanced(advanced->watermark);
    const auto post = around_.mutated(Mutation::post_next) ? here.reading.next() : advanced->watermark;
    around_.group.partitions[slot].posted = post;
    around_.witness.posted(slot, post);
    if (again) {
      start(slot, here.reading.next());
    } else if (here.held && here.reading.has_room()) {
      here.held = false;
    }
  } else if (std::holds_alternative<StageReady>(event)) {
    stage_known_ = true;
    if (around_.mutated(Mutation::resumes_silently)) {
      resume_silently();
    }
  } else {
    stage_known_ = false;
    for (PartitionSlot slot = 0; slot < partitions_.size(); ++slot) {
      auto& here = partitions_[slot];
      if (here.phase == Phase::leaving) {
        here.phase = Phase::foreign;
        release(slot);
      } else if (here.phase != Phase::foreign &&
                 (here.phase != Phase::running || !around_.mutated(Mutation::resumes_silently))) {
        wait_for_claim(slot, 0);
      }
    }
  }
}

void Engine::resume_silently() {
  for (const auto& here : partitions_) {
    if (here.phase == Phase::running) {
      const auto& row = around_.store.tables().partitions[here.claim->slot];
      queue_.open(here.claim, {row.token, row.seq, row.watermark, {}, 0, {}});
    }
  }
}

bool Engine::is_readable(const Partition& here, std::size_t slot) const {
  if (!here.started || here.held) {
    return false;
  }
  const auto& log = around_.stream[slot];
  return here.position < log.end || here.end_told != log.end;
}

void Engine::poll() {
  std::array<PartitionSlot, partitions_max> ready{};
  std::uint32_t count = 0;
  for (PartitionSlot slot = 0; slot < partitions_.size(); ++slot) {
    if (is_readable(partitions_[slot], slot)) {
      ready[count++] = slot;
    }
  }
  const auto slot = ready[around_.random.below(count)];
  auto& here = partitions_[slot];
  const auto& log = around_.stream[slot];
  if (here.position < log.first) {
    note([&] { return "can't read on " + std::to_string(slot); });
    wait_for_claim(slot, stalled_delay_ms);
    return;
  }
  if (around_.strikes(around_.scenario.faults.redelivery)) {
    here.position = std::max(log.first, here.position - around_.random.between(1, 3));
  }
  const bool overruns = around_.strikes(around_.scenario.faults.overrun);
  auto left = around_.random.between(1, poll_records_max);
  auto i = log.at(here.position);
  for (; i < log.records.size() && left > 0 && (!here.held || overruns); ++i) {
    if (!log.records[i].compacted) {
      here.position = log.records[i].offset + 1;
      on_record(slot, log.records[i]);
      --left;
    }
  }
  if (i == log.records.size() && left > 0 && (!here.held || overruns)) {
    here.position = log.end;
    here.end_told = log.end;
    on_end(slot);
  }
  // Each offset counts, so there can't be more records than that between watermark and position. (The watermark
  // can be ahead: over what was done before the claim.)
  const auto records = std::span{log.records}.subspan(0, log.at(here.reading.next()));
  const auto below = std::min(log.at(here.reading.watermark()), records.size());
  const auto ahead =
      std::ranges::count_if(records.subspan(below), [](const Record& record) { return !record.compacted; });
  if (ahead > around_.scenario.window + (overruns ? poll_records_max : 1)) {
    around_.witness.fault(std::to_string(slot) + ": read beyond the window");
  }
  hand_on(slot);
}

void Engine::on_record(PartitionSlot slot, const Record& record) {
  auto& here = partitions_[slot];
  if (here.phase != Phase::running) {
    return;
  }
  const auto from = here.reading.next();
  const auto step = here.reading.on_record(record.offset, gaps_);
  check_width(here, from, record.offset);
  if (step == Step::ignore || step == Step::rewind) {
    here.held = here.held || step == Step::rewind;
    return;
  }
  if (here.since_state++ >= Selector::state_every) {
    here.since_state = 0;
    selectors_.push_back({.offset = record.offset, .bytes = here.selector.encode()});
  }
  for (std::uint32_t i = 0; i < record.count; ++i) {
    const auto position = record.position(i);
    pipeline::Worth worth;
    const bool hears = step != Step::skip || !around_.mutated(Mutation::selector_hears_news_only);
    if (!record.messages[i].dead && hears) {
      worth = here.selector.take(record.messages[i].id);
    }
    if (step == Step::skip) {
      continue;
    }
    if (step == Step::rest && here.reading.is_done(position)) {
      continue;
    }
    if (around_.mutated(Mutation::random_skip) && around_.random.once_in(10)) {
      gaps_.push_back({position.offset, position.offset + 1});
    } else if (record.messages[i].dead) {
      dead_letters_.push_back({});
      dead_letters_.back().position = position;
    } else {
      routed_.push_back({&record.messages[i], position, worth});
    }
  }
  here.held = here.held || here.reading.is_full();
}

/// A gap wider than the window costs a bit per offset, unless all below it is done.
void Engine::check_width(const Partition& here, std::int64_t from, std::int64_t to) {
  if (here.reading.next() > from && to - from > around_.scenario.window && here.reading.watermark() < from) {
    around_.witness.fault("a wide gap was passed too early");
  }
}

void Engine::on_end(PartitionSlot slot) {
  auto& here = partitions_[slot];
  if (here.phase == Phase::running) {
    const auto before = gaps_.size();
    const auto from = here.reading.next();
    if (here.reading.on_end(around_.stream[slot].end, gaps_) == Step::rewind) {
      here.held = true;
    }
    check_width(here, from, around_.stream[slot].end);
    if (around_.mutated(Mutation::trailing_gaps_not_counted)) {
      gaps_.resize(before);
    }
  }
}

void Engine::hand_on(PartitionSlot slot) {
  const auto& here = partitions_[slot];
  if (around_.mutated(Mutation::gaps_not_counted)) {
    gaps_.clear();
  }
  if (!gaps_.empty() || !dead_letters_.empty() || !selectors_.empty()) {
    send(Settled{here.claim, std::move(dead_letters_), std::move(gaps_), std::move(selectors_)});
    dead_letters_.clear();
    gaps_.clear();
    selectors_.clear();
  }
  for (const auto& routed : routed_) {
    route(slot, routed);
  }
  routed_.clear();
}

}  // namespace alluvium::simulation
