// SPDX-License-Identifier: Apache-2.0
#include "pipeline/endpoint_health.hpp"

#include <utility>

namespace alluvium::pipeline {

EndpointHealth::News EndpointHealth::ended(const ModelReply& reply, ReplyClass what, TimePoint now) {
  gate_.ended(reply, what, now);
  if (!gate_.is_broken(now)) {
    blocked_ = false;
    if (!std::exchange(broken_, false)) {
      return News::none;
    }
    works_since_ = now;
    return News::works_again;
  }
  blocked_ = blocked_ || what == ReplyClass::blocked;
  if (std::exchange(broken_, true)) {
    return News::none;
  }
  if (!works_since_ || now - *works_since_ >= well_after) {
    unwell_since_ = now;
  }
  return News::fails;
}

bool EndpointHealth::is_given_up(TimePoint now, std::chrono::milliseconds patience) const {
  const auto state = gate_.state(now, false);
  if (state == GateState::open) {
    return false;
  }
  const auto next = gate_.next_look(now);
  if (state == GateState::waiting && next && *next - now >= patience) {
    return true;
  }
  return broken_ && (blocked_ || now - unwell_since_ >= patience);
}

}  // namespace alluvium::pipeline
