// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stall_watch.hpp"

#include <utility>

namespace alluvium::pipeline {

StallWatch::Step StallWatch::observe(const SignsOfLife& signs, TimePoint now) {
  const bool moved = std::exchange(progress_, signs.progress) != signs.progress;
  // Nobody looked for so long: the whole process was frozen.
  const bool was_frozen = now - std::exchange(looked_at_, now) > patience_ / 2;
  if (moved || !signs.work || was_frozen) {
    still_since_.reset();
    restarted_ = false;
    return Step::none;
  }
  if (!still_since_) {
    still_since_ = now;
  }
  if (now - *still_since_ < patience_) {
    return Step::none;
  }
  still_since_ = now;
  return std::exchange(restarted_, true) ? Step::end : Step::restart;
}

}  // namespace alluvium::pipeline
