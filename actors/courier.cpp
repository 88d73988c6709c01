// SPDX-License-Identifier: Apache-2.0
// Rounds, and the way of requests into a job; courier_submission.cpp and courier_results.cpp have what becomes of the
// job.
#include "actors/courier.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/concluding.hpp"
#include "pipeline/prompt.hpp"

namespace alluvium::actors {
namespace {

using pipeline::Reserved;
using pipeline::StoredRequest;
using pipeline::Tier;

constexpr std::size_t chunk = 64;  // Requests in one transaction, and in memory beside their bodies.
// Before a request is looked at again whose twin is under way, or whose budget is set aside for others.
constexpr std::chrono::milliseconds wait_max{60'000};

}  // namespace

Courier::Courier(CourierOptions options, pipeline::Metrics& metrics, pipeline::WallClock clock,
                 const std::atomic<bool>& stop)
    : options_{std::move(options)}, metrics_{metrics}, clock_{clock}, stop_{stop} {
  for (const auto tier : {Tier::small, Tier::premium}) {
    if (options_.api_of(tier) == nullptr) {
      continue;
    }
    tiers_.push_back(tier);
    const auto& endpoint = options_.models.of(tier).endpoint;
    if (std::find(endpoints_.begin(), endpoints_.end(), endpoint) == endpoints_.end()) {
      endpoints_.push_back(endpoint);
    }
    requests_max_[static_cast<std::size_t>(tier)] = options_.requests_max;
  }
}

pipeline::Result<std::int64_t> Courier::step() {
  const auto jobs = options_.jobs->lease(endpoints_);
  if (!jobs) {
    return tl::unexpected{jobs.error()};
  }
  for (const auto& job : *jobs) {
    if (stop_.load()) {
      break;
    }
    if (auto done = look_at(job); !done) {
      return tl::unexpected{done.error()};
    }
  }
  if (!stop_.load() && clock_() >= fill_at_ms_) {
    for (const auto tier : tiers_) {
      if (auto done = submit_new(tier); !done) {
        return tl::unexpected{done.error()};
      }
    }
    fill_at_ms_ = after(options_.submit_every);
  }
  const auto open = options_.jobs->lease(endpoints_);
  if (!open) {
    return tl::unexpected{open.error()};
  }
  auto next_ms = fill_at_ms_;
  for (const auto& job : *open) {
    next_ms = std::min(next_ms, job.due_ms);
  }
  return next_ms;
}

pipeline::Result<bool> Courier::is_idle() {
  const auto counts = options_.jobs->counts(endpoints_, tiers_);
  if (!counts) {
    return tl::unexpected{counts.error()};
  }
  return counts->open == 0 && counts->waiting == 0;
}

pipeline::Result<void> Courier::release_leases() {
  return options_.jobs->release_leases();
}

Tier Courier::tier_at(std::string_view endpoint) const {
  // Tiers with the same endpoint have the same model and API.
  for (const auto tier : tiers_) {
    if (options_.models.of(tier).endpoint == endpoint) {
      return tier;
    }
  }
  return tiers_.front();
}

std::size_t Courier::room(Tier tier) const {
  return std::max<std::size_t>(
      1, std::min(requests_max_[static_cast<std::size_t>(tier)], options_.api_of(tier)->requests_max()));
}

Courier::Done Courier::submit_new(Tier tier) {
  for (bool more = true; more && !stop_.load();) {
    // A provider that has not taken the last job is not offered another.
    const auto open = options_.jobs->lease({options_.models.of(tier).endpoint});
    if (!open) {
      return tl::unexpected{open.error()};
    }
    const auto waits = [](const auto& job) { return job.phase == pipeline::JobPhase::submitting; };
    if (std::any_of(open->begin(), open->end(), waits)) {
      return {};
    }
    Load load;
    while (more && !load.full && load.bodies.size() < room(tier) && !stop_.load()) {
      if (auto done = fill(tier, load, more); !done) {
        return done;
      }
    }
    if (!load.bodies.empty()) {
      if (auto done = submit(load.job, load.bodies); !done) {
        return done;
      }
    }
  }
  return {};
}

/// `more` becomes false if there is no further request.
Courier::Done Courier::fill(Tier tier, Load& load, bool& more) {
  auto due = options_.jobs->due(tier, std::min(chunk, room(tier) - load.bodies.size()));
  if (!due) {
    return tl::unexpected{due.error()};
  }
  more = !due->empty();
  if (!more) {
    return {};
  }
  auto prepared = prepare(tier, std::move(*due), load);
  if (!prepared) {
    return tl::unexpected{prepared.error()};
  }
  load.full = prepared->full;
  return take(tier, load, *prepared);
}

pipeline::Result<Courier::Prepared> Courier::prepare(Tier which, std::vector<StoredRequest> due, const Load& load) {
  const auto& tier = options_.models.of(which);
  const auto known = options_.requests->calibration(tier.model->model_name());
  if (!known) {
    return tl::unexpected{known.error()};
  }
  const auto bytes_max = std::min(options_.bytes_max, options_.api_of(which)->bytes_max());
  auto bytes = load.bytes;
  Prepared prepared;
  for (auto& stored : due) {
    auto call = pipeline::prepare_call(*tier.model, tier.voice, stored.request, longer_.contains(stored.id),
                                       tier.price ? &*tier.price : nullptr, *known, true);
    // One that is too large by itself goes alone: the provider says whether it takes it.
    const bool first = load.bodies.empty() && prepared.requests.empty();
    if (!first && bytes + call.body.size() > bytes_max) {
      prepared.full = true;
      break;
    }
    bytes += call.body.size();
    prepared.requests.push_back(std::move(stored));
    prepared.calls.push_back(std::move(call));
  }
  return prepared;
}

Courier::Done Courier::take(Tier which, Load& load, Prepared& prepared) {
  const auto& tier = options_.models.of(which);
  std::vector<pipeline::Reservation> reservations;
  for (std::size_t i = 0; i < prepared.requests.size(); ++i) {
    const auto& call = prepared.calls[i];
    reservations.push_back({prepared.requests[i].id, call.hash, tier.endpoint, tier.model->model_name(), call.reserve});
  }
  const auto fill = options_.jobs->fill(load.job.id, reservations, after(std::min(options_.submit_every, wait_max)));
  if (!fill) {
    return tl::unexpected{fill.error()};
  }
  if (fill->job) {
    load.job = *fill->job;
  }
  for (std::size_t i = 0; i < fill->verdicts.size(); ++i) {
    const auto& verdict = fill->verdicts[i];
    const auto& stored = prepared.requests[i];
    auto& call = prepared.calls[i];
    Done done;
    switch (verdict.verdict) {
      case Reserved::Verdict::send:
        load.bytes += call.body.size();
        load.bodies.push_back({pipeline::custom_id(stored.id, call.hash), std::move(call.body)});
        break;
      case Reserved::Verdict::cached: {
        metrics_.answers_reused.fetch_add(1, std::memory_order_relaxed);
        auto out =
            conclude(stored, call.hash, verdict.answer->model, clock_(), pipeline::reply_of(*verdict.answer), true);
        // It is in no job: what is not settled by that answer waits where it is.
        done = out.postponement ? options_.requests->put_off({stored.id}, *out.postponement)
                                : write_conclusion(out, *options_.requests, metrics_);
        break;
      }
      case Reserved::Verdict::refused:
        done = refused(stored, verdict, call.reserve);
        break;
      case Reserved::Verdict::wait:
      case Reserved::Verdict::gone:
        break;
    }
    if (!done) {
      return done;
    }
  }
  return {};
}

/// No budget, not even at half the price.
Courier::Done Courier::refused(const StoredRequest& stored, const Reserved& verdict,
                               std::optional<pipeline::Money> cost) {
  pipeline::Postponement how;
  how.state = pipeline::RequestState::parked;
  how.due_ms = pipeline::next_month_ms(clock_());
  how.reason = pipeline::alert_text(*verdict.exceeded, cost.value_or(pipeline::Money{}));
  if (verdict.alert) {
    spdlog::error("{}", how.reason);
  }
  metrics_.requests_parked.fetch_add(1, std::memory_order_relaxed);
  return options_.requests->put_off({stored.id}, how);
}

pipeline::Conclusion Courier::conclude(const StoredRequest& stored, std::string_view hash, std::string_view model,
                                       std::int64_t started_ms, const pipeline::ModelReply& reply, bool cached) {
  const auto& tier = options_.models.of(stored.request.tier);
  const auto what = cached ? pipeline::ReplyClass::answered : pipeline::classify(reply);
  bool has_answered = true;
  if (what != pipeline::ReplyClass::answered) {
    // Asked only when it matters; if the store can't say, nothing dies.
    has_answered = options_.requests->has_answered(tier.endpoint, std::string{model}).value_or(false);
  }
  const auto prompt_id = pipeline::prompt_id(tier.voice.instructions, stored.request.tier);
  const auto bytes = pipeline::prompt_of(tier.voice.instructions, stored.request).bytes();
  auto out = pipeline::conclude({.stored = stored,
                                 .hash = hash,
                                 .endpoint = tier.endpoint,
                                 .model = model,
                                 .prompt_id = prompt_id,
                                 .started_ms = started_ms,
                                 .ended_ms = clock_(),
                                 .prompt_bytes = bytes,
                                 .price = tier.price ? &*tier.price : nullptr,
                                 .policies = options_.models.policies,
                                 .retry = options_.models.retry,
                                 .cached = cached,
                                 .in_batch_job = true,
                                 .endpoint_has_answered = has_answered,
                                 .timeout_ms = tier.timeout.count()},
                                reply, what);
  longer_.erase(stored.id);
  if (out.step.longer) {
    longer_.insert(stored.id);
  }
  return out;
}

}  // namespace alluvium::actors
