// SPDX-License-Identifier: Apache-2.0
// Notices that nothing moves although there is work, and says how far to go about it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "pipeline/batch_policy.hpp"

namespace alluvium::pipeline {

/// What is looked at. Messages that wait in buffers for company are no work; nor is what the outside holds up and says
/// so: a store that is locked, a broker that is down, models that are slow.
struct SignsOfLife {
  std::int64_t progress = 0;  ///< Any number that grows when something moves, be it a failed try.
  bool work = false;          ///< Something could move.
};

/// After `patience` without progress: restart what is between source and store; after another one: end the process, so
/// that whoever supervises it starts it anew.
class StallWatch {
 public:
  enum class Step { none, restart, end };

  explicit StallWatch(std::chrono::milliseconds patience) : patience_{patience} {}

  /// Each step is said once per stall. To be called several times in `patience`: after a longer gap it begins anew.
  [[nodiscard]] Step observe(const SignsOfLife& signs, TimePoint now);

 private:
  std::chrono::milliseconds patience_;
  std::optional<TimePoint> still_since_;  ///< Since when there has been work and no progress.
  std::int64_t progress_ = -1;
  TimePoint looked_at_;
  bool restarted_ = false;
};

}  // namespace alluvium::pipeline
