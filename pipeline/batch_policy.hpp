// SPDX-License-Identifier: Apache-2.0
// Decides when an agent's pending messages leave as a batch. Pure: the caller brings the clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>

#include "pipeline/error.hpp"

namespace alluvium::pipeline {

using TimePoint = std::chrono::steady_clock::time_point;

enum class FlushReason { full, bytes, idle, hold, pressure, drain };

/// What the policy looks at.
struct Pending {
  std::size_t messages = 0;
  std::size_t content_bytes = 0;
  TimePoint first_at;  ///< When its first message arrived here.
  TimePoint last_at;   ///< And its last.
};

/// The flush rule of an agent buffer: at max_messages or max_bytes at once; after idle_timeout
/// without a new message, if min_messages are pending; and, however few there are, max_hold after
/// the first. Without the last, a quiet agent would hold its messages, and the watermark, for ever.
class BatchPolicy {
 public:
  struct Options {
    std::size_t max_messages = 20;
    std::size_t min_messages = 5;
    std::chrono::milliseconds idle_timeout = std::chrono::minutes{60};
    std::chrono::milliseconds max_hold = std::chrono::hours{2};
    std::size_t max_bytes = std::size_t{256} << 10;  ///< Of content. One larger message is a batch alone.
  };

  /// Fails with `invalid_config` unless 1 <= min_messages <= max_messages <= 10,000,
  /// 0 < idle_timeout <= max_hold <= 7 days and 0 < max_bytes <= 1 GiB (a Batch counts in 32 bits).
  [[nodiscard]] static Result<BatchPolicy> make(const Options& options);

  /// True if `pending` must leave before a message of `next_bytes` is added.
  [[nodiscard]] bool must_flush_before(const Pending& pending, std::size_t next_bytes) const;
  /// Why `pending` has to leave now, or nothing if it may wait. `pressure_max`: as many messages are enough while
  /// memory is short.
  [[nodiscard]] std::optional<FlushReason> flush_reason(
      const Pending& pending, TimePoint now, std::size_t pressure_max = std::numeric_limits<std::size_t>::max()) const;
  /// When time alone makes it leave, if no message comes first. `pending` is not empty.
  [[nodiscard]] TimePoint deadline(const Pending& pending) const;
  /// A message that comes now makes nothing leave by time before this is over.
  [[nodiscard]] std::chrono::milliseconds shortest_wait() const {
    return options_.idle_timeout;
  }
  /// How often to look for buffers that are due, so that a flush is late by at most a twentieth of
  /// the shortest time-out, within 10 ms and 1 s.
  [[nodiscard]] std::chrono::milliseconds sweep_interval() const;

 private:
  explicit BatchPolicy(const Options& options) : options_{options} {}

  Options options_;
};

// Here, because it is asked for each message.
inline std::optional<FlushReason> BatchPolicy::flush_reason(const Pending& pending, TimePoint now,
                                                            std::size_t pressure_max) const {
  if (pending.messages == 0) {
    return std::nullopt;
  }
  if (pending.messages >= options_.max_messages) {
    return FlushReason::full;
  }
  if (pending.content_bytes >= options_.max_bytes) {
    return FlushReason::bytes;
  }
  if (pending.messages >= pressure_max) {
    return FlushReason::pressure;
  }
  if (now >= pending.first_at + options_.max_hold) {
    return FlushReason::hold;
  }
  if (pending.messages >= options_.min_messages && now >= pending.last_at + options_.idle_timeout) {
    return FlushReason::idle;
  }
  return std::nullopt;
}

}  // namespace alluvium::pipeline
