// SPDX-License-Identifier: Apache-2.0
// The door to the batch jobs in the store: which requests are in which of a provider's jobs, and how far each job is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/model_ports.hpp"

namespace alluvium::pipeline {

/// A job's life: submitting -> running -> ended | failed | canceled. Its requests leave it one by one, each with its
/// own result; a job is over when none is left in it.
enum class JobPhase : std::uint8_t {
  submitting,  ///< Being filled, or on its way: see `attempts` and `unsure`.
  running,     ///< The provider has it, also when it has ended there and its results are still to be fetched.
  ended,       ///< Every request in it has got its result or is queued again.
  failed,      ///< The provider would not take it; its requests went into the backlog.
  canceled,    ///< By a person; what was not answered is parked until resume.
};
[[nodiscard]] std::string_view name(JobPhase phase);
/// What a person has asked for, and whether the provider knows.
enum class CancelState : std::uint8_t { no, wanted, told };
[[nodiscard]] std::string_view name(CancelState state);

struct StoredJob {
  std::int64_t id = 0;
  std::string endpoint, model;
  std::string tag;          ///< "alluvium-" and 16 hex digits: ours, for the provider to keep.
  std::string provider_id;  ///< Empty until the provider has it.
  std::string rejected;     ///< Provider's jobs that looked like it and were not, separated by blanks.
  JobPhase phase = JobPhase::submitting;
  CancelState cancel = CancelState::no;
  bool unsure = false;    ///< The last attempt may have reached the provider: look before it is sent again.
  bool by_looks = false;  ///< Adopted without a tag to prove it: its results have to.
  std::int64_t requests = 0;
  std::int64_t attempts = 0;  ///< To submit it.
  std::int64_t due_ms = 0;    ///< When to look at it next.
  std::int64_t created_ms = 0, submitted_ms = 0, polled_ms = 0, ended_ms = 0;
  std::string detail;  ///< The provider's last word on it.
};

/// A request in a job.
struct JobEntry {
  StoredRequest stored;
  std::string custom_id, hash;
};

/// "r<request>-<16 digits of its hash>": [a-z0-9-]{1,64}, and tells a request from another store's with its number.
[[nodiscard]] std::string custom_id(std::int64_t request, std::string_view hash);

/// What becomes of requests that are put into a job.
struct JobFill {
  std::optional<StoredJob> job;    ///< As it is now; nothing if none was begun.
  std::vector<Reserved> verdicts;  ///< Of each: `send`: it is in the job. Others: as RequestStore::reserve() says.
};

/// Whether a provider's job is this one of ours.
enum class Adoption : std::uint8_t {
  taken,
  held,      ///< It is another one of ours.
  disputed,  ///< Another one of ours has taken it, without proof: only its results will tell.
};

struct JobCounts {
  std::int64_t open = 0;     ///< Jobs that are neither ended, failed nor canceled.
  std::int64_t waiting = 0;  ///< Requests for a job: queued, or in the backlog and due.
};

/// How long a job belongs to the process that works on it. Its provider's calls block, downloads for minutes.
inline constexpr std::chrono::milliseconds job_lease_time{600'000};

/// The jobs in the store. Every call is one transaction. One thread uses it. Answers are settled through RequestStore,
/// whose postpone() takes requests out of their job as well.
class JobStore {
 public:
  virtual ~JobStore() = default;
  /// Requests of this tier that can go into a job, oldest first; those that wait in the backlog last.
  [[nodiscard]] virtual Result<std::vector<StoredRequest>> due(Tier tier, std::size_t limit) = 0;
  /// Puts requests into `job`, or into a new one if it is 0, for as long as it has not been sent: money is set aside
  /// for each, at the price of `reservations`. What is answered already, what no budget pays and what another process
  /// has is left as it is. A request whose twin (the same hash) is under way waits for its answer: `wait`, and it is
  /// due again at `again_ms`.
  [[nodiscard]] virtual Result<JobFill> fill(std::int64_t job, const std::vector<Reservation>& reservations,
                                             std::int64_t again_ms) = 0;
  /// Open jobs at these endpoints that are ours to work on: nobody has them, or who had them is gone. They are ours
  /// then.
  [[nodiscard]] virtual Result<std::vector<StoredJob>> lease(const std::vector<std::string>& endpoints) = 0;
  /// Still ours? Then for another job_lease_time.
  [[nodiscard]] virtual Result<bool> renew(std::int64_t job) = 0;
  /// About to be sent: counted, and unsure from now on. `due_ms`: when whoever goes on after a crash looks for it.
  [[nodiscard]] virtual Result<void> attempt(std::int64_t job, std::int64_t due_ms) = 0;
  /// The provider would not, or it is not known whether it has it (`unsure`).
  [[nodiscard]] virtual Result<void> attempt_failed(std::int64_t job, bool unsure, std::int64_t due_ms,
                                                    const std::string& detail) = 0;
  /// The provider has it. What another job had taken by its looks goes to the one that has proof (not `by_looks`).
  [[nodiscard]] virtual Result<Adoption> submitted(std::int64_t job, const std::string& provider_id, bool by_looks,
                                                   std::int64_t due_ms) = 0;
  /// What was taken for it is another's: it is submitting again, and unsure.
  [[nodiscard]] virtual Result<void> disown(std::int64_t job) = 0;
  [[nodiscard]] virtual Result<void> polled(std::int64_t job, std::int64_t due_ms, const std::string& detail) = 0;
  /// The provider has been told to cancel it.
  [[nodiscard]] virtual Result<void> cancel_told(std::int64_t job) = 0;
  /// Requests that are in it, by id, those above `after`.
  [[nodiscard]] virtual Result<std::vector<JobEntry>> entries(std::int64_t job, std::int64_t after,
                                                              std::size_t limit) = 0;
  /// Nothing if it is not in the job (any more).
  [[nodiscard]] virtual Result<std::optional<JobEntry>> entry(std::int64_t job, const std::string& custom_id) = 0;
  /// Takes requests out without a result. `possibly_paid`: what was set aside for them counts as spent.
  [[nodiscard]] virtual Result<void> release(std::int64_t job, const std::vector<std::int64_t>& requests,
                                             const Postponement& how, bool possibly_paid) = 0;
  [[nodiscard]] virtual Result<void> finish(std::int64_t job, JobPhase phase, const std::string& detail) = 0;
  /// Gives all our leases back: the process ends.
  [[nodiscard]] virtual Result<void> release_leases() = 0;
  [[nodiscard]] virtual Result<JobCounts> counts(const std::vector<std::string>& endpoints,
                                                 const std::vector<Tier>& tiers) = 0;
};

/// Parked by a person's cancel: not due before `batch-jobs resume`. 9999-12-31.
inline constexpr std::int64_t until_resumed_ms = 253'370'764'800'000;

}  // namespace alluvium::pipeline
