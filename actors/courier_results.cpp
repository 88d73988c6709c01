// SPDX-License-Identifier: Apache-2.0
// How a job is doing at its provider, and its results' way back.
#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/concluding.hpp"
#include "actors/courier.hpp"

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using pipeline::CancelState;
using pipeline::JobEntry;
using pipeline::JobPhase;
using pipeline::JobState;
using pipeline::Postponement;
using pipeline::RequestState;
using pipeline::StoredJob;

constexpr std::size_t chunk = 64;             // Requests in memory at once.
constexpr auto failed_poll_delay = 60'000ms;  // After a poll that failed, unless jobs are polled more often.
constexpr auto cancel_poll_delay = 15'000ms;  // While the provider ends a canceled job.
constexpr std::int64_t results_per_renewal = 256;

}  // namespace

Courier::Done Courier::look_at(const StoredJob& job) {
  const bool cancel = job.cancel == CancelState::wanted;
  if (job.due_ms > clock_() && !cancel) {
    return {};
  }
  const auto ours = options_.jobs->renew(job.id);
  if (!ours) {
    return tl::unexpected{ours.error()};
  }
  if (!*ours) {
    return {};
  }
  return job.phase == JobPhase::submitting ? submit_again(job) : poll(job);
}

Courier::Done Courier::poll(const StoredJob& job) {
  auto& api = api_of(job);
  if (job.cancel == CancelState::wanted) {
    if (const auto told = api.cancel(job.provider_id); !told) {
      spdlog::warn("batch job {}: {} would not cancel it: {}", job.id, job.endpoint, told.error().detail);
    } else if (auto noted = options_.jobs->cancel_told(job.id); !noted) {
      return noted;
    }
  }
  const auto failed_delay = std::min<std::chrono::milliseconds>(options_.poll_every, failed_poll_delay);
  const auto status = api.status(job.provider_id);
  if (!status) {
    spdlog::warn("batch job {}: {} can't say how it is: {}", job.id, job.endpoint, status.error().detail);
    if (clock_() - job.submitted_ms > options_.silence_max.count()) {
      return give_up(job, "its provider has told nothing about it for too long: " + status.error().detail, true);
    }
    return options_.jobs->polled(job.id, after(failed_delay), status.error().detail);
  }
  switch (status->state) {
    case JobState::running: {
      const auto delay = job.cancel == CancelState::no
                             ? options_.poll_every
                             : std::min<std::chrono::milliseconds>(options_.poll_every, cancel_poll_delay);
      return options_.jobs->polled(job.id, after(delay), status->detail);
    }
    case JobState::failed:
      if (job.by_looks) {
        return options_.jobs->disown(job.id);
      }
      if (job.cancel != CancelState::no) {
        return end_canceled(job);
      }
      requests_max_[static_cast<std::size_t>(tier_at(job.endpoint))] =
          static_cast<std::size_t>(std::max<std::int64_t>(1, (job.requests + 1) / 2));
      return give_up(job, status->detail, false);
    case JobState::ended:
      break;
  }
  if (job.by_looks) {
    const auto likeness = compare(api, job, job.provider_id);
    if (!likeness) {
      return tl::unexpected{likeness.error()};
    }
    if (*likeness == Likeness::another) {
      spdlog::warn("batch job {}: {} was another's", job.id, job.provider_id);
      return options_.jobs->disown(job.id);
    }
  }
  if (auto noted = options_.jobs->polled(job.id, after(failed_delay), status->detail); !noted) {
    return noted;
  }
  return harvest(job);
}

