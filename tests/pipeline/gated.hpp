// SPDX-License-Identifier: Apache-2.0
// A gate with a clock of its own, and replies to end calls with.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/endpoint_gate.hpp"

namespace alluvium::pipeline {

inline constexpr TimePoint start{};

/// A gate with a clock of its own, and calls that know when they started.
class Gated {
 public:
  explicit Gated(const GateOptions& options = {}) : gate{options} {}

  GateState state(bool extra = false) const {
    return gate.state(now, extra);
  }
  bool begin(bool extra = false) {
    if (state(extra) != GateState::open) {
      return false;
    }
    gate.started(now, extra);
    started.push_back(now);
    return true;
  }
  /// Ends the call that is at `place` among those in flight.
  void end(ModelReply reply, std::size_t place = 0) {
    reply.took = std::chrono::duration_cast<std::chrono::milliseconds>(now - started.at(place));
    started.erase(started.begin() + static_cast<std::ptrdiff_t>(place));
    gate.ended(reply, classify(reply), now);
  }
  /// A whole call of 10 ms.
  void call(const ModelReply& reply) {
    ASSERT_TRUE(begin());
    now += std::chrono::milliseconds{10};
    end(reply);
  }

  EndpointGate gate;
  TimePoint now = start;
  std::vector<TimePoint> started;
};

inline ModelReply status(int code, std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  ModelReply reply;
  reply.status = code;
  reply.readable = code == 200;
  reply.text = code == 200 ? "[]" : "";
  reply.retry_after = retry_after;
  return reply;
}

inline ModelReply timed_out() {
  ModelReply reply;
  reply.transport = ModelReply::Transport::lost;
  reply.timed_out = true;
  return reply;
}

inline const auto good = status(200);

inline GateOptions at_most(std::size_t concurrent) {
  GateOptions options;
  options.concurrent_max = concurrent;
  return options;
}

}  // namespace alluvium::pipeline
