// SPDX-License-Identifier: Apache-2.0
// What becomes of a request after a call of a model.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>
#include <vector>

#include "pipeline/backoff.hpp"
#include "pipeline/model_ports.hpp"

namespace alluvium::pipeline {

struct NextStep {
  enum class Kind : std::uint8_t {
    settle,   ///< Answered.
    again,    ///< The same request once more, after `delay`.
    divide,   ///< In parts of `part_size` messages each, after `delay`.
    dead,     ///< It is one message, and the endpoint takes others: a dead letter. Or it is about pairs: they stay.
    backlog,  ///< Later, after `delay`; the stream goes on without it.
  };
  Kind kind = Kind::settle;
  std::chrono::milliseconds delay{0};
  std::size_t part_size = 0;
  bool asked = false;   ///< again, backlog: counts as a reply that was no answer.
  bool longer = false;  ///< again: with a larger token limit.
};

/// How a call ended, as far as it matters here.
struct CallOutcome {
  ReplyClass what = ReplyClass::answered;
  bool understood = false;            ///< answered: there was a list of memories in it.
  bool cut_off = false;               ///< finish was length.
  bool readable = true;               ///< The reply was the API's, whatever it said.
  bool endpoint_has_answered = true;  ///< It has answered something before, or since.
};

/// A reply that is no answer is asked for once more, then the request is divided in halves, until the message at fault
/// is alone. Alone, it dies only if the endpoint is known to answer others; else it is tried asks_alone_max times and
/// goes to the backlog: a wrong model name must not turn every message into a dead letter. Nor must a gateway's page in
/// place of the reply, which says nothing of the message: then it dies only after unreadable_rounds_max more of them,
/// one a round in the backlog (about two hours with the default backlog_delay), so that nothing waits for ever.
/// `stored.attempts` counts this call.
inline constexpr std::size_t asks_alone_max = 5;
inline constexpr std::size_t unreadable_rounds_max = 8;
[[nodiscard]] NextStep next_step(const StoredRequest& stored, const CallOutcome& outcome, const RetryOptions& retry,
                                 std::string_view request_hash);

/// The parts of a request, `size` messages each.
[[nodiscard]] std::vector<ModelRequest> parts_of(const ModelRequest& request, std::size_t size);

}  // namespace alluvium::pipeline
