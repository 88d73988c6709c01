// SPDX-License-Identifier: Apache-2.0
// Intake's memberships and claims: whose partitions are, and from where they are read.
#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/intake.hpp"
#include "pipeline/failpoint.hpp"

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using pipeline::PartitionSlot;

constexpr auto fenced_delay = 1000ms;  // Before a partition that someone else claimed is claimed back.
constexpr std::chrono::milliseconds unavailable_delay{500};  // Before the source is asked again; doubles
constexpr std::chrono::milliseconds ask_delay_max{10'000};   // up to this.

}  // namespace

Intake::Partition& Intake::partition(PartitionSlot slot) {
  if (slot >= partitions_.size()) {
    partitions_.resize(slot + 1);
    claims_.resize(slot + 1);
  }
  return partitions_[slot];
}

void Intake::on_assigned(std::span<const PartitionSlot> slots) {
  for (const auto slot : slots) {
    wait_for_claim(slot, 0ms);
  }
}

void Intake::on_revoked(std::span<const PartitionSlot> slots, bool lost) {
  pipeline::failpoint("intake.revoked");
  std::vector<PartitionSlot> leaving;
  for (const auto slot : slots) {
    router_.drop(slot);
    partition(slot).settled.reset();
    claims_[slot].reset();
    partition(slot).phase = stage_ && !lost ? Phase::leaving : Phase::foreign;
    leaving.push_back(slot);
  }
  if (stage_) {
    caf::anon_send(stage_->writer, ReleaseCommand{leaving});
  }
  if (!stage_ || lost) {
    if (auto released = source_.release(leaving); !released) {
      fatal_ = released.error();
    }
  }
}

void Intake::on_stalled(PartitionSlot slot, const std::string& detail) {
  spdlog::warn("{}/{} can't be read on from {}: {}", source_.name(slot).topic, source_.name(slot).partition,
               partition(slot).reading.next(), detail);
  wait_for_claim(slot, unavailable_delay);
}

void Intake::wait_for_claim(PartitionSlot slot, std::chrono::milliseconds delay) {
  auto& here = partition(slot);
  router_.drop(slot);
  claims_[slot].reset();
  here.settled.reset();
  here.phase = Phase::waiting;
  here.at_end = false;
  here.claim_at = std::chrono::steady_clock::now() + delay;
  finish_sent_ = false;
}

void Intake::claim_what_waits(TimePoint now) {
  if (!stage_) {
    return;
  }
  for (PartitionSlot slot = 0; slot < partitions_.size(); ++slot) {
    // A question to a source that does not answer blocks for seconds: one of them is enough.
    if (partitions_[slot].phase == Phase::waiting && partitions_[slot].claim_at <= now && !claim(slot)) {
      return;
    }
  }
}

/// False if the source did not answer.
bool Intake::claim(PartitionSlot slot) {
  metrics_.heartbeats.fetch_add(1, std::memory_order_relaxed);  // A slow cluster makes many of these a long time.
  auto& here = partitions_[slot];
  const auto range = source_.range(slot);
  if (!range) {
    source_did_not_answer(range.error());
    return false;
  }
  auto identity = source_.identity(slot);
  if (!identity) {
    source_did_not_answer(identity.error());
    return false;
  }
  ask_delay_ = 0ms;
  claims_[slot] = std::make_shared<const PartitionClaim>(PartitionClaim{slot, ++epoch_, source_.name(slot)});
  here.phase = Phase::claiming;
  const bool reset = options_.reset_ledger && !here.was_reset;
  here.was_reset = true;
  caf::anon_send(stage_->writer, ClaimCommand{claims_[slot],
                                              {source_.name(slot), std::move(*identity), *range, options_.start_at_end,
                                               reset, options_.selection.has_value()}});
  return true;
}

void Intake::source_did_not_answer(const pipeline::Error& error) {
  if (error.code != pipeline::Errc::unavailable) {
    fatal_ = error;
    return;
  }
  ask_delay_ = std::min<std::chrono::milliseconds>(std::max(ask_delay_ * 2, unavailable_delay), ask_delay_max);
  const auto next = std::chrono::steady_clock::now() + ask_delay_;
  for (auto& waiting : partitions_) {
    if (waiting.phase == Phase::waiting) {
      waiting.claim_at = std::max(waiting.claim_at, next);
    }
  }
}

