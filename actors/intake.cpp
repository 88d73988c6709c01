// SPDX-License-Identifier: Apache-2.0
#include "actors/intake.hpp"

#include <algorithm>
#include <limits>

#include <spdlog/spdlog.h>

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using pipeline::PartitionSlot;

constexpr auto look_interval = 200ms;      // Between two looks whether the whole stream is done.
constexpr auto fenced_delay = 1000ms;      // Before a partition that someone else claimed is claimed back.
constexpr auto unavailable_delay = 500ms;  // Before the source is asked again.
constexpr auto ends_patience = 30s;        // For the stream to exist at all, with --until-end.
constexpr auto relief_interval = 50ms;     // Between two flushes for lack of room in a window.

}  // namespace

Intake::Intake(const EngineOptions& options, pipeline::BatchPolicy policy, pipeline::Decoder decoder,
               pipeline::Source& source, caf::actor_system& system, Supervisor supervisor, Inbox& inbox,
               pipeline::Credit& credit, pipeline::Credit& results, ModelLoad& load, pipeline::Metrics& metrics)
    : options_{options},
      policy_{policy},
      decoder_{std::move(decoder)},
      source_{source},
      supervisor_{std::move(supervisor)},
      inbox_{inbox},
      credit_{credit},
      results_{results},
      load_{load},
      metrics_{metrics},
      router_{system},
      relief_{options, source, router_, credit, results, load, metrics},
      stall_watch_{options.stall_patience},
      chunk_size_{credit.limit() / 4} {
  if (options.selection) {
    scoring_.emplace();
  }
}

pipeline::Result<void> Intake::run() {
  if (auto opened = source_.open(*this); !opened) {
    return opened;
  }
  while (!complete_) {
    for (auto& event : inbox_.take()) {
      std::visit([this](auto& what) { handle(what); }, event);
    }
    if (fatal_) {
      router_.drop_all();
      return tl::unexpected{*fatal_};
    }
    const auto now = std::chrono::steady_clock::now();
    if (stopping_.load(std::memory_order_acquire)) {
      wind_up(now);
    } else {
      claim_what_waits(now);
      if (options_.until_end) {
        look_for_end(now);
      }
    }
    if (complete_) {
      break;
    }
    if (auto read = this->read(now); !read) {
      router_.drop_all();
      return read;
    }
    hand_on();
    relieve_windows(now);
    watch_for_stall(now);
    if (now >= next_sweep_) {
      router_.sweep(now);
      next_sweep_ = now + policy_.sweep_interval();
    }
  }
  router_.drop_all();
  return {};
}

void Intake::stop() {
  load_.draining.store(true, std::memory_order_release);
  stopping_.store(true, std::memory_order_release);
  source_.wake();
}

/// A partition whose window is full waits for agents that wait for company: let them go.
void Intake::relieve_windows(TimePoint now) {
  const auto waits = [](const Partition& here) { return here.phase == Phase::running && here.held && !here.at_end; };
  if (now >= next_window_look_ && std::any_of(partitions_.begin(), partitions_.end(), waits)) {
    next_window_look_ = now + relief_interval;
    router_.flush();
  }
}

void Intake::watch_for_stall(TimePoint now) {
  metrics_.heartbeats.fetch_add(1, std::memory_order_relaxed);
  if (now < next_stall_look_) {
    return;
  }
  next_stall_look_ = now + std::min<std::chrono::milliseconds>(look_interval, options_.stall_patience / 4);
  const auto read = [](const auto& figure) { return figure.load(std::memory_order_relaxed); };
  const pipeline::SignsOfLife signs{
      .progress = read(metrics_.records) + read(metrics_.records_skipped) + read(metrics_.commits) +
                  read(metrics_.store_waits) + read(metrics_.fenced) + read(metrics_.model_answers),
      // What waits in buffers waits for company, and what waits for models is in the store's hands.
      .work = load_.has_room() && (credit_.held() > router_.held_bytes() || results_.held() > 0)};
  switch (stall_watch_.observe(signs, now)) {
    case pipeline::StallWatch::Step::none:
      break;
    case pipeline::StallWatch::Step::restart:
      metrics_.stalls.fetch_add(1, std::memory_order_relaxed);
      caf::anon_send(supervisor_, Crashed::value,
                     "nothing has moved for " + std::to_string(options_.stall_patience.count()) + " ms, and " +
                         std::to_string(credit_.held()) + " bytes of messages wait");
      break;
    case pipeline::StallWatch::Step::end:
      fatal_ = {pipeline::Errc::unsafe_to_go_on, "nothing moves, and a restart within the process did not help"};
      break;
  }
}

