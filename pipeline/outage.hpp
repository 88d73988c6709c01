// SPDX-License-Identifier: Apache-2.0
// A failure that lasts: when it is worth another line in the log, and how long it was.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "pipeline/batch_policy.hpp"

namespace alluvium::pipeline {

/// Worth saying at once, again after 1 s, and then after twice as long each time, up to 5 minutes.
class Outage {
 public:
  /// It failed (again). True if that is worth saying.
  bool failed(TimePoint now) {
    if (!since_) {
      since_ = now;
      again_after_ = first;
    } else if (now - said_ < again_after_) {
      return false;
    } else {
      again_after_ = std::min<std::chrono::seconds>(again_after_ * 2, longest);
    }
    said_ = now;
    return true;
  }
  /// It works; how long it did not, if that is news.
  std::optional<std::chrono::milliseconds> over(TimePoint now) {
    if (!since_) {
      return std::nullopt;
    }
    const auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(now - *since_);
    since_.reset();
    return lasted;
  }

 private:
  static constexpr std::chrono::seconds first{1}, longest{300};
  std::optional<TimePoint> since_;
  TimePoint said_;
  std::chrono::seconds again_after_{0};
};

}  // namespace alluvium::pipeline