void Intake::handle(Claimed& event) {
  const auto slot = event.claim->slot;
  auto& here = partition(slot);
  if (here.phase != Phase::claiming || claims_[slot]->epoch != event.claim->epoch) {
    return;
  }
  here.phase = Phase::running;
  ever_claimed_ = true;
  here.refused = false;
  here.reading = pipeline::PartitionReading{event.state};
  here.selection.reset();
  if (options_.selection) {
    const pipeline::SelectorState beginning{.offset = event.state.watermark, .bytes = {}};
    here.selection.emplace(*options_.selection, event.state.selector.value_or(beginning));
  }
  if (event.state.lost > 0) {
    metrics_.offsets_lost.fetch_add(event.state.lost, std::memory_order_relaxed);
    spdlog::error("{}/{}: {} offsets were deleted by retention before they were read; recorded as lost",
                  event.claim->name.topic, event.claim->name.partition, event.state.lost);
  }
  const pipeline::StartAt start{slot, here.reading.next()};
  if (auto started = source_.start({&start, 1}); !started) {
    if (started.error().code == pipeline::Errc::unavailable) {
      wait_for_claim(slot, unavailable_delay);
    } else {
      fatal_ = started.error();
    }
    return;
  }
  hold(slot, false);
  mark_if_at_end(slot, false);
}

void Intake::handle(ClaimRefused& event) {
  const auto slot = event.claim->slot;
  auto& here = partition(slot);
  if (here.phase != Phase::claiming || claims_[slot]->epoch != event.claim->epoch) {
    return;
  }
  // The partition's end was read before the claim: an engine that went on committing in between makes
  // the ledger look as if it were beyond it. A second look tells.
  if (std::exchange(here.refused, true)) {
    fatal_ = std::move(event.error);
  } else {
    wait_for_claim(slot, 0ms);
  }
}

void Intake::handle(Fenced& event) {
  const auto slot = event.claim->slot;
  if (claims_[slot] && claims_[slot]->epoch == event.claim->epoch) {
    spdlog::warn("{}/{} was claimed by another engine", event.claim->name.topic, event.claim->name.partition);
    wait_for_claim(slot, fenced_delay);
  }
}

void Intake::handle(Released& event) {
  std::erase_if(event.slots, [this](auto slot) { return partition(slot).phase != Phase::leaving; });
  for (const auto slot : event.slots) {
    partition(slot).phase = Phase::foreign;
  }
  if (auto released = source_.release(event.slots); !released) {
    fatal_ = released.error();
  }
}

void Intake::handle(Advanced& event) {
  const auto slot = event.claim->slot;
  if (!claims_[slot] || claims_[slot]->epoch != event.claim->epoch) {
    return;
  }
  auto& here = partitions_[slot];
  const bool again = here.reading.advanced(event.watermark);
  source_.report_watermark(slot, event.watermark);
  if (again) {
    const pipeline::StartAt start{slot, here.reading.next()};
    if (auto started = source_.start({&start, 1}); !started) {
      fatal_ = started.error();
    }
    hold(slot, false);
  } else if (here.held && !here.at_end && here.reading.has_room()) {
    hold(slot, false);
  }
}

void Intake::handle(StageReady& event) {
  stage_ = event.stage;
  router_.use(std::make_shared<const BufferContext>(BufferContext{policy_, &credit_, &relief_.batch_messages_max(),
                                                                  stage_, supervisor_, router_.held_bytes_of_all()}));
}

void Intake::handle(StageDown& /*event*/) {
  stage_.reset();
  finish_sent_ = false;  // Whoever was to answer is gone.
  std::vector<PartitionSlot> leaving;
  for (PartitionSlot slot = 0; slot < partitions_.size(); ++slot) {
    if (partitions_[slot].phase == Phase::leaving) {
      partitions_[slot].phase = Phase::foreign;
      leaving.push_back(slot);
    } else if (partitions_[slot].phase != Phase::foreign) {
      wait_for_claim(slot, 0ms);
    }
  }
  if (!leaving.empty()) {
    if (auto released = source_.release(leaving); !released) {
      fatal_ = released.error();
    }
  }
}

void Intake::handle(Fatal& event) {
  fatal_ = event.error;
}

}  // namespace alluvium::actors
