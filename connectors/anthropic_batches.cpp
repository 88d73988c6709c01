// SPDX-License-Identifier: Apache-2.0
// Anthropic's message batches: the requests are the body of one call, the results one download.
#include <algorithm>
#include <array>

#include "connectors/model_jobs.hpp"
#include "connectors/model_wire.hpp"
#include "pipeline/json_text.hpp"
#include "pipeline/timestamp.hpp"

namespace alluvium::connectors {

using pipeline::BatchApi;
using pipeline::Errc;
using pipeline::fail;
using pipeline::JobRequest;
using pipeline::JobResult;
using pipeline::JobState;
using pipeline::JobStatus;
using pipeline::JsonText;
using pipeline::Result;
using simdjson::dom::element;

namespace {

struct Job {
  JobStatus status;
  std::string results_url;
};

std::optional<Job> read_job(element root) {
  Job job;
  const auto word = text_at(root, "processing_status");
  job.status.id = text_at(root, "id");
  if (word.empty() || !is_id(job.status.id)) {
    return std::nullopt;
  }
  job.status.state = word == "ended" ? JobState::ended : JobState::running;  // in_progress, canceling
  job.status.detail = clipped(word, api_word_bytes_max);
  if (const auto counts = object_at(root, "request_counts")) {
    for (const auto* what : {"processing", "succeeded", "errored", "canceled", "expired"}) {
      const auto count = count_at(*counts, what).value_or(0);
      job.status.requests += count;
      if (count > 0) {
        job.status.detail += ", " + std::to_string(count) + " " + what;
      }
    }
  }
  job.status.created_ms = pipeline::parse_timestamp(text_at(root, "created_at")).value_or(0);
  job.results_url = text_at(root, "results_url");
  return job;
}

std::string requests_body(const std::vector<JobRequest>& requests) {
  std::size_t bytes = 64;
  for (const auto& request : requests) {
    bytes += request.body.size() + 128;
  }
  std::string body;
  body.reserve(bytes);
  body = R"({"requests":[)";
  for (const auto& request : requests) {
    body += body.ends_with('[') ? "" : ",";
    body += JsonText{}.object().field("custom_id", request.custom_id).text();
    body += R"(,"params":)" + request.body + "}";
  }
  return body + "]}";
}

/// The status that a call would have had with this error.
int status_of(std::string_view error_type) {
  struct Pair {
    std::string_view type;
    int status;
  };
  constexpr std::array known{
      Pair{"invalid_request_error", 400}, Pair{"authentication_error", 401}, Pair{"billing_error", 402},
      Pair{"permission_error", 403},      Pair{"not_found_error", 404},      Pair{"conflict_error", 409},
      Pair{"request_too_large", 413},     Pair{"rate_limit_error", 429},     Pair{"api_error", 500},
      Pair{"timeout_error", 504},         Pair{"overloaded_error", 529},
  };
  const auto* const found = std::ranges::find(known, error_type, &Pair::type);
  return found == known.end() ? 500 : found->status;
}

JobResult read_result(const std::string& custom_id, element line, std::int64_t now_ms) {
  JobResult result;
  result.custom_id = custom_id;
  auto& reply = result.reply;
  const auto inner = object_at(line, "result");
  const auto type = inner ? text_at(*inner, "type") : std::string_view{};
  if (type == "succeeded") {
    reply.status = 200;
    if (const auto message = object_at(*inner, "message")) {
      read_anthropic_answer(*message, reply);
    }
    return result;
  }
  result.expired_or_canceled = type == "expired" || type == "canceled";
  if (const auto error = inner ? object_at(*inner, "error") : std::nullopt) {
    read_error(*error, reply, now_ms);
    reply.request_id = clipped(text_at(*error, "request_id"), api_word_bytes_max);
  }
  reply.status = status_of(reply.error_type);
  return result;
}

class AnthropicBatches : public BatchApi {
 public:
  explicit AnthropicBatches(JobCalls calls) : calls_{std::move(calls)} {}

  [[nodiscard]] std::size_t requests_max() const override {
    return 100'000;
  }
  [[nodiscard]] std::size_t bytes_max() const override {
    return 256'000'000;
  }
  [[nodiscard]] Submission submit(const std::vector<JobRequest>& requests, const std::string& tag) override;
  [[nodiscard]] Result<JobStatus> status(const std::string& job_id) override {
    return look(job_id).map([](const Job& job) { return job.status; });
  }
  [[nodiscard]] Result<std::vector<JobStatus>> recent() override;
  [[nodiscard]] Result<std::vector<std::string>> custom_ids(const std::string& job_id) override;
  [[nodiscard]] Result<void> results(const std::string& job_id, const std::function<bool(JobResult)>& each) override;
  [[nodiscard]] Result<void> cancel(const std::string& job_id) override;

