// SPDX-License-Identifier: Apache-2.0
// The doors to model providers and to the requests in the store: what each promises to the engine.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/adjudication.hpp"
#include "pipeline/answer.hpp"
#include "pipeline/budget.hpp"
#include "pipeline/model_reply.hpp"
#include "pipeline/model_request.hpp"
#include "pipeline/money.hpp"
#include "pipeline/ports.hpp"
#include "pipeline/tier.hpp"
#include "pipeline/token_estimate.hpp"

namespace alluvium::pipeline {

/// What a model is asked, before it takes the form of a provider's API.
struct ModelPrompt {
  std::string_view instructions;  ///< Fixed for a tier: goes first.
  std::string_view messages;      ///< messages_text(), or pairs_text()
  std::string_view schema;        ///< answer_schema(), or adjudication_schema()
  std::int64_t max_tokens = 300;
  double temperature = 0.3;
};

/// One endpoint with one model behind it. All calls from any thread.
class Model {
 public:
  virtual ~Model() = default;
  [[nodiscard]] virtual const std::string& model_name() const = 0;
  [[nodiscard]] virtual const std::string& url() const = 0;  ///< Where bodies are sent to; no secret in it.
  /// The body of the call, byte for byte: the same prompt gives the same body.
  [[nodiscard]] virtual std::string body(const ModelPrompt& prompt) const = 0;
  /// Sends it. `done` is called exactly once, on another thread, within the total time-out, also after a failure.
  /// Nothing is retried in here, and nothing sent twice (but a pooled connection that the server closed before it took
  /// the first byte may be replaced by a fresh one).
  virtual void send(std::string body, std::function<void(ModelReply)> done) = 0;
};

// Provider batch jobs --------------------------------------------------------------------------

/// A request inside a provider's job. custom_id: [a-z0-9-]{1,64}.
struct JobRequest {
  std::string custom_id;
  std::string body;  ///< Model::body()
};
enum class JobState : std::uint8_t { running, ended, failed };
struct JobStatus {
  std::string id;  ///< The provider's.
  JobState state = JobState::running;
  std::string detail;           ///< The provider's word for it, and its errors.
  std::int64_t requests = 0;    ///< As the provider counts them; 0 if it does not say.
  std::string tag;              ///< What submit() was given, where the provider keeps it; else empty.
  std::int64_t created_ms = 0;  ///< UTC; 0 if it does not say.
};
/// One line of a job's results: an answer, or an error of this request alone (then it is sent again, except bisect).
struct JobResult {
  std::string custom_id;
  bool expired_or_canceled = false;  ///< Never run, not billed: simply sent again.
  ModelReply reply;                  ///< As if it had been called; `answered` with its status.
};

/// A provider's batch API. Calls block, each at most the endpoint's total time-out (downloads: ten times that).
class BatchApi {
 public:
  virtual ~BatchApi() = default;
  [[nodiscard]] virtual std::size_t requests_max() const = 0;  ///< 50,000 (OpenAI), 100,000 (Anthropic)
  [[nodiscard]] virtual std::size_t bytes_max() const = 0;     ///< 200 MB, 256 MB
  /// Gives the job to the provider. `lost` in `ambiguous`: it may have been taken: look with recent() before it is
  /// given again. `tag` identifies our job (metadata where the provider has any).
  struct Submission {
    std::optional<JobStatus> job;  ///< Set: taken.
    bool ambiguous = false;
    ModelReply reply;  ///< Of the failed call, else empty.
  };
  [[nodiscard]] virtual Submission submit(const std::vector<JobRequest>& requests, const std::string& tag) = 0;
  [[nodiscard]] virtual Result<JobStatus> status(const std::string& job_id) = 0;
  /// Jobs of the last days, newest first, at most 100: to adopt one whose submission was ambiguous.
  [[nodiscard]] virtual Result<std::vector<JobStatus>> recent() = 0;
  /// Custom ids of a job's requests, as far as the provider tells (Anthropic: only once it has ended): for adoption
  /// where there is no tag. Empty if it can't tell yet.
  [[nodiscard]] virtual Result<std::vector<std::string>> custom_ids(const std::string& job_id) = 0;
  /// Every result, in any order, also of a job that expired half-way. Stops early if `each` returns false.
  [[nodiscard]] virtual Result<void> results(const std::string& job_id, const std::function<bool(JobResult)>& each) = 0;
  [[nodiscard]] virtual Result<void> cancel(const std::string& job_id) = 0;
};

// Requests in the store ------------------------------------------------------------------------

/// A request's life, selected by value: gathering -> queued, else it begins as queued. Then: queued -> sent ->
/// (answered: gone, its batch has the outcome) | queued again | degraded | parked. In a provider's job: queued ->
/// submitted -> as above.
enum class RequestState : std::uint8_t {
  gathering,  ///< Grows with its agent's batches; until `due_ms`.
  queued,     ///< To be sent when it is due.
  sent,       ///< Under way, by the engine that holds its lease.
  submitted,  ///< In a provider's batch job.
  degraded,   ///< Its endpoint did not answer after all tries: tried again later; the stream goes on without it.
  parked,     ///< No budget: tried again next month, or when there is more.
};
[[nodiscard]] std::string_view name(RequestState state);

/// One request as the store keeps it.
struct StoredRequest {
  std::int64_t id = 0;
  std::string agent_id, org_id;
  ModelRequest request;
  CallMode mode = CallMode::call;
  RequestState state = RequestState::queued;
  std::size_t attempts = 0;  ///< Sends so far, in this round.
  std::size_t rounds = 0;    ///< Times it went into the backlog.
  std::size_t asks = 0;      ///< Replies that were no answer: the next one leads to bisection.
  std::size_t halvings = 0;  ///< 0: the request as it was made. Else its part of one that was divided.
  std::int64_t due_ms = 0;   ///< UTC: not before.
};

/// An endpoint's answer that was paid for, kept by request hash.
struct PaidAnswer {
  std::string hash, model, text, finish;
  TokenUsage usage;
  std::optional<Money> cost;  ///< Absent: the price is unknown.
};

/// What is done before a request is sent: it is leased, and the money set aside.
struct Reservation {
  std::int64_t request = 0;
  std::string hash, endpoint, model;
  std::optional<Money> cost;  ///< The most it may cost; absent: unknown price, which no budget can hold.
};
struct Reserved {
  enum class Verdict : std::uint8_t {
    send,     ///< Leased to us, money set aside, counted as sent.
    cached,   ///< The answer is there already: `answer`. Nothing was set aside.
    wait,     ///< A budget is set aside for calls under way; what they leave of it may do. Nothing was changed.
    refused,  ///< A budget is used up: `exceeded`. Nothing was changed.
    gone,     ///< Not ours to send: done, or another engine has it.
  };
  Verdict verdict = Verdict::gone;
  std::optional<PaidAnswer> answer;
  std::optional<Account> exceeded;
  bool alert = false;  ///< The first refusal by this account since the month or its limit began: tell people.
};

/// A call's end, recorded with what follows from it, in one transaction.
struct CallEnd {
  std::int64_t request = 0;
  std::string hash, endpoint, model;
  std::int64_t started_ms = 0, ended_ms = 0;
  TokenUsage usage;
  std::optional<Money> cost;         ///< What it cost, if it was paid for and the price is known.
  bool possibly_paid = false;        ///< The reply was lost: what was set aside stays, as spent.
  bool from_cache = false;           ///< No call was made.
  std::int64_t prompt_bytes = 0;     ///< Of the prompt, for the calibration; 0: learn nothing.
  std::optional<PaidAnswer> answer;  ///< To be kept by hash.
  std::string error;                 ///< describe(), if it failed.
  // Of the request, for when it is gone: someone else has settled it.
  std::string agent_id{}, org_id{};
  Tier tier = Tier::small;
  std::int64_t messages = 0;
  Money reserved{};      ///< What we had set aside for it.
  std::int64_t job = 0;  ///< It was a request in this batch job; 0: a call.
};
/// What becomes of the request's messages: for an answer.
struct Settlement {
  Answer answer;
  std::string model;
  std::vector<std::uint32_t> dead;  ///< Indexes into the request: dead letters, with `dead_detail`.
  std::string dead_detail;
  std::vector<ModelRequest> follow_ups;  ///< For the premium tier, or halves; their messages stay pending.
  bool halves = false;                   ///< follow_ups are parts of it: attempts and asks start anew, halvings + 1.
  std::int64_t follow_ups_due_ms = 0;    ///< UTC: not before.
  std::vector<Verdict> verdicts = {};    ///< Of a request about pairs: one each; none: nobody could say.
};
/// What becomes of a request that was not answered.
struct Postponement {
  RequestState state = RequestState::queued;  ///< queued, degraded or parked.
  std::int64_t due_ms = 0;
  bool asked = false;                 ///< Counts one of `asks`.
  bool new_round = false;             ///< attempts = 0, rounds + 1.
  std::optional<CallMode> mode = {};  ///< Sent in another way from now on.
  std::string reason;
};

/// Requests by state, for --until-end, for displays and for the bound on the backlog.
struct RequestCounts {
  std::int64_t gathering = 0, queued = 0, sent = 0, submitted = 0, degraded = 0, parked = 0;
  std::int64_t open_calls = 0;  ///< Queued or sent in mode call, of tiers that are on.
};

/// What settling a request did.
struct Settled {
  std::int64_t memories = 0, duplicates = 0;
  OutcomeCounts moved;  ///< How much each outcome's count changes.
  bool gone = false;    ///< Someone else had settled it: only the call was recorded.
};

/// The model requests in the store: made there by Store::commit(), worked off through this door, by one engine or
/// several and the batch worker. Every call is one transaction. One thread uses it.
class RequestStore {
 public:
  virtual ~RequestStore() = default;
  /// Takes back what this process, and processes that are no more, had under way: it is queued again, and what was
  /// set aside for it counts as possibly paid. Returns how many.
  [[nodiscard]] virtual Result<std::int64_t> recover() = 0;
  /// The same for others than this process: call it now and then.
  [[nodiscard]] virtual Result<std::int64_t> recover_others() = 0;
  /// Queues what was gathered for long enough. Returns how many requests that makes.
  [[nodiscard]] virtual Result<std::int64_t> close_gathered() = 0;
  /// Makes what waits in the backlog as degraded due at once.
  [[nodiscard]] virtual Result<void> revive(Tier tier) = 0;
  /// Requests that can be sent now, of one tier: fairly, the first of each agent, then the second...; those that wait
  /// in the backlog last.
  [[nodiscard]] virtual Result<std::vector<StoredRequest>> due(Tier tier, CallMode mode, std::size_t limit) = 0;
  /// Leases it and sets money aside.
  [[nodiscard]] virtual Result<Reserved> reserve(const Reservation& reservation) = 0;
  /// Answered, divided or dead: memories, outcomes, usage, and the request is gone.
  [[nodiscard]] virtual Result<Settled> settle(const CallEnd& end, const Settlement& settlement) = 0;
  /// Not answered: it waits.
  [[nodiscard]] virtual Result<void> postpone(const CallEnd& end, const Postponement& postponement) = 0;
  /// Not even sent: waits without a call (no budget, a broken endpoint).
  [[nodiscard]] virtual Result<void> put_off(const std::vector<std::int64_t>& requests,
                                             const Postponement& postponement) = 0;
  /// Keeps our leases alive; call every third of lease_time.
  [[nodiscard]] virtual Result<void> renew_leases() = 0;
  [[nodiscard]] virtual Result<RequestCounts> counts() = 0;
  [[nodiscard]] virtual Result<TokenCalibration> calibration(const std::string& model) = 0;
  /// Whether this endpoint has ever answered with this model: only then can one message be the one at fault.
  [[nodiscard]] virtual Result<bool> has_answered(const std::string& endpoint, const std::string& model) = 0;
};
inline constexpr std::chrono::milliseconds lease_time{30'000};

}  // namespace alluvium::pipeline
