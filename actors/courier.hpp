// SPDX-License-Identifier: Apache-2.0
// Sees to batch jobs: puts requests into them, hands them to their provider, asks how they are, settles what comes
// back.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "actors/courier_options.hpp"
#include "pipeline/conclusion.hpp"
#include "pipeline/metrics.hpp"

namespace alluvium::actors {

/// Everything it must remember is in the store, so that another one can go on wherever it was ended: a request is
/// written into its job before the job is sent, and leaves it in the transaction that writes its result. A job that may
/// have reached its provider is looked for there before it is sent again. One thread uses it, which it blocks.
class Courier {
 public:
  /// What the options point to, `metrics` and `stop` outlive it. When `stop` becomes true, step() comes to an end after
  /// what it is doing.
  Courier(CourierOptions options, pipeline::Metrics& metrics, pipeline::WallClock clock, const std::atomic<bool>& stop);

  /// Everything there is to do now. Says when to come back, UTC in ms. An error is the store's; the providers' are
  /// dealt with.
  [[nodiscard]] pipeline::Result<std::int64_t> step();
  /// No request waits for a job and no job is open.
  [[nodiscard]] pipeline::Result<bool> is_idle();
  /// Others may go on with the jobs at once.
  [[nodiscard]] pipeline::Result<void> release_leases();

 private:
  using Done = pipeline::Result<void>;
  struct Prepared {
    std::vector<pipeline::StoredRequest> requests;
    std::vector<pipeline::PreparedCall> calls;
    bool full = false;  ///< More would not have gone into the job.
  };
  /// A job while it is filled.
  struct Load {
    pipeline::StoredJob job;  ///< id 0: not begun.
    std::vector<pipeline::JobRequest> bodies;
    std::size_t bytes = 0;
    bool full = false;
  };

  [[nodiscard]] pipeline::Tier tier_at(std::string_view endpoint) const;
  [[nodiscard]] pipeline::BatchApi& api_of(const pipeline::StoredJob& job) const {
    return *options_.api_of(tier_at(job.endpoint));
  }
  [[nodiscard]] std::chrono::milliseconds submit_delay(const pipeline::StoredJob& job,
                                                       const pipeline::ModelReply& reply) const;
  [[nodiscard]] std::size_t room(pipeline::Tier tier) const;
  [[nodiscard]] std::int64_t after(std::chrono::milliseconds delay) const {
    return clock_() + delay.count();
  }

  // Into a job.
  Done submit_new(pipeline::Tier tier);
  Done fill(pipeline::Tier tier, Load& load, bool& more);
  pipeline::Result<Prepared> prepare(pipeline::Tier tier, std::vector<pipeline::StoredRequest> due, const Load& load);
  Done take(pipeline::Tier tier, Load& load, Prepared& prepared);
  Done refused(const pipeline::StoredRequest& stored, const pipeline::Reserved& verdict,
               std::optional<pipeline::Money> cost);

  // To the provider.
  Done submit(pipeline::StoredJob job, const std::vector<pipeline::JobRequest>& bodies);
  Done submit_again(const pipeline::StoredJob& job);
  Done not_taken(const pipeline::StoredJob& job, const pipeline::BatchApi::Submission& submission);
  enum class Search : std::uint8_t { adopted, absent, later };
  pipeline::Result<Search> search(pipeline::BatchApi& api, const pipeline::StoredJob& job);
  pipeline::Result<Search> adopt(const pipeline::StoredJob& job, const std::string& provider_id, bool by_looks);
  enum class Likeness : std::uint8_t { unknown, proven, another };
  pipeline::Result<Likeness> compare(pipeline::BatchApi& api, const pipeline::StoredJob& job,
                                     const std::string& provider_id);
  /// The bodies as they were when the job was made; nothing if the config makes others of its requests by now.
  pipeline::Result<std::optional<std::vector<pipeline::JobRequest>>> bodies_of(const pipeline::StoredJob& job);

  // And back.
  Done look_at(const pipeline::StoredJob& job);
  Done poll(const pipeline::StoredJob& job);
  Done harvest(const pipeline::StoredJob& job);
  Done settle(const pipeline::StoredJob& job, const pipeline::JobEntry& entry, const pipeline::JobResult& result);
  pipeline::Conclusion conclude(const pipeline::StoredRequest& stored, std::string_view hash, std::string_view model,
                                std::int64_t started_ms, const pipeline::ModelReply& reply, bool cached);
  /// Takes every request out of the job.
  using Fate = std::function<pipeline::Postponement(const pipeline::StoredRequest&)>;
  Done release_all(const pipeline::StoredJob& job, const Fate& fate, bool possibly_paid);
  Done give_up(const pipeline::StoredJob& job, const std::string& why, bool possibly_paid);
  Done end_canceled(const pipeline::StoredJob& job);
  [[nodiscard]] pipeline::Postponement without_result(const pipeline::StoredJob& job,
                                                      const pipeline::StoredRequest& stored, std::string why) const;
  [[nodiscard]] pipeline::Postponement into_backlog(const pipeline::StoredRequest& stored, std::string why) const;

  CourierOptions options_;
  pipeline::Metrics& metrics_;
  pipeline::WallClock clock_;
  std::vector<pipeline::Tier> tiers_;                             ///< With jobs.
  std::vector<std::string> endpoints_;                            ///< Theirs.
  std::array<std::size_t, pipeline::tier_count> requests_max_{};  ///< Smaller after a job that was refused as a whole.
  std::set<std::int64_t> longer_;  ///< Requests to be asked with a larger token limit; gone with the process.
  std::int64_t fill_at_ms_ = 0;
  const std::atomic<bool>& stop_;
};

}  // namespace alluvium::actors