// Ends --------------------------------------------------------------------------------------------

/// Asked only once ends_ is known.
std::int64_t Intake::target(PartitionSlot slot) {
  auto& known = partitions_[slot].target;
  if (!known) {
    const auto& name = source_.name(slot);
    const auto found = std::find_if(ends_->begin(), ends_->end(), [&](const auto& end) { return end.first == name; });
    // A partition added since the start is not part of what this run has to reach.
    known = found == ends_->end() ? 0 : found->second;
  }
  return *known;
}

void Intake::mark_if_at_end(PartitionSlot slot, bool source_says_so) {
  auto& here = partitions_[slot];
  if (!options_.until_end || here.at_end || !ends_) {
    return;
  }
  const auto end = target(slot);
  const bool unknown = end == std::numeric_limits<std::int64_t>::max();
  if (here.reading.next() >= end || (source_says_so && unknown)) {
    here.at_end = true;
    hold(slot, true);
  }
}

bool Intake::everything_reached() {
  std::int64_t ahead = 0;
  bool reached = ever_claimed_;  // Before that the ledger may be another stream's.
  for (PartitionSlot slot = 0; slot < partitions_.size(); ++slot) {
    auto& here = partitions_[slot];
    if (here.phase == Phase::foreign) {
      continue;
    }
    if (here.phase == Phase::running) {
      mark_if_at_end(slot, false);
      if (const auto end = target(slot); end != std::numeric_limits<std::int64_t>::max()) {
        ahead += std::max<std::int64_t>(0, end - here.reading.next());
      }
    }
    reached = reached && here.phase == Phase::running && here.at_end;
  }
  metrics_.records_ahead.store(ahead, std::memory_order_relaxed);
  return reached;
}

void Intake::look_for_end(TimePoint now) {
  if (!ends_) {
    if (now < next_look_) {
      return;
    }
    next_look_ = now + look_interval;
    auto ends = source_.ends();
    if (ends && !ends->empty()) {
      ends_ = std::move(*ends);
    } else if (no_ends_since_ == TimePoint{}) {
      no_ends_since_ = now;
    } else if (now - no_ends_since_ > ends_patience) {
      fatal_ = ends ? pipeline::Error{pipeline::Errc::unavailable, "there is no such topic"} : ends.error();
    }
    return;
  }
  if (everything_reached()) {
    wind_up(now);
  }
}

/// Flushes, waits until all that is held is committed, then asks the writer to finish. With
/// --until-end the stream may still have partitions that other engines work on: then later again.
void Intake::wind_up(TimePoint now) {
  if (!stage_) {
    // Nothing is held; what is not committed will be read again.
    complete_ = stopping_.load(std::memory_order_acquire);
    return;
  }
  if (finish_sent_ || now < next_look_) {
    return;
  }
  if (credit_.held() > 0) {
    router_.flush();
    next_look_ = now + 20ms;
    return;
  }
  finish_sent_ = true;
  caf::anon_send(stage_->writer, Finish::value);
}

void Intake::handle(Finished& event) {
  if (!finish_sent_) {
    return;  // A partition came or went since.
  }
  finish_sent_ = false;
  next_look_ = std::chrono::steady_clock::now() + look_interval;
  if (stopping_.load(std::memory_order_acquire)) {
    // Replies under way are waited for: they are paid for. Each ends within its call's time-out.
    complete_ = credit_.held() == 0 && load_.in_flight.load(std::memory_order_acquire) == 0;
    return;
  }
  const auto is_done = [&](const auto& end) {
    const auto known = std::find_if(event.watermarks.begin(), event.watermarks.end(),
                                    [&](const auto& mark) { return mark.first == end.first; });
    // An end that the source can't tell is known to be reached: by everything_reached().
    return end.second == std::numeric_limits<std::int64_t>::max() ||
           (known != event.watermarks.end() && known->second >= end.second);
  };
  const bool all_done =
      everything_reached() && credit_.held() == 0 && std::all_of(ends_->begin(), ends_->end(), is_done);
  if (all_done && event.gathering > 0 && stage_) {
    caf::anon_send(stage_->writer, Gather::value);
    return;
  }
  complete_ = all_done && event.open_calls == 0;
}

}  // namespace alluvium::actors
