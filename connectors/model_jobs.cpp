// SPDX-License-Identifier: Apache-2.0
#include "connectors/model_jobs.hpp"

#include <algorithm>
#include <cstddef>

#include <spdlog/spdlog.h>

#include "connectors/model_wire.hpp"

namespace alluvium::connectors {

using pipeline::BatchApi;
using pipeline::Errc;
using pipeline::JobRequest;
using pipeline::JobStatus;
using Transport = pipeline::ModelReply::Transport;

JobCalls::JobCalls(const EndpointOptions& options, pipeline::WallClock clock, std::unique_ptr<HttpClient> http, Url url)
    : options_{options},
      clock_{clock},
      prefix_{target_prefix(options, url.path)},
      url_{std::move(url)},
      http_{std::move(http)} {}

HttpReply JobCalls::call(HttpRequest request, bool bulk) {
  request.target = prefix_ + request.target;
  auto headers = api_headers(options_);
  request.headers.insert(request.headers.end(), headers.begin(), headers.end());
  if (bulk) {
    request.total_timeout = options_.http.total_timeout * bulk_time_factor;
  }
  return http_->call(std::move(request));
}

HttpReply JobCalls::get(const std::string& target) {
  HttpRequest request;
  request.method = "GET";
  request.target = target;
  return call(std::move(request), false);
}

HttpReply JobCalls::download(const std::string& target) {
  HttpRequest request;
  request.method = "GET";
  request.target = target;
  request.response_bytes_max = results_bytes_max;
  return call(std::move(request), true);
}

HttpReply JobCalls::post(const std::string& target, const std::string& content_type, std::string body, bool bulk) {
  HttpRequest request;
  request.target = target;
  if (!content_type.empty()) {
    request.headers.emplace_back("Content-Type", content_type);
  }
  request.body = std::move(body);
  return call(std::move(request), bulk);
}

bool succeeded(const HttpReply& reply) {
  return reply.transport == Transport::answered && !reply.too_large && reply.status >= 200 && reply.status < 300;
}

std::optional<std::vector<JobStatus>> read_list(
    const HttpReply& reply, const std::function<std::optional<JobStatus>(simdjson::dom::element)>& read) {
  return parsed<std::vector<JobStatus>>(
      reply, [&](simdjson::dom::element root) -> std::optional<std::vector<JobStatus>> {
        const auto data = array_at(root, "data");
        if (!data) {
          return std::nullopt;
        }
        std::vector<JobStatus> jobs;
        for (const auto item : *data) {
          if (auto job = read(item); job && jobs.size() < jobs_listed_max) {
            jobs.push_back(*std::move(job));
          }
        }
        std::ranges::stable_sort(jobs, std::ranges::greater{}, &JobStatus::created_ms);
        return jobs;
      });
}

pipeline::Error failure(const std::string& what, const HttpReply& reply, std::int64_t now_ms) {
  if (reply.too_large) {
    return {Errc::malformed_input, what + ": the reply is too long"};
  }
  const auto said = read_reply(reply, nullptr, now_ms);
  const bool refused =
      reply.status == 400 || reply.status == 404 || reply.status == 409 || reply.status == 410 || reply.status == 422;
  return {refused ? Errc::malformed_input : Errc::unavailable,
          what + ": " + (succeeded(reply) ? "the reply is not the API's" : describe(said))};
}

bool may_have_been_taken(const HttpReply& reply) {
  if (reply.transport != Transport::answered) {
    return reply.transport == Transport::lost;
  }
  // A 500 with the API's own error is a refusal; one without is a proxy's, like 502 and 504, which knows nothing.
  const auto said = read_reply(reply, nullptr, 0);
  return (reply.status >= 200 && reply.status < 300) || reply.status == 408 || reply.status == 502 ||
         reply.status == 504 || (reply.status == 500 && said.error_type.empty() && said.error_message.empty());
}

BatchApi::Submission not_taken(const HttpReply& reply, bool ambiguous, std::int64_t now_ms) {
  return {.job = std::nullopt, .ambiguous = ambiguous, .reply = read_reply(reply, nullptr, now_ms)};
}

std::optional<BatchApi::Submission> refused(const std::vector<JobRequest>& requests, const BatchApi& api) {
  constexpr std::size_t line_overhead = 256;  // At most what is written around a body.
  std::size_t bytes = 0;
  bool named = true;
  for (const auto& request : requests) {
    bytes += request.body.size() + line_overhead;
    named = named && is_id(request.custom_id) && request.custom_id.size() <= custom_id_bytes_max &&
            request.custom_id.find('.') == std::string::npos;
  }
  if (named && !requests.empty() && requests.size() <= api.requests_max() && bytes <= api.bytes_max()) {
    return std::nullopt;
  }
  BatchApi::Submission submission;
  submission.reply.status = 413;
  submission.reply.error_type = named ? "job_too_large" : "custom_id";
  submission.reply.error_message = "a job of " + std::to_string(requests.size()) + " requests and " +
                                   std::to_string(bytes) + " bytes is not given to the provider";
  return submission;
}

bool is_id(std::string_view text) {
  constexpr std::size_t id_bytes_max = 256;
  return !text.empty() && text.size() <= id_bytes_max && text != "." && text != ".." &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  c == '.';
         });
}

void append_line(std::string& out, std::string_view json) {
  const auto at = out.size();
  out += json;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(at), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

std::size_t for_each_line(std::string_view lines,
                          const std::function<bool(const std::string&, simdjson::dom::element)>& each) {
  pipeline::JsonReader reader{reply_depth_max + 8};  // A reply, within what says whose it is.
  std::size_t unreadable = 0;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    const auto line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      continue;
    }
    if (line.size() > result_line_bytes_max) {
      ++unreadable;
      continue;
    }
    const auto root = reader.parse(line);
    const auto custom_id = root ? text_at(*root, "custom_id") : std::string_view{};
    if (custom_id.empty() || custom_id.size() > custom_id_bytes_max) {
      ++unreadable;
      continue;
    }
    if (!each(std::string{custom_id}, *root)) {
      break;
    }
  }
  return unreadable;
}

void report_unreadable(const std::string& job_id, std::size_t lines) {
  if (lines > 0) {
    spdlog::warn("batch job {}: lines of its results that can't be read, and whose requests are sent again: {}", job_id,
                 lines);
  }
}

std::vector<std::string> custom_ids_of(std::string_view lines) {
  std::vector<std::string> ids;
  for_each_line(lines, [&](const std::string& custom_id, simdjson::dom::element) {
    ids.push_back(custom_id);
    return true;
  });
  return ids;
}

}  // namespace alluvium::connectors
