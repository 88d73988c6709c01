// SPDX-License-Identifier: Apache-2.0
// /v1/messages/batches of the simulated model server.
#include <unordered_set>

#include <xxhash.h>

#include "connectors/stub_batches.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::JsonText;

constexpr std::int64_t lifetime_ms = 24 * 3'600'000;

StubReply refused(std::string_view request_id, int status, std::string message) {
  return stub_error(StubApi::anthropic, {status, std::move(message), {}, {}}, request_id);
}

void time_or_null(JsonText& json, std::string_view name, std::int64_t ms) {
  json.key(name);
  if (ms == 0) {
    json.null();
  } else {
    json.value(pipeline::iso8601(ms));
  }
}

void text_or_null(JsonText& json, std::string_view name, const std::string& text) {
  json.key(name);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

}  // namespace

StubReply StubBatches::anthropic(const Call& call) {
  const auto& way = call.way;  // messages, batches, [id, [results or cancel]]
  const auto& method = call.request.method;
  if (way.size() == 2) {
    return method == "POST"  ? anthropic_create(call)
           : method == "GET" ? anthropic_list(call)
                             : refused(call.request_id, 405, "Method Not Allowed");
  }
  auto* job = find(StubApi::anthropic, way[2]);
  if (job == nullptr) {
    return refused(call.request_id, 404, "Message batch " + std::string{way[2]} + " not found");
  }
  const auto shown = [&] { return StubReply{200, anthropic_json(*job, call.request), "application/json", {}}; };
  if (way.size() == 3 && method == "GET") {
    poll(*job);
    return shown();
  }
  if (way.size() == 3 && method == "DELETE") {
    if (job->ended_ms == 0) {
      return refused(call.request_id, 400, "A batch that has not ended can't be deleted");
    }
    JsonText json;
    json.object().field("id", job->id).field("type", "message_batch_deleted").end();
    kept_bytes_ -= job->results.size();
    std::erase_if(jobs_, [&](const auto& each) { return each.get() == job; });
    return {200, json.text(), "application/json", {}};
  }
  if (way.size() == 4 && way[3] == "results" && method == "GET") {
    return job->ended_ms > 0 ? StubReply{200, job->results, "application/x-jsonl", {}}
                             : refused(call.request_id, 404, "The batch has no results yet: it has not ended");
  }
  if (way.size() == 4 && way[3] == "cancel" && method == "POST") {
    if (job->ended_ms > 0) {
      return refused(call.request_id, 400, "The batch has ended already");
    }
    job->cancel_ms = job->cancel_ms > 0 ? job->cancel_ms : options_.clock();
    return shown();
  }
  return refused(call.request_id, 404, "Not Found");
}

StubReply StubBatches::anthropic_create(const Call& call) {
  const auto invalid = [&](const std::string& why) { return refused(call.request_id, 400, why); };
  const auto& body = call.request.body;
  if (body.size() > anthropic_batch_bytes_max) {
    return refused(call.request_id, 413, "Request exceeds the maximum size");
  }
  pipeline::JsonReader reader{stub_json_depth_max};
  simdjson::dom::array requests;
  const auto root =
      body.empty() ? pipeline::faulty(pipeline::DeadReason::empty, "the body is empty") : reader.parse(body);
  if (!root) {
    return invalid(root.error().detail);
  }
  if ((*root)["requests"].get(requests) != simdjson::SUCCESS || requests.size() == 0) {
    return invalid("requests: Field required, a list of at least 1 item");
  }
  if (requests.size() > requests_max(StubApi::anthropic)) {
    return invalid("requests: List should have at most " + std::to_string(requests_max(StubApi::anthropic)) +
                   " items after validation, not " + std::to_string(requests.size()));
  }
  StubJob job;
  job.api = StubApi::anthropic;
  std::unordered_set<std::string_view> ids;
  for (const auto request : requests) {
    const auto place = "requests." + std::to_string(job.requests.size());
    std::string_view id;
    simdjson::dom::object params;
    if (request["custom_id"].get(id) != simdjson::SUCCESS || !stub_custom_id_fits(id)) {
      return invalid(place + ".custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'");
    }
    if (!ids.insert(id).second) {
      return invalid(place + ".custom_id: must be unique within the batch");
    }
    if (request["params"].get(params) != simdjson::SUCCESS) {
      return invalid(place + ".params: Field required");
    }
    auto text = simdjson::minify(params);
    std::string_view model;
    if (params["model"].get(model) != simdjson::SUCCESS) {
      model = {};
    }
    auto fault = call.fate({call.request.method, call.request.path, model, text});
    job.requests.push_back({std::string{id}, std::move(text), std::move(fault)});
  }
  return added(call, std::move(job));
}

StubReply StubBatches::anthropic_list(const Call& call) {
  bool has_more = false;
  std::string first;
  std::string last;
  const auto& query = call.request.query;
  const auto data =
      jobs_list(call, 20, 1000, stub_query(query, "after_id"), stub_query(query, "before_id"), has_more, first, last);
  JsonText json;
  json.object().key("data").raw(data).field("has_more", has_more);
  text_or_null(json, "first_id", first);
  text_or_null(json, "last_id", last);
  return {200, json.end().text(), "application/json", {}};
}

void StubBatches::anthropic_line(StubJob& job, std::size_t index) {
  const auto done = outcome(job, index);
  JsonText json;
  json.object().field("custom_id", job.requests[index].custom_id).key("result").object();
  switch (done.end) {
    case End::succeeded:
      json.field("type", "succeeded").key("message").raw(done.body);
      break;
    case End::errored:
      json.field("type", "errored").key("error").raw(done.body);
      break;
    case End::expired:
      json.field("type", "expired");
      break;
    case End::canceled:
      json.field("type", "canceled");
      break;
  }
  job.results += json.end().end().text() + "\n";
}

std::string StubBatches::anthropic_json(const StubJob& job, const StubRequest& request) const {
  const bool ended = job.ended_ms > 0;
  JsonText json;
  json.object().field("id", job.id).field("type", "message_batch");
  json.field("processing_status", ended ? "ended" : job.cancel_ms > 0 ? "canceling" : "in_progress");
  // The others stay 0 until the whole batch has ended.
  json.key("request_counts").object().field("processing", ended ? 0 : job.total).field("succeeded", job.succeeded);
  json.field("errored", job.errored).field("canceled", job.canceled).field("expired", job.expired).end();
  time_or_null(json, "ended_at", job.ended_ms);
  json.field("created_at", pipeline::iso8601(job.created_ms));
  json.field("expires_at", pipeline::iso8601(job.created_ms + lifetime_ms));
  json.key("archived_at").null();
  time_or_null(json, "cancel_initiated_at", job.cancel_ms);
  text_or_null(json, "results_url",
               ended ? options_.scheme + "://" + std::string{request.headers.get("host")} + "/v1/messages/batches/" +
                           job.id + "/results"
                     : std::string{});
  return json.end().text();
}

}  // namespace alluvium::connectors
