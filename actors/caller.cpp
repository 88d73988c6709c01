// SPDX-License-Identifier: Apache-2.0
#include "actors/caller.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/concluding.hpp"
#include "pipeline/conclusion.hpp"
#include "pipeline/prompt.hpp"

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using pipeline::GateState;
using pipeline::Reserved;
using pipeline::StoredRequest;
using pipeline::Tier;
using Self = Caller::stateful_pointer<CallerState>;

constexpr std::size_t fetch_max = 32;  // Requests held here and not sent, of each tier.
constexpr auto store_delay_first = 100ms, store_delay_max = 5000ms;
constexpr auto count_every = 100ms;
constexpr auto money_delay = 1000ms;  // Before a request is looked at again whose budget is set aside for others.

/// The caller's decisions, with what they need at hand.
class Calls {
 public:
  Calls(Self self, CallerOptions options, pipeline::RequestStore* store, ModelLoad* load, Inbox* inbox,
        pipeline::Metrics* metrics, pipeline::WallClock clock)
      : self_{self},
        options_{std::move(options)},
        store_{store},
        load_{load},
        inbox_{inbox},
        metrics_{metrics},
        clock_{clock} {
    for (const auto& tier : options_.tiers) {
      if (tier.model != nullptr) {
        state().endpoints.try_emplace(tier.endpoint, tier.gate);
      }
    }
  }

  /// Everything there is to do now.
  void work() {
    if (!settle_waiting() || !look_after_leases()) {
      arm(state().store_delay);
      return;
    }
    std::chrono::milliseconds wait = options_.look_every;
    look_for_retries(wait);
    if (!load_->draining.load(std::memory_order_acquire)) {
      for (const auto tier : {Tier::small, Tier::premium}) {
        if (options_.of(tier).model != nullptr && !pump(tier, wait)) {
          arm(state().store_delay);
          return;
        }
      }
      count_open();
    }
    arm(std::max(wait, std::chrono::milliseconds{1}));
  }

  void tick() {
    if (now() + 1ms < state().tick_at) {
      return;  // One that was armed before an earlier one.
    }
    state().tick_due = false;
    work();
  }

  void ended(std::int64_t request, const pipeline::ModelReply& reply) {
    const auto found = state().flights.find(request);
    if (found == state().flights.end()) {
      return;
    }
    const auto flight = std::move(found->second);
    state().flights.erase(found);
    const auto& tier = options_.of(flight.stored.request.tier);
    const auto what = pipeline::classify(reply);
    using News = pipeline::EndpointHealth::News;
    if (const auto news = state().endpoints.at(tier.endpoint).ended(reply, what, now()); news == News::fails) {
      spdlog::error("endpoint {} fails: calls to it are held back", tier.endpoint);
    } else if (news == News::works_again) {
      spdlog::info("endpoint {} answers again", tier.endpoint);
    }
    conclude(flight, reply, what, false);
    work();
  }

 private:
  CallerState& state() {
    return self_->state;
  }
  pipeline::TimePoint now() {
    return self_->clock().now();
  }

  void arm(std::chrono::milliseconds delay) {
    const auto at = now() + delay;
    if (!state().tick_due || at + 1ms < state().tick_at) {
      state().tick_due = true;
      state().tick_at = at;
      self_->delayed_send(self_, delay, Tick::value);
    }
  }

  /// False, and a delay that doubles, if the store could not.
  template <class T>
  bool ok(const pipeline::Result<T>& result) {
    auto& delay = state().store_delay;
    if (result) {
      delay = 0ms;
      return true;
    }
    if (result.error().code != pipeline::Errc::unavailable) {
      inbox_->push(Fatal{result.error()});
    } else if (state().store_outage.failed(now())) {
      spdlog::warn("store: model requests have to wait: {}", result.error().detail);
    }
    delay = delay == 0ms ? store_delay_first : std::min<std::chrono::milliseconds>(delay * 2, store_delay_max);
    return false;
  }

