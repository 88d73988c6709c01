// SPDX-License-Identifier: Apache-2.0
// What the two batch APIs have in common: calls that block, failures in words, results line by line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "connectors/http_client.hpp"
#include "connectors/model_endpoint.hpp"
#include "connectors/model_wire.hpp"
#include "connectors/url.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/model_ports.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

inline constexpr std::size_t results_bytes_max = std::size_t{512} << 20;  ///< Of one job, held while it is read.
inline constexpr std::size_t result_line_bytes_max = std::size_t{8} << 20;
inline constexpr std::size_t jobs_listed_max = 100;
inline constexpr std::size_t custom_id_bytes_max = 64;
/// Uploads and downloads may take this many times the endpoint's total time-out.
inline constexpr int bulk_time_factor = 10;

/// Calls to one provider, with its key.
class JobCalls {
 public:
  JobCalls(const EndpointOptions& options, pipeline::WallClock clock, std::unique_ptr<HttpClient> http, Url url);

  [[nodiscard]] HttpReply get(const std::string& target);
  /// For results: long, and bounded by results_bytes_max.
  [[nodiscard]] HttpReply download(const std::string& target);
  /// `content_type` may be empty for an empty body. `bulk`: the body is long.
  [[nodiscard]] HttpReply post(const std::string& target, const std::string& content_type, std::string body,
                               bool bulk = false);
  [[nodiscard]] std::int64_t now() const {
    return clock_();
  }
  [[nodiscard]] const Url& url() const {
    return url_;
  }
  /// Stands between the URL's path and every target.
  [[nodiscard]] const std::string& prefix() const {
    return prefix_;
  }

 private:
  [[nodiscard]] HttpReply call(HttpRequest request, bool bulk);

  EndpointOptions options_;
  pipeline::WallClock clock_;
  std::string prefix_;
  Url url_;
  std::unique_ptr<HttpClient> http_;
};

/// True for a whole reply with status 2xx.
[[nodiscard]] bool succeeded(const HttpReply& reply);
/// What `read` makes of a reply with status 2xx; nothing if it is none, or not JSON.
template <class T>
[[nodiscard]] std::optional<T> parsed(const HttpReply& reply,
                                      const std::function<std::optional<T>(simdjson::dom::element)>& read) {
  if (!succeeded(reply) || reply.body.empty()) {
    return std::nullopt;
  }
  pipeline::JsonReader reader{reply_depth_max};
  const auto root = reader.parse(reply.body);
  return root ? read(*root) : std::nullopt;
}
/// The jobs in a listing, newest first; items that are none are left out.
[[nodiscard]] std::optional<std::vector<pipeline::JobStatus>> read_list(
    const HttpReply& reply, const std::function<std::optional<pipeline::JobStatus>(simdjson::dom::element)>& read);
/// `unavailable`, or `malformed_input` if the provider knows no such job or does not take it.
[[nodiscard]] pipeline::Error failure(const std::string& what, const HttpReply& reply, std::int64_t now_ms);
/// After a call that gives a job to a provider: true if it may have taken it although it did not say so.
[[nodiscard]] bool may_have_been_taken(const HttpReply& reply);
/// A submission that did not succeed, for sure or perhaps.
[[nodiscard]] pipeline::BatchApi::Submission not_taken(const HttpReply& reply, bool ambiguous, std::int64_t now_ms);
/// A job that is larger than what the provider takes, or holds a custom_id that it would refuse all for.
[[nodiscard]] std::optional<pipeline::BatchApi::Submission> refused(const std::vector<pipeline::JobRequest>& requests,
                                                                    const pipeline::BatchApi& api);
/// True if it can stand in a target: [A-Za-z0-9_.-], and is not "." or "..".
[[nodiscard]] bool is_id(std::string_view text);
/// Appends a body as one line: what breaks lines in JSON is only ever blank space.
void append_line(std::string& out, std::string_view json);
/// Calls `each` with every line that is JSON and has a custom_id, until it returns false. Returns how many are not.
std::size_t for_each_line(std::string_view lines,
                          const std::function<bool(const std::string& custom_id, simdjson::dom::element line)>& each);
/// Says in the log that results could not be read; nothing for 0.
void report_unreadable(const std::string& job_id, std::size_t lines);
/// The custom ids of lines, as far as they can be read.
[[nodiscard]] std::vector<std::string> custom_ids_of(std::string_view lines);

[[nodiscard]] std::unique_ptr<pipeline::BatchApi> make_openai_batches(JobCalls calls);
[[nodiscard]] std::unique_ptr<pipeline::BatchApi> make_anthropic_batches(JobCalls calls);

}  // namespace alluvium::connectors
