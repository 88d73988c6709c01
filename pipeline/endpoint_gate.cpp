// SPDX-License-Identifier: Apache-2.0
#include "pipeline/endpoint_gate.hpp"

#include <algorithm>
#include <cmath>

namespace alluvium::pipeline {

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t one_call = 1'000'000;  // Retry tokens count in millionths.
constexpr milliseconds wait_max{86'400'000};  // Nothing that an endpoint says closes it for longer than a day.
constexpr std::size_t retry_burst_max = 1'000'000;

std::int64_t burst_tokens(const GateOptions& options) {
  return static_cast<std::int64_t>(std::min(options.retry_burst, retry_burst_max)) * one_call;
}

}  // namespace

EndpointGate::EndpointGate(const GateOptions& options)
    : options_{options},
      limit_{std::clamp<std::size_t>(options.concurrent_max, 1, concurrent_most)},
      retry_tokens_{burst_tokens(options)},
      // A share that is no number is none.
      retry_share_{options.retry_share > 0 ? std::llround(std::min(options.retry_share, 1.0) * one_call) : 0} {
  options_.concurrent_max = limit_;
  options_.breaker_calls = std::clamp<std::size_t>(options.breaker_calls, 1, breaker_calls_kept);
}

GateState EndpointGate::state(TimePoint now, bool extra) const {
  if (broken_until_ && (now < *broken_until_ || probe_at_)) {
    return GateState::broken;
  }
  if (now < not_before_) {
    return GateState::waiting;
  }
  if (in_flight_ >= limit_) {
    return GateState::full;
  }
  return extra && retry_tokens_ < one_call ? GateState::retries_spent : GateState::open;
}

std::optional<TimePoint> EndpointGate::next_look(TimePoint now) const {
  std::optional<TimePoint> next;
  if (broken_until_ && now < *broken_until_) {
    next = broken_until_;
  }
  if (now < not_before_ && (!next || not_before_ < *next)) {
    next = not_before_;
  }
  return next;
}

void EndpointGate::started(TimePoint now, bool extra) {
  ++in_flight_;
  if (broken_until_) {
    probe_at_ = now;
  }
  // One token at least can be saved up: else a burst of 0 would turn every share into none.
  const auto most = std::max(burst_tokens(options_), one_call);
  retry_tokens_ = std::min(retry_tokens_ - (extra ? one_call : 0) + retry_share_, most);
}

void EndpointGate::ended(const ModelReply& reply, ReplyClass what, TimePoint now) {
  const bool blocked = what == ReplyClass::blocked;
  // Too many requests is an answer of an endpoint that works: it is asked less often, not left alone.
  const bool limited = !blocked && reply.status == 429;
  const bool failed =
      !limited && (blocked || what == ReplyClass::retry || (what == ReplyClass::ask_again && !reply.readable));
  // The only call in flight is the probe, whatever its reply says about the time it took.
  const bool is_probe = probe_at_ && (in_flight_ <= 1 || now - reply.took >= *probe_at_);
  in_flight_ -= in_flight_ > 0 ? 1U : 0U;
  wait_as_told(reply, what, now);
  adapt_limit(reply, failed || limited);
  if (!broken_until_ && limited) {
    return;
  }
  if (!broken_until_) {
    judge(failed, blocked, now);
  } else if (is_probe && failed) {
    open_breaker(now);
  } else if (is_probe) {
    broken_until_.reset();
    probe_at_.reset();
    breaker_delay_ = milliseconds{0};
  }
}

bool EndpointGate::is_broken(TimePoint /*now*/) const {
  return broken_until_.has_value();
}

void EndpointGate::wait_as_told(const ModelReply& reply, ReplyClass what, TimePoint now) {
  const auto wait = [&](std::optional<milliseconds> told) {
    if (told) {
      not_before_ = std::max(not_before_, now + std::clamp(*told, milliseconds{0}, wait_max));
    }
  };
  if (what == ReplyClass::retry || what == ReplyClass::blocked) {
    wait(reply.retry_after);
  }
  wait(reply.limit_reset);
}

void EndpointGate::adapt_limit(const ModelReply& reply, bool failed) {
  const bool round_is_over = round_ == 0;
  round_ -= round_is_over ? 0U : 1U;
  if (is_overload(reply)) {
    if (round_is_over) {
      limit_ = std::max<std::size_t>(limit_ / 2, 1);
      round_ = in_flight_;
    }
    good_ = 0;
  } else if (!failed && ++good_ >= limit_) {
    limit_ = std::min(limit_ + 1, options_.concurrent_max);
    good_ = 0;
  }
}

void EndpointGate::judge(bool failed, bool blocked, TimePoint now) {
  calls_.push_back({now, failed});
  failed_in_row_ = failed ? failed_in_row_ + 1 : 0;
  forget(now);
  const auto failures = static_cast<std::size_t>(std::ranges::count(calls_, true, &Call::failed));
  const bool enough = calls_.size() >= options_.breaker_calls;
  if (blocked || (enough ? failures * 2 >= calls_.size() : failed_in_row_ >= options_.breaker_calls)) {
    open_breaker(now);
  }
}

void EndpointGate::open_breaker(TimePoint now) {
  const auto most = std::max(options_.breaker_delay, options_.breaker_delay_max);
  breaker_delay_ = breaker_delay_.count() == 0 ? options_.breaker_delay : std::min(breaker_delay_ * 2, most);
  broken_until_ = now + breaker_delay_;
  probe_at_.reset();
  calls_.clear();
  failed_in_row_ = 0;
}

void EndpointGate::forget(TimePoint now) {
  while (calls_.size() > breaker_calls_kept ||
         (!calls_.empty() && calls_.front().at + options_.breaker_window <= now)) {
    calls_.pop_front();
  }
}

}  // namespace alluvium::pipeline