  bool settle_waiting() {
    auto& waiting = state().unsettled;
    while (!waiting.empty()) {
      if (!ok(waiting.front().write())) {
        return false;
      }
      state().store_outage.over(now());  // Not at each success: a full disk can still be read.
      load_->in_flight.fetch_sub(waiting.front().in_flight ? 1 : 0, std::memory_order_acq_rel);
      waiting.pop_front();
    }
    return true;
  }

  /// Not at each reply: it reads the index of the open requests.
  void count_open() {
    if (now() < state().count_at) {
      return;
    }
    state().count_at = now() + count_every;
    if (const auto counts = store_->counts(); ok(counts)) {
      load_->open.store(counts->open_calls, std::memory_order_relaxed);
    }
  }

  bool look_after_leases() {
    auto& here = state();
    if (!here.recovered) {
      const auto taken = store_->recover();
      if (!ok(taken)) {
        return false;
      }
      for (const auto tier : {Tier::small, Tier::premium}) {
        if (!ok(store_->revive(tier))) {
          return false;
        }
      }
      here.recovered = true;
    }
    if (now() < here.renew_at) {
      return true;
    }
    here.renew_at = now() + pipeline::lease_time / 6;
    return ok(store_->renew_leases()) && ok(store_->recover_others()) && ok(store_->close_gathered());
  }

  /// Requests of this tier that may be sent, here in memory: false if there are none, or the store could not say.
  bool fetch(Tier which, bool& failed) {
    auto& waiting = state().waiting[static_cast<std::size_t>(which)];
    if (waiting.empty()) {
      auto due = store_->due(which, pipeline::CallMode::call, fetch_max);
      if (failed = !ok(due); failed) {
        return false;
      }
      waiting.assign(std::make_move_iterator(due->begin()), std::make_move_iterator(due->end()));
    }
    return !waiting.empty();
  }

