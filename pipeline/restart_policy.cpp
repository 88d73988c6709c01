// SPDX-License-Identifier: Apache-2.0
#include "pipeline/restart_policy.hpp"

namespace alluvium::pipeline {

std::optional<std::chrono::milliseconds> RestartPolicy::crashed(TimePoint now) {
  while (!crashes_.empty() && crashes_.front() + options_.window <= now) {
    crashes_.pop_front();
  }
  if (crashes_.size() >= options_.restarts_max) {
    return std::nullopt;
  }
  const auto delay = options_.delay_first * (1LL << crashes_.size());
  crashes_.push_back(now);
  return delay;
}

}  // namespace alluvium::pipeline