Courier::Done Courier::harvest(const StoredJob& job) {
  Done stored;
  bool ours = true;
  std::int64_t seen = 0;
  const auto fetched = api_of(job).results(job.provider_id, [&](const pipeline::JobResult& result) {
    if (stop_.load()) {
      return false;
    }
    if (++seen % results_per_renewal == 0) {
      const auto renewed = options_.jobs->renew(job.id);
      ours = renewed && *renewed;
    }
    const auto entry = options_.jobs->entry(job.id, result.custom_id);
    if (!entry) {
      stored = tl::unexpected{entry.error()};
    } else if (*entry) {  // Else it was settled before a crash.
      stored = settle(job, **entry, result);
    }
    return ours && stored.has_value();
  });
  if (!stored || !ours || stop_.load()) {
    return stored;
  }
  if (!fetched) {
    spdlog::warn("batch job {}: {} has not given all its results: {}", job.id, job.endpoint, fetched.error().detail);
    if (clock_() - job.submitted_ms > options_.silence_max.count()) {
      return give_up(job, "its results can't be had: " + fetched.error().detail, true);
    }
    return {};
  }
  const auto missing = [&](const pipeline::StoredRequest& request) {
    return without_result(job, request, "the job ended without a result for it");
  };
  if (auto done = release_all(job, missing, false); !done) {
    return done;
  }
  spdlog::info("batch job {}: ended at {}, {} results", job.id, job.endpoint, seen);
  return options_.jobs->finish(job.id, job.cancel == CancelState::no ? JobPhase::ended : JobPhase::canceled, {});
}

Courier::Done Courier::settle(const StoredJob& job, const JobEntry& entry, const pipeline::JobResult& result) {
  const auto& stored = entry.stored;
  if (result.expired_or_canceled) {
    return options_.jobs->release(job.id, {stored.id}, without_result(job, stored, "expired or canceled in its job"),
                                  false);
  }
  auto out = conclude(stored, entry.hash, job.model, job.submitted_ms, result.reply, false);
  out.end.job = job.id;
  if (out.postponement && job.cancel != CancelState::no) {
    out.postponement->state = RequestState::parked;
    out.postponement->due_ms = pipeline::until_resumed_ms;
  }
  count_conclusion(out, std::nullopt, metrics_);
  return write_conclusion(out, *options_.requests, metrics_);
}

Courier::Done Courier::release_all(const StoredJob& job, const Fate& fate, bool possibly_paid) {
  for (;;) {
    const auto entries = options_.jobs->entries(job.id, 0, chunk);
    if (!entries) {
      return tl::unexpected{entries.error()};
    }
    if (entries->empty()) {
      return {};
    }
    for (const auto& entry : *entries) {
      if (auto done = options_.jobs->release(job.id, {entry.stored.id}, fate(entry.stored), possibly_paid); !done) {
        return done;
      }
    }
  }
}

Postponement Courier::into_backlog(const pipeline::StoredRequest& stored, std::string why) const {
  Postponement how;
  how.state = RequestState::degraded;
  how.new_round = true;
  how.due_ms = after(pipeline::backlog_delay(options_.models.retry, stored.rounds + 1, std::to_string(stored.id)));
  how.reason = std::move(why);
  return how;
}

/// It was not run, or nothing is known of it: again in another job, but not for ever.
Postponement Courier::without_result(const StoredJob& job, const pipeline::StoredRequest& stored,
                                     std::string why) const {
  if (job.cancel == CancelState::no && stored.attempts > options_.models.retry.max) {
    return into_backlog(stored, std::move(why));
  }
  Postponement how;
  if (job.cancel != CancelState::no) {
    how.state = RequestState::parked;
    how.due_ms = pipeline::until_resumed_ms;
  }
  how.reason = std::move(why);
  return how;
}

Courier::Done Courier::give_up(const StoredJob& job, const std::string& why, bool possibly_paid) {
  spdlog::error("batch job {}: {} requests go into the backlog: {}", job.id, job.requests, why);
  const auto later = [&](const pipeline::StoredRequest& stored) {
    metrics_.requests_degraded.fetch_add(1, std::memory_order_relaxed);
    return into_backlog(stored, why);
  };
  if (auto done = release_all(job, later, possibly_paid); !done) {
    return done;
  }
  return options_.jobs->finish(job.id, JobPhase::failed, why);
}

Courier::Done Courier::end_canceled(const StoredJob& job) {
  const auto parked = [&](const pipeline::StoredRequest& stored) {
    return without_result(job, stored, "its job was canceled");
  };
  if (auto done = release_all(job, parked, false); !done) {
    return done;
  }
  return options_.jobs->finish(job.id, JobPhase::canceled, {});
}

}  // namespace alluvium::actors
