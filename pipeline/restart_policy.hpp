// SPDX-License-Identifier: Apache-2.0
// How often something that crashes is started again, and when to give up.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include "pipeline/batch_policy.hpp"

namespace alluvium::pipeline {

/// At most restarts_max in `window`; the delay before the n-th of them doubles from `delay_first`.
/// One that comes later than that finds a clean slate.
class RestartPolicy {
 public:
  struct Options {
    std::size_t restarts_max = 5;
    std::chrono::milliseconds window = std::chrono::seconds{60};
    std::chrono::milliseconds delay_first{100};
  };
  RestartPolicy() = default;
  explicit RestartPolicy(const Options& options) : options_{options} {}

  /// A crash at `now`: how long to wait before the restart, or nothing to give up.
  [[nodiscard]] std::optional<std::chrono::milliseconds> crashed(TimePoint now);

 private:
  Options options_;
  std::deque<TimePoint> crashes_;  ///< Within the window; at most restarts_max.
};

}  // namespace alluvium::pipeline
