// SPDX-License-Identifier: Apache-2.0
// Whether a call to an endpoint may start now: its breaker, its limit of calls in flight, its retry budget, and the
// times it asked to be left alone.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "pipeline/batch_policy.hpp"
#include "pipeline/model_reply.hpp"

namespace alluvium::pipeline {

struct GateOptions {
  std::size_t concurrent_max = 16;  ///< Calls in flight, at most; 1..1024.
  // Breaker: opens when at least half of the last `window`'s calls failed and there were enough of them; or, where
  // fewer end in a window because the endpoint hangs, when as many in a row failed.
  std::size_t breaker_calls = 20;
  std::chrono::milliseconds breaker_window{30'000};
  std::chrono::milliseconds breaker_delay{5'000};  ///< Before the first probe; doubles up to breaker_delay_max.
  std::chrono::milliseconds breaker_delay_max{60'000};
  // Retry budget: calls beyond the first of each request (retries, halves, second asks) may be this share of all calls.
  double retry_share = 0.2;
  std::size_t retry_burst = 200;  ///< Allowed at the start and saved up at most.
};

/// Why a call may not start.
enum class GateState : std::uint8_t { open, full, waiting, broken, retries_spent };

/// One per endpoint. Adaptive concurrency: the limit starts at concurrent_max, halves (at least 1; at most once per
/// round: not again before as many calls have ended as were in flight) when the endpoint is overloaded, and grows by 1
/// per limit's worth of good answers (AIMD).
/// retries_spent ends only with first calls, and those may never come: a request that finds it waits in the backlog,
/// from where its next call is a first one again.
/// Every `now` is at least the one before. Nothing in it grows beyond breaker_calls_kept calls.
class EndpointGate {
 public:
  static constexpr std::size_t breaker_calls_kept = 1024;
  static constexpr std::size_t concurrent_most = 1024;

  explicit EndpointGate(const GateOptions& options);

  /// open: a call may start now. `extra`: it is not its request's first.
  [[nodiscard]] GateState state(TimePoint now, bool extra) const;
  /// When state() may change by time alone; nothing if only the end of a call can change it.
  [[nodiscard]] std::optional<TimePoint> next_look(TimePoint now) const;
  /// Counts a call that starts now: only after state() said open.
  void started(TimePoint now, bool extra);
  /// Its end. A half-open breaker closes on an answer (any reply that is not a failure of the endpoint: bisect counts
  /// as one that works) and opens again, for twice as long, on a failure: `retry`, or a 200 that is not the API's
  /// reply. Ends of calls that are older than the probe (by reply.took) change nothing while it is open. `blocked`
  /// opens it at once.
  void ended(const ModelReply& reply, ReplyClass what, TimePoint now);
  /// True while the breaker is open or half-open.
  [[nodiscard]] bool is_broken(TimePoint now) const;
  [[nodiscard]] std::size_t in_flight() const {
    return in_flight_;
  }
  [[nodiscard]] std::size_t limit() const {
    return limit_;
  }

 private:
  struct Call {
    TimePoint at;
    bool failed;
  };
  void wait_as_told(const ModelReply& reply, ReplyClass what, TimePoint now);
  void adapt_limit(const ModelReply& reply, bool failed);
  void judge(bool failed, bool blocked, TimePoint now);
  void open_breaker(TimePoint now);
  void forget(TimePoint now);

  GateOptions options_;
  std::size_t limit_;
  std::size_t in_flight_ = 0;
  std::size_t good_ = 0;    ///< Since the limit last changed.
  std::size_t round_ = 0;   ///< Calls that are still to end before the limit may halve again.
  std::deque<Call> calls_;  ///< Of the breaker's window.
  std::size_t failed_in_row_ = 0;
  std::optional<TimePoint> broken_until_;  ///< Set: open until then, half-open after.
  std::optional<TimePoint> probe_at_;      ///< When the probe that is in flight started.
  std::chrono::milliseconds breaker_delay_{0};
  TimePoint not_before_ = TimePoint::min();  ///< Retry-After and spent rate limits: a floor for the whole endpoint.
  // Millionths of a call: sums of a double like 0.2 would drift.
  std::int64_t retry_tokens_;
  std::int64_t retry_share_;
};

}  // namespace alluvium::pipeline
