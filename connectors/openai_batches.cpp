// SPDX-License-Identifier: Apache-2.0
// OpenAI's batch jobs: the requests are a file that is uploaded, the results one or two that are downloaded.
#include <algorithm>
#include <array>

#include "connectors/model_jobs.hpp"
#include "connectors/model_wire.hpp"
#include "pipeline/json_text.hpp"

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

constexpr std::string_view chat_target = "/v1/chat/completions";  // As the API names it, whatever its base URL.
constexpr std::string_view tag_name = "alluvium_job";
constexpr std::size_t detail_bytes_max = 300;
constexpr std::size_t errors_named_max = 3;

struct Job {
  JobStatus status;
  std::string input_file, output_file, error_file;
};

JobState state_of(std::string_view word, bool has_results) {
  if (word == "completed") {
    return JobState::ended;
  }
  if (word == "failed" || word == "expired" || word == "cancelled") {
    return has_results ? JobState::ended : JobState::failed;
  }
  return JobState::running;  // validating, in_progress, finalizing, cancelling
}

/// What is wrong with a job, without what its messages may quote.
std::string errors_of(element root) {
  std::string text;
  const auto errors = object_at(root, "errors");
  const auto list = errors ? array_at(*errors, "data") : std::nullopt;
  if (!list) {
    return text;
  }
  std::size_t named = 0;
  for (const auto error : *list) {
    if (++named > errors_named_max) {
      break;
    }
    const auto message = text_at(error, "message");
    text += ", " + std::string{text_at(error, "code")};
    if (const auto line = count_at(error, "line")) {
      text += " in line " + std::to_string(*line);
    }
    text += ": " + std::string{message.substr(0, message.find_first_of("\"'`{[<\n"))};
  }
  return text;
}

std::optional<Job> read_job(element root) {
  Job job;
  const auto word = text_at(root, "status");
  job.status.id = text_at(root, "id");
  if (word.empty() || !is_id(job.status.id)) {
    return std::nullopt;
  }
  job.input_file = text_at(root, "input_file_id");
  job.output_file = text_at(root, "output_file_id");
  job.error_file = text_at(root, "error_file_id");
  job.status.state = state_of(word, !job.output_file.empty() || !job.error_file.empty());
  job.status.detail = clipped(std::string{word} + errors_of(root), detail_bytes_max);
  if (const auto counts = object_at(root, "request_counts")) {
    job.status.requests = count_at(*counts, "total").value_or(0);
  }
  if (const auto metadata = object_at(root, "metadata")) {
    job.status.tag = text_at(*metadata, tag_name);
  }
  job.status.created_ms = count_at(root, "created_at").value_or(0) * 1000;
  return job;
}

/// The form that a browser would upload a file with. The lines begin with "{", so none can be the boundary.
std::string upload_form(const std::vector<JobRequest>& requests, const std::string& boundary) {
  std::size_t bytes = 1024;
  for (const auto& request : requests) {
    bytes += request.body.size() + 160;
  }
  std::string form;
  form.reserve(bytes);
  form += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n";
  form += "--" + boundary +
          "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"alluvium.jsonl\"\r\n"
          "Content-Type: application/jsonl\r\n\r\n";
  for (const auto& request : requests) {
    form += JsonText{}.object().field("custom_id", request.custom_id).text();
    form += R"(,"method":"POST","url":")" + std::string{chat_target} + R"(","body":)";
    append_line(form, request.body);
    form += "}\n";
  }
  form += "\r\n--" + boundary + "--\r\n";
  return form;
}

JobResult read_result(const std::string& custom_id, element line, std::int64_t now_ms) {
  JobResult result;
  result.custom_id = custom_id;
  auto& reply = result.reply;
  if (const auto response = object_at(line, "response")) {
    reply.status = static_cast<int>(std::min<std::int64_t>(count_at(*response, "status_code").value_or(500), 999));
    reply.request_id = clipped(text_at(*response, "request_id"), api_word_bytes_max);
    if (const auto body = object_at(*response, "body")) {
      if (reply.status >= 200 && reply.status < 300) {
        read_openai_answer(*body, reply);
      }
      if (!reply.readable) {
        read_error(*body, reply, now_ms);
      }
    }
    return result;
  }
  reply.status = 500;  // Without a response of its own: sent again.
  read_error(line, reply, now_ms);
  constexpr std::array<std::string_view, 3> never_run{"batch_expired", "batch_cancelled", "batch_canceled"};
  result.expired_or_canceled = std::ranges::find(never_run, reply.error_code) != never_run.end();
  return result;
}

class OpenAiBatches : public BatchApi {
 public:
  explicit OpenAiBatches(JobCalls calls) : calls_{std::move(calls)} {}

