// SPDX-License-Identifier: Apache-2.0
// Which partition is read next.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace alluvium::connectors {

/// Of the partitions that are behind one has its turn, for up to a second but at least a poll, then the next. An
/// agent's messages are all in one partition: so while a backlog is read, buffers of fewer agents are there at the same
/// time and get more messages each before memory is short (docs/benchmarks.md has what that saves). What is not behind
/// does not wait for that.
///
/// In each poll the deepest queue comes first, as each group of an agent's messages costs one message to its buffer.
/// Partitions that were passed over too often come before, the one that waits longest first: so a trickle beside floods
/// waits for a few polls, and one more for each of them that waits too.
class ReadingTurns {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Polls that a partition with something to read may be passed over, if it is not behind.
  static constexpr std::uint32_t passes_max = 4;
  /// Of a turn; it is shorter if so many are behind that the last would wait longer than round_max. A turn in which
  /// nothing was read goes on: with very many, a round is a poll for each.
  static constexpr std::chrono::milliseconds turn_max{1000};
  static constexpr std::chrono::milliseconds round_max{8000};
  /// So long the one that has its turn may have nothing ready, since more is on its way.
  static constexpr std::chrono::milliseconds patience{20};

  struct Queue {
    std::size_t ready = 0;  ///< Messages that can be read now.
    bool behind = false;    ///< There are many more, which are not here yet.
  };

  /// `queue_of`: a slot's, from 0 to `slots`. Returns the slots that have something and may be read, in the order in
  /// which to read them: those passed over too often, the longest first, then the one whose turn has begun, then by
  /// depth, the lower slot first where it is equal. Valid until the next call; those that were not read() by then count
  /// as passed over.
  std::span<const std::size_t> order(std::size_t slots, const std::function<Queue(std::size_t)>& queue_of,
                                     TimePoint now);
  /// That slot was read, until `now`.
  void read(std::size_t slot, TimePoint now) {
    passes_[slot] = 0;
    if (slot == turn_) {
      turn_used_ = true;
      ready_at_ = now;  // Its patience counts from here: to read is not to wait.
    }
  }
  /// Others wait for the one that has its turn, which has nothing ready: look again within `patience`.
  [[nodiscard]] bool waits() const {
    return waits_;
  }

 private:
  [[nodiscard]] bool keeps_turn(TimePoint now);
  void pass_turn(TimePoint now);

  std::size_t turn_ = 0;   ///< The slot that has it, if it is behind.
  bool turn_used_ = true;  ///< It was read since it has it.
  bool waits_ = false;
  TimePoint turn_ends_;
  TimePoint ready_at_;                 ///< When it last had something, or was read.
  std::vector<std::uint32_t> passes_;  ///< By slot: in a row.
  std::vector<Queue> queues_;          ///< By slot.
  std::vector<std::size_t> order_;
};

}  // namespace alluvium::connectors
