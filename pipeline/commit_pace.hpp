// SPDX-License-Identifier: Apache-2.0
// When the next transaction begins, if there is not enough for one before.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "pipeline/batch_policy.hpp"

namespace alluvium::pipeline {

/// What comes after a quiet time is committed at once. Else commits begin `interval` after each other, or eight times
/// what they take if that is more, so that little time goes into those that nothing presses for: but four intervals at
/// most, and no more than a second for that. A value; time comes in as an argument.
class CommitPace {
 public:
  explicit CommitPace(std::chrono::milliseconds interval)
      : interval_{interval}, longest_{std::max(interval, std::min(4 * interval, std::chrono::milliseconds{1000}))} {}

  /// What gathers is committed then; in the past after a quiet time.
  [[nodiscard]] TimePoint next() const {
    return next_;
  }
  /// Something was.
  void committed(TimePoint begin, TimePoint end) {
    const auto took = end - begin;
    // Now and then one takes much longer, as the store tidies up on the way: that says nothing of the next.
    const auto usual = std::min(took, std::exchange(last_took_, took));
    next_ = begin + std::clamp<TimePoint::duration>(8 * usual, interval_, longest_);
  }

 private:
  std::chrono::milliseconds interval_;
  std::chrono::milliseconds longest_;
  TimePoint next_;
  TimePoint::duration last_took_{0};
};

}  // namespace alluvium::pipeline
