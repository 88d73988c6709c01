// SPDX-License-Identifier: Apache-2.0
// A job's way to its provider, and the search for one whose submission may have been taken.
#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/courier.hpp"

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using pipeline::Adoption;
using pipeline::BatchApi;
using pipeline::CancelState;
using pipeline::JobPhase;
using pipeline::Postponement;
using pipeline::StoredJob;

constexpr std::size_t chunk = 64;               // Requests in memory at once, beside bodies.
constexpr std::int64_t clocks_apart_ms = 5000;  // Between the provider's clock and ours.
constexpr auto refusal_wait_max = 3'600'000ms;  // However long a Retry-After is.

bool is_rejected(const StoredJob& job, const std::string& provider_id) {
  return (" " + job.rejected + " ").find(" " + provider_id + " ") != std::string::npos;
}

/// True if it may be ours, as far as a listing tells.
bool looks_like(const StoredJob& job, const pipeline::JobStatus& theirs) {
  return theirs.tag.empty() && (theirs.requests == 0 || theirs.requests == job.requests) &&
         (theirs.created_ms == 0 || theirs.created_ms >= job.created_ms - clocks_apart_ms) &&
         !is_rejected(job, theirs.id);
}

}  // namespace

Courier::Done Courier::submit(StoredJob job, const std::vector<pipeline::JobRequest>& bodies) {
  if (auto noted = options_.jobs->attempt(job.id, after(options_.lost_delay)); !noted) {
    return noted;
  }
  ++job.attempts;
  const auto submission = api_of(job).submit(bodies, job.tag);
  if (!submission.job) {
    return not_taken(job, submission);
  }
  metrics_.model_calls.fetch_add(job.requests, std::memory_order_relaxed);
  spdlog::info("batch job {}: {} requests are at {} as {}", job.id, job.requests, job.endpoint, submission.job->id);
  auto& most = requests_max_[static_cast<std::size_t>(tier_at(job.endpoint))];
  most = std::min(options_.requests_max, most * 2);
  const auto taken = options_.jobs->submitted(job.id, submission.job->id, false, after(options_.poll_every));
  if (!taken) {
    return tl::unexpected{taken.error()};
  }
  return {};
}

std::chrono::milliseconds Courier::submit_delay(const StoredJob& job, const pipeline::ModelReply& reply) const {
  const auto tries = static_cast<std::size_t>(std::max<std::int64_t>(1, job.attempts));
  auto most = std::max(options_.models.retry.delay_max, options_.submit_delay);
  const auto delay =
      pipeline::retry_delay({.delay = options_.submit_delay, .delay_max = most, .jitter = false}, tries, job.tag);
  // A fifth less to a fifth more, so that workers which failed together do not come again together.
  const auto spread = pipeline::retry_delay({.delay = delay * 4 / 5, .delay_max = delay * 6 / 5}, tries, job.tag);
  const auto asked = std::max(reply.retry_after.value_or(0ms), reply.limit_reset.value_or(0ms));
  return std::max(spread, std::min<std::chrono::milliseconds>(asked, refusal_wait_max));
}

Courier::Done Courier::not_taken(const StoredJob& job, const BatchApi::Submission& submission) {
  const auto& reply = submission.reply;
  const auto why = pipeline::describe(reply);
  const auto what = pipeline::classify(reply);
  spdlog::warn("batch job {}: {} has {}taken its {} requests: {}", job.id, job.endpoint,
               submission.ambiguous ? "perhaps " : "not ", job.requests, why);
  if (submission.ambiguous) {
    return options_.jobs->attempt_failed(job.id, true, after(std::max(submit_delay(job, reply), options_.lost_delay)),
                                         why);
  }
  if (what == pipeline::ReplyClass::bisect && job.requests > 1) {
    // Something in it is at fault, or there is too much of it: smaller jobs find out.
    requests_max_[static_cast<std::size_t>(tier_at(job.endpoint))] =
        static_cast<std::size_t>(std::max<std::int64_t>(1, (job.requests + 1) / 2));
    const auto due_ms = after(submit_delay(job, reply));
    fill_at_ms_ = std::min(fill_at_ms_, due_ms);
    const auto again = [&](const pipeline::StoredRequest&) {
      Postponement how;
      how.due_ms = due_ms;
      how.reason = why;
      return how;
    };
    if (auto done = release_all(job, again, false); !done) {
      return done;
    }
    return options_.jobs->finish(job.id, JobPhase::failed, why);
  }
  const auto tries_max = static_cast<std::int64_t>(options_.models.retry.max) + 1;
  if (what == pipeline::ReplyClass::retry && job.attempts < tries_max) {
    return options_.jobs->attempt_failed(job.id, false, after(submit_delay(job, reply)), why);
  }
  return give_up(job, why, false);
}

