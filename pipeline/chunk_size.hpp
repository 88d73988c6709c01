// SPDX-License-Identifier: Apache-2.0
// How much of a backlog is gathered before it goes to the agents' buffers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace alluvium::pipeline {

/// An agent's part of a chunk costs its buffer one message, so a chunk should have several of each agent; but what is
/// larger than need be falls out of the caches (docs/benchmarks.md has both). It doubles while its agents have less
/// than agent_messages_min, and halves from agent_messages_max on.
class ChunkSize {
 public:
  static constexpr std::int64_t first = std::int64_t{4} << 20;
  static constexpr std::int64_t largest = std::int64_t{32} << 20;
  static constexpr std::size_t agent_messages_min = 3;
  static constexpr std::size_t agent_messages_max = 8;

  /// `most`: bytes, if that is less than `largest`.
  explicit ChunkSize(std::int64_t most) : most_{std::min(most, largest)} {}

  /// Bytes of messages. 0: what one poll brings.
  [[nodiscard]] std::int64_t wanted() const {
    return wanted_;
  }
  /// How many agents so many messages may be of, as far as the last chunk tells: each may need a buffer.
  [[nodiscard]] std::size_t agents_of(std::size_t messages) const {
    return std::min(messages, static_cast<std::size_t>(agents_per_message_ * static_cast<double>(messages)));
  }
  /// A chunk of that many messages was made, not 0, while there was more to read. One that had to be cut short says
  /// nothing of larger ones.
  void made(std::int64_t bytes, std::size_t messages, std::size_t agents) {
    agents_per_message_ = static_cast<double>(agents) / static_cast<double>(messages);
    if (messages < agent_messages_min * agents && bytes >= wanted_) {
      wanted_ = std::min(most_, std::max(first, 2 * wanted_));
    } else if (messages >= agent_messages_max * agents) {
      wanted_ = wanted_ > first ? wanted_ / 2 : 0;
    }
  }

 private:
  std::int64_t most_;
  std::int64_t wanted_ = 0;
  double agents_per_message_ = 1;
};

}  // namespace alluvium::pipeline