  [[nodiscard]] std::size_t requests_max() const override {
    return 50'000;
  }
  [[nodiscard]] std::size_t bytes_max() const override {
    return 200'000'000;
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
  [[nodiscard]] Result<std::string> file(const std::string& id);

  JobCalls calls_;
};

BatchApi::Submission OpenAiBatches::submit(const std::vector<JobRequest>& requests, const std::string& tag) {
  if (auto too_much = refused(requests, *this)) {
    return *std::move(too_much);
  }
  const std::string boundary = "alluvium-requests-of-one-job";
  const auto uploaded =
      calls_.post("/files", "multipart/form-data; boundary=" + boundary, upload_form(requests, boundary), true);
  const auto file_id = parsed<std::string>(uploaded, [](element root) {
    const auto id = text_at(root, "id");
    return is_id(id) ? std::optional{std::string{id}} : std::nullopt;
  });
  if (!file_id) {  // A file alone runs nothing and costs nothing.
    return not_taken(uploaded, false, calls_.now());
  }
  JsonText body;
  body.object().field("input_file_id", *file_id).field("endpoint", chat_target).field("completion_window", "24h");
  body.key("metadata").object().field(tag_name, tag).end().end();
  const auto created = calls_.post("/batches", "application/json", body.text());
  const auto job = parsed<Job>(created, read_job);
  if (!job) {
    return not_taken(created, may_have_been_taken(created), calls_.now());
  }
  return {.job = job->status, .ambiguous = false, .reply = {}};
}

Result<Job> OpenAiBatches::look(const std::string& job_id) {
  if (!is_id(job_id)) {
    return fail(Errc::malformed_input, "\"" + clipped(job_id, api_word_bytes_max) + "\" is no job's id");
  }
  const auto reply = calls_.get("/batches/" + job_id);
  auto job = parsed<Job>(reply, read_job);
  if (!job) {
    return tl::unexpected{failure("batch job " + job_id, reply, calls_.now())};
  }
  return *std::move(job);
}

Result<std::vector<JobStatus>> OpenAiBatches::recent() {
  const auto reply = calls_.get("/batches?limit=" + std::to_string(jobs_listed_max));
  auto jobs = read_list(reply, [](element item) {
    auto job = read_job(item);
    return job ? std::optional{std::move(job->status)} : std::nullopt;
  });
  if (!jobs) {
    return tl::unexpected{failure("listing batch jobs", reply, calls_.now())};
  }
  return *std::move(jobs);
}

Result<std::string> OpenAiBatches::file(const std::string& id) {
  if (!is_id(id)) {
    return fail(Errc::malformed_input, "\"" + clipped(id, api_word_bytes_max) + "\" is no file's id");
  }
  auto reply = calls_.download("/files/" + id + "/content");
  if (!succeeded(reply)) {
    return tl::unexpected{failure("file " + id, reply, calls_.now())};
  }
  return std::move(reply.body);
}

Result<std::vector<std::string>> OpenAiBatches::custom_ids(const std::string& job_id) {
  return look(job_id).and_then([&](const Job& job) { return file(job.input_file); }).map([](const std::string& lines) {
    return custom_ids_of(lines);
  });
}

Result<void> OpenAiBatches::results(const std::string& job_id, const std::function<bool(JobResult)>& each) {
  const auto job = look(job_id);
  if (!job) {
    return tl::unexpected{job.error()};
  }
  std::size_t unreadable = 0;
  bool more = true;
  for (const auto* id : {&job->output_file, &job->error_file}) {
    if (id->empty() || !more) {
      continue;
    }
    const auto lines = file(*id);
    if (!lines) {
      return tl::unexpected{lines.error()};
    }
    unreadable += for_each_line(*lines, [&](const std::string& custom_id, element line) {
      more = each(read_result(custom_id, line, calls_.now()));
      return more;
    });
  }
  report_unreadable(job_id, unreadable);
  return {};
}

Result<void> OpenAiBatches::cancel(const std::string& job_id) {
  if (!is_id(job_id)) {
    return fail(Errc::malformed_input, "\"" + clipped(job_id, api_word_bytes_max) + "\" is no job's id");
  }
  const auto reply = calls_.post("/batches/" + job_id + "/cancel", "", "");
  if (!succeeded(reply)) {
    return tl::unexpected{failure("cancelling batch job " + job_id, reply, calls_.now())};
  }
  return {};
}

}  // namespace

std::unique_ptr<BatchApi> make_openai_batches(JobCalls calls) {
  return std::make_unique<OpenAiBatches>(std::move(calls));
}

}  // namespace alluvium::connectors
