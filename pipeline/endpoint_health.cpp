// SPDX-License-Identifier: Apache-2.0
#include "pipeline/endpoint_health.hpp"

namespace alluvium::pipeline {

EndpointHealth::News EndpointHealth::ended(const ModelReply& reply, ReplyClass what, TimePoint now) {
  gate_.ended(reply, what, now);
  if (!gate_.is_broken(now)) {
    blocked_ = false;
    const bool was_broken = broken_since_.has_value();
    broken_since_.reset();
    return was_broken ? News::works_again : News::none;
  }
  blocked_ = blocked_ || what == ReplyClass::blocked;
  if (broken_since_) {
    return News::none;
  }
  broken_since_ = now;
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
  return broken_since_ && (blocked_ || now - *broken_since_ >= patience);
}

}  // namespace alluvium::pipeline
