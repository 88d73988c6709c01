// SPDX-License-Identifier: Apache-2.0
// How long a failed request waits before it is tried again.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

namespace alluvium::pipeline {

struct RetryOptions {
  std::size_t max = 3;  ///< Tries after the first. Then the request waits in the backlog.
  std::chrono::milliseconds delay{500};
  std::chrono::milliseconds delay_max{60'000};
  bool jitter = true;  ///< Off: exactly delay, 2 delay, 4 delay, ... up to delay_max.
  std::size_t fallback_batch_size = 0;  ///< Messages per request from the first retry on; 0: the same request again.
  /// Before what is in the backlog is tried again; doubles up to an hour.
  std::chrono::milliseconds backlog_delay{60'000};
};
inline constexpr std::chrono::milliseconds backlog_delay_max{3'600'000};

/// Delay before try `attempt` + 1, `attempt` >= 1 tries having failed: uniform between `delay` and
/// min(delay_max, delay * 2^attempt) ("full jitter" above a floor, so that a retry never comes at once). The chance in
/// it is the hash of `request_hash` and `attempt`: repeatable, and different for every request.
[[nodiscard]] std::chrono::milliseconds retry_delay(const RetryOptions& options, std::size_t attempt,
                                                    std::string_view request_hash);
/// The same for a request that has been put into the backlog `rounds` >= 1 times.
[[nodiscard]] std::chrono::milliseconds backlog_delay(const RetryOptions& options, std::size_t rounds,
                                                      std::string_view request_hash);

}  // namespace alluvium::pipeline
