// SPDX-License-Identifier: Apache-2.0
#include "connectors/reading_turns.hpp"

#include <algorithm>

namespace alluvium::connectors {

std::span<const std::size_t> ReadingTurns::order(std::size_t slots, const std::function<Queue(std::size_t)>& queue_of,
                                                 TimePoint now) {
  passes_.resize(slots);
  queues_.resize(slots);
  order_.clear();
  for (std::size_t slot = 0; slot < slots; ++slot) {
    queues_[slot] = queue_of(slot);
  }
  if (turn_ >= slots) {
    turn_ = 0;
    turn_used_ = true;
  }
  if (!keeps_turn(now)) {
    pass_turn(now);
  }
  waits_ = false;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    const auto& queue = queues_[slot];
    if (queue.ready > 0 && (!queue.behind || slot == turn_)) {
      order_.push_back(slot);
      ++passes_[slot];  // Until it is read.
    }
    waits_ = waits_ || (queue.ready > 0 && queue.behind && slot != turn_);
  }
  waits_ = waits_ && queues_[turn_].ready == 0;
  std::ranges::sort(order_, [this](std::size_t a, std::size_t b) {
    const bool a_waits = passes_[a] > passes_max;
    const bool b_waits = passes_[b] > passes_max;
    if (a_waits != b_waits) {
      return a_waits;
    }
    if (a_waits && passes_[a] != passes_[b]) {
      return passes_[a] > passes_[b];
    }
    if (!turn_used_ && queues_[turn_].behind && (a == turn_) != (b == turn_)) {
      return a == turn_;  // Or others might always take all there is room for.
    }
    return queues_[a].ready != queues_[b].ready ? queues_[a].ready > queues_[b].ready : a < b;
  });
  return order_;
}

bool ReadingTurns::keeps_turn(TimePoint now) {
  if (queues_.empty() || !queues_[turn_].behind) {
    return false;
  }
  if (queues_[turn_].ready > 0) {
    ready_at_ = now;
  }
  return (now < turn_ends_ || !turn_used_) && now < ready_at_ + patience;
}

/// Round and round, so that nobody waits longer than for the turns of all others.
void ReadingTurns::pass_turn(TimePoint now) {
  const auto slots = queues_.size();
  const auto takes_it = [this](std::size_t slot) { return queues_[slot].behind && queues_[slot].ready > 0; };
  for (std::size_t step = 1; step <= slots; ++step) {
    if (const auto slot = (turn_ + step) % slots; takes_it(slot)) {
      turn_ = slot;
      turn_used_ = false;
      break;
    }
  }
  const auto behind = std::ranges::count_if(queues_, &Queue::behind);
  turn_ends_ = now + std::min(turn_max, round_max / std::max<std::ptrdiff_t>(1, behind));
  ready_at_ = now;
}

}  // namespace alluvium::connectors
