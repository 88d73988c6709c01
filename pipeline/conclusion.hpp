// SPDX-License-Identifier: Apache-2.0
// From a model's reply to what the store is told: the end of the call, and what becomes of the request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pipeline/model_ports.hpp"
#include "pipeline/next_step.hpp"
#include "pipeline/prices.hpp"

namespace alluvium::pipeline {

/// What is known of the call.
struct CallContext {
  const StoredRequest& stored;  ///< `attempts` counts this call.
  std::string_view hash, endpoint, model, prompt_id;
  std::int64_t started_ms = 0, ended_ms = 0;
  std::int64_t prompt_bytes = 0;
  std::optional<Money> reserved{};    ///< What had been set aside for it.
  const ModelPrice* price = nullptr;  ///< Null: unknown.
  const TierPolicies& policies;
  const RetryOptions& retry;
  bool cached = false;                ///< No call: the answer was paid for before.
  bool in_batch_job = false;          ///< Half price; and what is not answered is queued for another job.
  bool endpoint_has_answered = true;  ///< Before this call.
  std::int64_t timeout_ms = 30'000;   ///< Of the call, for messages.
};

/// Exactly one of settlement and postponement is there.
struct Conclusion {
  CallEnd end;
  std::optional<Settlement> settlement;
  std::optional<Postponement> postponement;
  NextStep step;
};

/// A pure function: the same reply to the same request always ends the same.
/// A reply without usage is booked with an estimate (3.5 bytes a token).
[[nodiscard]] Conclusion conclude(const CallContext& call, const ModelReply& reply, ReplyClass what);

/// The reply that brought an answer which is in the store.
[[nodiscard]] ModelReply reply_of(const PaidAnswer& paid);

}  // namespace alluvium::pipeline
