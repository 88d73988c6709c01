// SPDX-License-Identifier: Apache-2.0
// An endpoint's gate, and when to stop waiting for it.
#pragma once

#include <chrono>
#include <optional>

#include "pipeline/endpoint_gate.hpp"

namespace alluvium::pipeline {

class EndpointHealth {
 public:
  /// One that breaks again sooner after it worked has never been well: it answers now and then, and whoever waited for
  /// patience anew each time would wait for ever.
  static constexpr std::chrono::milliseconds well_after{30'000};

  enum class News : std::uint8_t { none, fails, works_again };

  explicit EndpointHealth(const GateOptions& options) : gate_{options} {}

  [[nodiscard]] EndpointGate& gate() {
    return gate_;
  }
  /// The end of a call; says whether people should hear of it.
  News ended(const ModelReply& reply, ReplyClass what, TimePoint now);
  /// True if what is queued for it should not wait any longer: it is broken, and was last well `patience` ago; or it
  /// refused us as such, or it asks to be left alone for longer than that; and no probe is due.
  [[nodiscard]] bool is_given_up(TimePoint now, std::chrono::milliseconds patience) const;

 private:
  EndpointGate gate_;
  bool broken_ = false;
  std::optional<TimePoint> works_since_;  ///< Since it was last broken.
  TimePoint unwell_since_;                ///< If it is broken: when it first broke after it was well.
  bool blocked_ = false;
};

}  // namespace alluvium::pipeline