 private:
  [[nodiscard]] Result<Job> look(const std::string& job_id);
  [[nodiscard]] Result<std::string> lines_of(const Job& job);
  [[nodiscard]] std::string results_target(const Job& job) const;

  JobCalls calls_;
};

/// There is nowhere to keep a tag: an ambiguous submission is known by its custom ids, once the job has ended.
BatchApi::Submission AnthropicBatches::submit(const std::vector<JobRequest>& requests, const std::string&) {
  if (auto too_much = refused(requests, *this)) {
    return *std::move(too_much);
  }
  const auto created = calls_.post("/messages/batches", "application/json", requests_body(requests), true);
  const auto job = parsed<Job>(created, read_job);
  if (!job) {
    return not_taken(created, may_have_been_taken(created), calls_.now());
  }
  return {.job = job->status, .ambiguous = false, .reply = {}};
}

Result<Job> AnthropicBatches::look(const std::string& job_id) {
  if (!is_id(job_id)) {
    return fail(Errc::malformed_input, "\"" + clipped(job_id, api_word_bytes_max) + "\" is no job's id");
  }
  const auto reply = calls_.get("/messages/batches/" + job_id);
  auto job = parsed<Job>(reply, read_job);
  if (!job) {
    return tl::unexpected{failure("batch job " + job_id, reply, calls_.now())};
  }
  return *std::move(job);
}

Result<std::vector<JobStatus>> AnthropicBatches::recent() {
  const auto reply = calls_.get("/messages/batches?limit=" + std::to_string(jobs_listed_max));
  auto jobs = read_list(reply, [](element item) {
    auto job = read_job(item);
    return job ? std::optional{std::move(job->status)} : std::nullopt;
  });
  if (!jobs) {
    return tl::unexpected{failure("listing batch jobs", reply, calls_.now())};
  }
  return *std::move(jobs);
}

/// Only a URL of the same server is called with the key.
std::string AnthropicBatches::results_target(const Job& job) const {
  const auto own = "/messages/batches/" + job.status.id + "/results";
  const auto said = parse_url(job.results_url);
  const auto& base = calls_.url();
  const auto prefix = base.path + calls_.prefix() + "/";
  if (!said || said->tls != base.tls || said->host != base.host || said->port != base.port ||
      !said->path.starts_with(prefix) || said->path.find("..") != std::string::npos) {
    return own;
  }
  return said->path.substr(prefix.size() - 1);
}

Result<std::string> AnthropicBatches::lines_of(const Job& job) {
  auto reply = calls_.download(results_target(job));
  if (!succeeded(reply)) {
    return tl::unexpected{failure("results of batch job " + job.status.id, reply, calls_.now())};
  }
  return std::move(reply.body);
}

Result<std::vector<std::string>> AnthropicBatches::custom_ids(const std::string& job_id) {
  const auto job = look(job_id);
  if (!job) {
    return tl::unexpected{job.error()};
  }
  if (job->status.state != JobState::ended) {
    return std::vector<std::string>{};
  }
  return lines_of(*job).map([](const std::string& lines) { return custom_ids_of(lines); });
}

Result<void> AnthropicBatches::results(const std::string& job_id, const std::function<bool(JobResult)>& each) {
  const auto lines = look(job_id).and_then([this](const Job& job) { return lines_of(job); });
  if (!lines) {
    return tl::unexpected{lines.error()};
  }
  report_unreadable(job_id, for_each_line(*lines, [&](const std::string& custom_id, element line) {
                      return each(read_result(custom_id, line, calls_.now()));
                    }));
  return {};
}

Result<void> AnthropicBatches::cancel(const std::string& job_id) {
  if (!is_id(job_id)) {
    return fail(Errc::malformed_input, "\"" + clipped(job_id, api_word_bytes_max) + "\" is no job's id");
  }
  const auto reply = calls_.post("/messages/batches/" + job_id + "/cancel", "", "");
  if (!succeeded(reply)) {
    return tl::unexpected{failure("cancelling batch job " + job_id, reply, calls_.now())};
  }
  return {};
}

}  // namespace

std::unique_ptr<BatchApi> make_anthropic_batches(JobCalls calls) {
  return std::make_unique<AnthropicBatches>(std::move(calls));
}

}  // namespace alluvium::connectors