  /// Sends what may be sent; `wait` becomes shorter if time alone will allow more. False if the store could not.
  bool pump(Tier which, std::chrono::milliseconds& wait) {
    const auto& tier = options_.of(which);
    auto& endpoint = state().endpoints.at(tier.endpoint);
    auto& waiting = state().waiting[static_cast<std::size_t>(which)];
    bool failed = false;
    if (endpoint.gate().is_broken(now())) {
      waiting.clear();  // The probe is to be the oldest request that is due, one that was tried before.
    }
    while (fetch(which, failed)) {
      if (endpoint.is_given_up(now(), options_.broken_patience)) {
        if (!put_off(waiting.front(), "the endpoint does not answer, or asks to be left alone")) {
          return false;
        }
        waiting.pop_front();
        continue;
      }
      if (endpoint.gate().state(now(), false) != GateState::open) {
        if (const auto at = endpoint.gate().next_look(now())) {
          wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(*at - now()));
        }
        return true;
      }
      if (std::ssize(state().flights) >= load_->in_flight_max.load(std::memory_order_relaxed)) {
        return true;  // Memory is short: the next reply brings us back here.
      }
      auto stored = std::move(waiting.front());
      waiting.pop_front();
      // One at a time, and back into the mailbox: a reply that waits there is not in the store yet.
      self_->send(self_, Flush::value);
      return start(tier, endpoint.gate(), std::move(stored));
    }
    return !failed;
  }

  /// What is due again comes before what was fetched meanwhile.
  void look_for_retries(std::chrono::milliseconds& wait) {
    auto& dues = state().dues;
    const auto now_ms = clock_();
    if (!dues.empty() && *dues.begin() <= now_ms) {
      dues.erase(dues.begin(), dues.upper_bound(now_ms));
      state().waiting = {};
    }
    if (!dues.empty()) {
      wait = std::min(wait, std::chrono::milliseconds{*dues.begin() - now_ms});
    }
  }

  /// False if the store could not.
  bool start(const TierCalls& tier, pipeline::EndpointGate& gate, StoredRequest stored) {
    if (state().flights.contains(stored.id)) {
      return true;  // Its lease ran out while the store was locked; its reply is still to come.
    }
    // What comes out of the backlog counts as a first call again, or a spent retry budget would keep it there.
    const bool extra = stored.attempts > 0 || (stored.rounds == 0 && (stored.asks > 0 || stored.halvings > 0));
    if (extra && gate.state(now(), true) == GateState::retries_spent) {
      return put_off(stored, "the endpoint's retry budget is spent");
    }
    const auto& model = *tier.model;
    const auto known = store_->calibration(model.model_name());
    if (!ok(known)) {
      return false;
    }
    auto call = pipeline::prepare_call(model, tier.voice, stored.request, state().longer.contains(stored.id),
                                       tier.price ? &*tier.price : nullptr, *known, false);
    const auto reserved = store_->reserve({stored.id, call.hash, tier.endpoint, model.model_name(), call.reserve});
    if (!ok(reserved)) {
      return false;
    }
    switch (reserved->verdict) {
      case Reserved::Verdict::gone:
        return true;
      case Reserved::Verdict::wait:
        return ok(store_->put_off({stored.id}, {.state = pipeline::RequestState::queued,
                                                .due_ms = clock_() + std::chrono::milliseconds{money_delay}.count(),
                                                .asked = false,
                                                .new_round = false,
                                                .mode = std::nullopt,
                                                .reason = "the budget is set aside for calls under way"}));
      case Reserved::Verdict::refused:
        return refused(tier, stored, *reserved, call.reserve);
      case Reserved::Verdict::cached:
      case Reserved::Verdict::send:
        break;
    }
    ++stored.attempts;
    const auto id = stored.id;
    Flight flight{std::move(stored), call.hash,    clock_(),
                  call.prompt_bytes, call.reserve, pipeline::Charge{load_->calls}};
    flight.charge.add(static_cast<std::int64_t>(call.body.size()));
    if (reserved->verdict == Reserved::Verdict::cached) {
      metrics_->answers_reused.fetch_add(1, std::memory_order_relaxed);
      conclude(flight, pipeline::reply_of(*reserved->answer), pipeline::ReplyClass::answered, true);
      return true;
    }
    gate.started(now(), extra);
    metrics_->model_calls.fetch_add(1, std::memory_order_relaxed);
    load_->in_flight.fetch_add(1, std::memory_order_acq_rel);
    state().flights.emplace(id, std::move(flight));
    // Not a strong handle: the system waits for a detached actor until the last of them is gone.
    tier.model->send(std::move(call.body), [to = caf::actor_cast<caf::weak_actor_ptr>(self_->address()),
                                            id](pipeline::ModelReply reply) {
      if (const auto caller = caf::actor_cast<Caller>(to)) {
        caf::anon_send(caller, Called{id, std::make_shared<const pipeline::ModelReply>(std::move(reply))});
      }
    });
    return true;
  }

  /// Into the backlog, without a call.
  bool put_off(const StoredRequest& stored, std::string why) {
    const auto delay = pipeline::backlog_delay(options_.retry, stored.rounds + 1, std::to_string(stored.id));
    metrics_->requests_degraded.fetch_add(1, std::memory_order_relaxed);
    return ok(store_->put_off({stored.id}, {.state = pipeline::RequestState::degraded,
                                            .due_ms = clock_() + delay.count(),
                                            .asked = false,
                                            .new_round = true,
                                            .mode = std::nullopt,
                                            .reason = std::move(why)}));
  }

  /// No budget: the provider's batch job at half the price, if it takes any and that fits; else until next month.
  bool refused(const TierCalls& tier, const StoredRequest& stored, const Reserved& verdict,
               std::optional<pipeline::Money> cost) {
    const auto text = pipeline::alert_text(*verdict.exceeded, cost.value_or(pipeline::Money{}));
    if (verdict.alert) {
      spdlog::error("{}", text);
    }
    pipeline::Postponement how;
    how.reason = text;
    const bool half_fits = cost && tier.price && tier.price->batch_input &&
                           pipeline::fits({*verdict.exceeded}, pipeline::Money{cost->pico / 2});
    if (tier.batch_jobs && half_fits) {
      how.mode = pipeline::CallMode::batch;
    } else {
      how.state = pipeline::RequestState::parked;
      how.due_ms = pipeline::next_month_ms(clock_());
      metrics_->requests_parked.fetch_add(1, std::memory_order_relaxed);
    }
    return ok(store_->put_off({stored.id}, how));
  }

  // What comes back ------------------------------------------------------------------------------

  void conclude(const Flight& flight, const pipeline::ModelReply& reply, pipeline::ReplyClass what, bool cached) {
    const auto& tier = options_.of(flight.stored.request.tier);
    bool has_answered = true;
    if (what != pipeline::ReplyClass::answered) {
      // Asked only when it matters; if the store can't say, nothing dies.
      has_answered = store_->has_answered(tier.endpoint, tier.model->model_name()).value_or(false);
    }
    const auto prompt_id = pipeline::prompt_id(tier.voice.instructions, flight.stored.request.tier);
    auto out = std::make_shared<pipeline::Conclusion>(pipeline::conclude({.stored = flight.stored,
                                                                          .hash = flight.hash,
                                                                          .endpoint = tier.endpoint,
                                                                          .model = tier.model->model_name(),
                                                                          .prompt_id = prompt_id,
                                                                          .started_ms = flight.started_ms,
                                                                          .ended_ms = clock_(),
                                                                          .prompt_bytes = flight.prompt_bytes,
                                                                          .reserved = flight.reserved,
                                                                          .price = tier.price ? &*tier.price : nullptr,
                                                                          .policies = options_.policies,
                                                                          .retry = options_.retry,
                                                                          .cached = cached,
                                                                          .in_batch_job = false,
                                                                          .endpoint_has_answered = has_answered,
                                                                          .timeout_ms = tier.timeout.count()},
                                                                         reply, what));
    const auto id = flight.stored.id;
    state().longer.erase(id);
    if (out->step.longer) {
      state().longer.insert(id);
    }
    if (const auto due_ms = out->postponement ? out->postponement->due_ms : out->settlement->follow_ups_due_ms;
        due_ms > clock_() && state().dues.size() < static_cast<std::size_t>(load_->open_max)) {
      state().dues.insert(due_ms);
    }
    count_conclusion(*out, flight.reserved, *metrics_);
    state().unsettled.push_back({[this, out] { return write_conclusion(*out, *store_, *metrics_); }, !cached});
    // At once: an answer that is not in the store would be paid for again after a crash.
    settle_waiting();
  }

  Self self_;
  CallerOptions options_;
  pipeline::RequestStore* store_;
  ModelLoad* load_;
  Inbox* inbox_;
  pipeline::Metrics* metrics_;
  pipeline::WallClock clock_;
};

}  // namespace

CallerState::~CallerState() {
  if (load != nullptr) {
    const auto replies = std::ranges::count(unsettled, true, &Unsettled::in_flight);
    load->in_flight.fetch_sub(static_cast<std::int64_t>(flights.size()) + replies, std::memory_order_acq_rel);
  }
}

Caller::behavior_type caller(Self self, CallerOptions options, pipeline::RequestStore* store, ModelLoad* load,
                             Inbox* inbox, pipeline::Metrics* metrics, pipeline::WallClock clock) {
  self->state.load = load;
  const auto calls = std::make_shared<Calls>(self, std::move(options), store, load, inbox, metrics, clock);
  self->delayed_send(self, std::chrono::milliseconds{1}, Tick::value);
  return {
      [calls](const Called& called) { calls->ended(called.request, *called.reply); },
      [calls](Flush) { calls->work(); },
      [calls](Tick) { calls->tick(); },
  };
}

}  // namespace alluvium::actors