/// A job that was not sent, or not taken, or of which nobody knows.
Courier::Done Courier::submit_again(const StoredJob& job) {
  if (job.unsure) {
    const auto found = search(api_of(job), job);
    if (!found) {
      return tl::unexpected{found.error()};
    }
    if (*found == Search::adopted) {
      return {};
    }
    if (*found == Search::later) {
      if (clock_() - job.created_ms > options_.silence_max.count()) {
        return give_up(job, "nobody knows whether its provider has it", true);
      }
      return options_.jobs->attempt_failed(job.id, true, after(submit_delay(job, {})), job.detail);
    }
  }
  if (job.cancel != CancelState::no) {
    return end_canceled(job);
  }
  if (job.attempts > static_cast<std::int64_t>(options_.models.retry.max)) {
    return give_up(job, job.detail, false);
  }
  const auto bodies = bodies_of(job);
  if (!bodies) {
    return tl::unexpected{bodies.error()};
  }
  if (*bodies && !(*bodies)->empty()) {
    return submit(job, **bodies);
  }
  const auto queued = [](const pipeline::StoredRequest&) { return Postponement{}; };
  if (auto done = release_all(job, queued, false); !done) {
    return done;
  }
  return options_.jobs->finish(job.id, JobPhase::failed, "the config changed before it was sent: its requests go anew");
}

pipeline::Result<std::optional<std::vector<pipeline::JobRequest>>> Courier::bodies_of(const StoredJob& job) {
  std::optional<std::vector<pipeline::JobRequest>> bodies{std::in_place};
  for (std::int64_t last = 0;;) {
    const auto entries = options_.jobs->entries(job.id, last, chunk);
    if (!entries) {
      return tl::unexpected{entries.error()};
    }
    if (entries->empty()) {
      return bodies;
    }
    for (const auto& [stored, custom_id, hash] : *entries) {
      const auto& tier = options_.models.of(stored.request.tier);
      const auto with = [&](bool longer) {
        return pipeline::prepare_call(*tier.model, tier.voice, stored.request, longer, nullptr, {}, true);
      };
      auto call = with(false);
      if (call.hash != hash) {
        call = with(true);
      }
      if (call.hash != hash) {
        bodies.reset();
        return bodies;
      }
      bodies->push_back({custom_id, std::move(call.body)});
      last = stored.id;
    }
  }
}

// After a submission whose reply was lost ----------------------------------------------------------

/// Looks for the job at its provider: by its tag, or where there are no tags by what can be seen of it.
pipeline::Result<Courier::Search> Courier::search(BatchApi& api, const StoredJob& job) {
  const auto listed = api.recent();
  if (!listed) {
    spdlog::warn("batch job {}: {} can't say whether it has it: {}", job.id, job.endpoint, listed.error().detail);
    return Search::later;
  }
  for (const auto& theirs : *listed) {
    if (!theirs.tag.empty() && theirs.tag == job.tag) {
      return adopt(job, theirs.id, false);
    }
  }
  // The oldest first: it is the likeliest to be the oldest of ours.
  bool open_question = false;
  for (auto theirs = listed->rbegin(); theirs != listed->rend(); ++theirs) {
    if (!looks_like(job, *theirs)) {
      continue;
    }
    const auto likeness = compare(api, job, theirs->id);
    if (!likeness) {
      return tl::unexpected{likeness.error()};
    }
    if (*likeness == Likeness::another) {
      continue;
    }
    const auto adopted = adopt(job, theirs->id, *likeness == Likeness::unknown);
    if (!adopted || *adopted == Search::adopted) {
      return adopted;
    }
    open_question = open_question || *adopted == Search::later;
  }
  return open_question ? Search::later : Search::absent;
}

pipeline::Result<Courier::Search> Courier::adopt(const StoredJob& job, const std::string& provider_id, bool by_looks) {
  const auto adoption = options_.jobs->submitted(job.id, provider_id, by_looks, clock_());
  if (!adoption) {
    return tl::unexpected{adoption.error()};
  }
  if (*adoption == Adoption::taken) {
    spdlog::info("batch job {}: {} had taken it as {}", job.id, job.endpoint, provider_id);
    return Search::adopted;
  }
  return *adoption == Adoption::disputed ? Search::later : Search::absent;
}

/// Whether what is left in our job is in theirs.
pipeline::Result<Courier::Likeness> Courier::compare(BatchApi& api, const StoredJob& job,
                                                     const std::string& provider_id) {
  auto theirs = api.custom_ids(provider_id);
  if (!theirs || theirs->empty()) {
    return Likeness::unknown;
  }
  std::sort(theirs->begin(), theirs->end());
  for (std::int64_t last = 0;;) {
    const auto entries = options_.jobs->entries(job.id, last, chunk);
    if (!entries) {
      return tl::unexpected{entries.error()};
    }
    if (entries->empty()) {
      return Likeness::proven;
    }
    for (const auto& entry : *entries) {
      if (!std::binary_search(theirs->begin(), theirs->end(), entry.custom_id)) {
        return Likeness::another;
      }
    }
    last = entries->back().stored.id;
  }
}

}  // namespace alluvium::actors
