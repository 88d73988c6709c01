// SPDX-License-Identifier: Apache-2.0
// Which partition is read next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace alluvium::connectors {

/// The deepest queue first: what one poll takes from one partition comes in large groups by agent, and each group costs
/// one message to the agent's buffer. Partitions that were passed over too often come before, the one that waits
/// longest first: so a trickle beside floods waits for a few polls, and one more for each of them that waits too.
class ReadingTurns {
 public:
  /// Polls that a partition with something to read may be passed over.
  static constexpr std::uint32_t passes_max = 4;

  /// `depth`: how much of a slot, from 0 to `slots`, is ready to be read. Returns the slots that have something, in the
  /// order in which to read them: those passed over too often, the longest first, then by depth, the lower slot first where it is equal.
  /// Valid until the next call; those that were not read() by then count as passed over.
  std::span<const std::size_t> order(std::size_t slots, const std::function<std::size_t(std::size_t)>& depth);
  /// That slot was read.
  void read(std::size_t slot) {
    passes_[slot] = 0;
  }

 private:
  std::vector<std::uint32_t> passes_;  ///< By slot: in a row.
  std::vector<std::size_t> depths_;    ///< By slot.
  std::vector<std::size_t> order_;
};

}  // namespace alluvium::connectors
