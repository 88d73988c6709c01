// SPDX-License-Identifier: Apache-2.0
// /v1/files and /v1/batches of the simulated model server.
#include <algorithm>
#include <optional>
#include <unordered_set>

#include <xxhash.h>

#include "connectors/stub_batches.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::JsonText;

constexpr std::string_view endpoint = "/v1/chat/completions";
constexpr std::int64_t lifetime_s = 24 * 3'600;
constexpr std::size_t metadata_max = 16;
constexpr std::size_t invalid_lines_shown_max = 100;

StubReply refused(int status, std::string message, std::string param = {}) {
  return stub_error(StubApi::openai, {status, std::move(message), {}, std::move(param)}, {});
}

void second_or_null(JsonText& json, std::string_view name, std::int64_t ms) {
  json.key(name);
  if (ms == 0) {
    json.null();
  } else {
    json.value(ms / 1000);
  }
}

void text_or_null(JsonText& json, std::string_view name, std::string_view text) {
  json.key(name);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

/// The value of `name` in a header like `form-data; name="file"; filename="x.jsonl"`.
std::string_view parameter(std::string_view header, std::string_view name) {
  for (auto at = header.find(';'); at != std::string_view::npos; at = header.find(';')) {
    header.remove_prefix(at + 1);
    header.remove_prefix(std::min(header.find_first_not_of(" \t"), header.size()));
    if (!header.starts_with(name) || header.substr(name.size(), 1) != "=") {
      continue;
    }
    const auto value = header.substr(name.size() + 1);
    return value.starts_with('"') ? value.substr(1, value.find('"', 1) - 1) : value.substr(0, value.find(';'));
  }
  return {};
}

struct Form {
  std::string_view purpose, file, filename;
  bool has_file = false;
};

/// Nothing if the body is no multipart/form-data that has an end.
std::optional<Form> read_form(const StubRequest& request) {
  const auto type = request.headers.get("content-type");
  const auto boundary = parameter(type, "boundary");
  if (!type.starts_with("multipart/form-data") || boundary.empty()) {
    return std::nullopt;
  }
  const auto mark = "\r\n--" + std::string{boundary};
  std::string_view rest = request.body;
  if (!rest.starts_with(std::string_view{mark}.substr(2))) {
    return std::nullopt;
  }
  rest.remove_prefix(mark.size() - 2);
  Form form;
  while (!rest.starts_with("--")) {
    const auto head_end = rest.find("\r\n\r\n");
    const auto end = rest.find(mark, head_end == std::string_view::npos ? head_end : head_end + 2);
    if (!rest.starts_with("\r\n") || end == std::string_view::npos) {
      return std::nullopt;
    }
    const auto head = rest.substr(0, head_end);
    const auto content = rest.substr(head_end + 4, end > head_end + 4 ? end - head_end - 4 : 0);
    const auto name = parameter(head.substr(0, std::min(head.find("\r\n", 2), head.size())), "name");
    if (name == "purpose") {
      form.purpose = content;
    } else if (name == "file") {
      form.file = content;
      form.filename = parameter(head.substr(0, std::min(head.find("\r\n", 2), head.size())), "filename");
      form.has_file = true;
    }
    rest.remove_prefix(end + mark.size());
  }
  return form;
}

/// Of a line in the input file: why it can't be; empty if it can.
struct LineError {
  std::string_view code, message, param;
};

LineError wrong_line(simdjson::dom::element line, std::unordered_set<std::string>& ids, std::string& model) {
  std::string_view id;
  std::string_view method;
  std::string_view url;
  std::string_view its_model;
  simdjson::dom::object body;
  if (line["custom_id"].get(id) != simdjson::SUCCESS) {
    return {"missing_required_parameter", "Missing required parameter: 'custom_id'.", "custom_id"};
  }
  if (!stub_custom_id_fits(id)) {
    return {"invalid_custom_id", "'custom_id' should match '^[a-zA-Z0-9_-]{1,64}$'.", "custom_id"};
  }
  if (!ids.insert(std::string{id}).second) {
    return {"duplicate_custom_id", "The custom_id for this request is a duplicate of another request.", "custom_id"};
  }
  if (line["method"].get(method) != simdjson::SUCCESS || method != "POST") {
    return {"invalid_method", "The method should be 'POST'.", "method"};
  }
  if (line["url"].get(url) != simdjson::SUCCESS || url != endpoint) {
    return {"invalid_url", "The URL provided for this request does not match the batch endpoint.", "url"};
  }
  if (line["body"].get(body) != simdjson::SUCCESS) {
    return {"missing_required_parameter", "Missing required parameter: 'body'.", "body"};
  }
  if (body["model"].get(its_model) == simdjson::SUCCESS) {
    if (!model.empty() && model != its_model) {
      return {"mismatched_model", "All requests of a batch must be for the same model.", "body.model"};
    }
    model = its_model;
  }
  return {};
}

std::string_view status_of(const StubJob& job) {
  if (job.ended_ms > 0) {
    return !job.invalid.empty() || job.ending == "failed" ? "failed"
           : job.expired > 0                              ? "expired"
           : job.cancel_ms > 0                            ? "cancelled"
                                                          : "completed";
  }
  return job.cancel_ms > 0 ? "cancelling" : job.polls == 0 ? "validating" : "in_progress";
}

}  // namespace

StubReply StubBatches::openai(const Call& call) {
  const auto& way = call.way;
  const auto& method = call.request.method;
  if (way[0] == "files") {
    return files(call);
  }
  if (way.size() == 1 && method == "POST") {
    return openai_create(call);
  }
  if (way.size() == 1 && method == "GET") {
    bool has_more = false;
    std::string first;
    std::string last;
    const auto data = jobs_list(call, 20, 100, stub_query(call.request.query, "after"), {}, has_more, first, last);
    JsonText json;
    json.object().field("object", "list").key("data").raw(data);
    text_or_null(json, "first_id", first);
    text_or_null(json, "last_id", last);
    return {200, json.field("has_more", has_more).end().text(), "application/json", {}};
  }
  auto* job = way.size() > 1 ? find(StubApi::openai, way[1]) : nullptr;
  if (job == nullptr) {
    return refused(404, "No batch found with id '" + std::string{way.size() > 1 ? way[1] : ""} + "'.");
  }
  if (way.size() == 2 && method == "GET") {
    poll(*job);
  } else if (way.size() == 3 && way[2] == "cancel" && method == "POST") {
    if (job->ended_ms > 0) {
      return refused(409, "Cannot cancel a batch with status '" + std::string{status_of(*job)} + "'.");
    }
    job->cancel_ms = job->cancel_ms > 0 ? job->cancel_ms : options_.clock();
  } else {
    return refused(404, "Invalid URL (" + method + " " + call.request.path + ")");
  }
  return {200, openai_json(*job), "application/json", {}};
}

StubReply StubBatches::files(const Call& call) {
  const auto& way = call.way;
  const auto& method = call.request.method;
  if (way.size() == 1 && method == "POST") {
    return upload(call);
  }
  JsonText json;
  if (way.size() == 1 && method == "GET") {
    json.object().field("object", "list").key("data").array();
    for (const auto& [id, file] : files_) {
      json.raw(file_json(id, file));
    }
    return {200, json.end().field("has_more", false).end().text(), "application/json", {}};
  }
  const auto found = way.size() > 1 ? files_.find(way[1]) : files_.end();
  if (found == files_.end()) {
    return refused(404, "No such File object: " + std::string{way.size() > 1 ? way[1] : ""}, "id");
  }
  if (way.size() == 3 && way[2] == "content" && method == "GET") {
    return {200, found->second.content, "application/octet-stream", {}};
  }
  if (way.size() == 2 && method == "GET") {
    return {200, file_json(found->first, found->second), "application/json", {}};
  }
  if (way.size() == 2 && method == "DELETE") {
    json.object().field("id", found->first).field("object", "file").field("deleted", true).end();
    kept_bytes_ -= found->second.content.size();
    files_.erase(found);
    return {200, json.text(), "application/json", {}};
  }
  return refused(404, "Invalid URL (" + method + " " + call.request.path + ")");
}

StubReply StubBatches::upload(const Call& call) {
  const auto form = read_form(call.request);
  if (!form || !form->has_file) {
    return refused(400, "'file' is a required property: want multipart/form-data with purpose and file", "file");
  }
  if (form->purpose != "batch") {
    return refused(400, "'purpose' is a required property: this simulation has 'batch' only", "purpose");
  }
  if (form->file.empty()) {
    return refused(400, "The file is empty.", "file");
  }
  if (form->file.size() > openai_batch_bytes_max) {
    return refused(413, "The file is larger than a batch may be (200 MB).", "file");
  }
  if (files_.size() >= stub_files_max || kept_bytes_ + form->file.size() > stub_kept_bytes_max) {
    return refused(429, "This simulation keeps no more files: start it anew.");
  }
  const auto id = keep_file(std::string{form->filename}, "batch", std::string{form->file});
  return {200, file_json(id, files_.find(id)->second), "application/json", {}};
}

StubReply StubBatches::openai_create(const Call& call) {
  pipeline::JsonReader reader{stub_json_depth_max};
  const auto& body = call.request.body;
  const auto root =
      body.empty() ? pipeline::faulty(pipeline::DeadReason::empty, "the body is empty") : reader.parse(body);
  if (!root) {
    return refused(400, "We could not parse the JSON body of your request: " + root.error().detail);
  }
  std::string_view text;
  if ((*root)["completion_window"].get(text) != simdjson::SUCCESS || text != "24h") {
    return refused(400, "Invalid value for 'completion_window': want '24h'.", "completion_window");
  }
  if ((*root)["endpoint"].get(text) != simdjson::SUCCESS || text != endpoint) {
    return refused(400, "Invalid value for 'endpoint': this simulation has '/v1/chat/completions' only.", "endpoint");
  }
  StubJob job;
  if (simdjson::dom::element metadata; (*root)["metadata"].get(metadata) == simdjson::SUCCESS && !metadata.is_null()) {
    simdjson::dom::object pairs;
    if (metadata.get(pairs) != simdjson::SUCCESS || pairs.size() > metadata_max ||
        !std::ranges::all_of(pairs, [](const auto& pair) { return pair.value.is_string(); })) {
      return refused(400, "Invalid 'metadata': want at most 16 strings by name.", "metadata");
    }
    job.metadata = simdjson::minify(pairs);
  }
  if ((*root)["input_file_id"].get(text) != simdjson::SUCCESS) {
    return refused(400, "Missing required parameter: 'input_file_id'.", "input_file_id");
  }
  const auto file = files_.find(text);
  if (file == files_.end()) {
    return refused(400, "No such File object: " + std::string{text}, "input_file_id");
  }
  job.input_file = file->first;
  read_lines(file->second.content, job, call.fate);
  return added(call, std::move(job));
}

/// A file that can't be makes a job that fails, as soon as it is looked at; it is not refused.
void StubBatches::read_lines(std::string_view content, StubJob& job, const Fate& fate) const {
  pipeline::JsonReader reader{stub_json_depth_max};
  std::unordered_set<std::string> ids;
  std::string model;
  JsonText errors;
  std::size_t faulty = 0;
  std::size_t number = 0;
  errors.array();
  const auto wrong = [&](const LineError& error) {
    if (++faulty <= invalid_lines_shown_max) {
      errors.object().field("code", error.code).field("line", number).field("message", error.message);
      text_or_null(errors, "param", error.param);
      errors.end();
    }
  };
  while (!content.empty()) {
    const auto end = std::min(content.find('\n'), content.size());
    const auto line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      continue;
    }
    const auto root = reader.parse(line);
    if (!root) {
      wrong({"invalid_json_line", "This line is not parseable as valid JSON.", {}});
      continue;
    }
    if (const auto error = wrong_line(*root, ids, model); !error.code.empty()) {
      wrong(error);
      continue;
    }
    auto body = simdjson::minify((*root)["body"].value_unsafe());
    auto fault = fate({"POST", "/batches", model, body});
    job.requests.push_back(
        {std::string{(*root)["custom_id"].get_string().value_unsafe()}, std::move(body), std::move(fault)});
  }
  if (job.requests.empty() && faulty == 0) {
    wrong({"empty_file", "The input file has no requests.", {}});
  } else if (job.requests.size() > requests_max(StubApi::openai)) {
    wrong({"too_many_requests", "The input file has more requests than a batch may have.", {}});
  }
  job.invalid = faulty > 0 ? errors.end().text() : std::string{};
}

void StubBatches::openai_line(StubJob& job, std::size_t index, std::string& output, std::string& errors) {
  const auto done = outcome(job, index);
  const auto& id = job.requests[index].custom_id;
  const auto hash = stub_hex(XXH3_64bits(id.data(), id.size()));
  JsonText json;
  json.object().field("id", "batch_req_" + hash).field("custom_id", id).key("response");
  if (done.end == End::succeeded || done.end == End::errored) {
    json.object().field("status_code", done.status).field("request_id", "req_" + hash).key("body").raw(done.body);
    json.end().key("error").null();
  } else {
    const bool late = done.end == End::expired;
    json.null().key("error").object().field("code", late ? "batch_expired" : "batch_cancelled");
    json.field("message", late ? "This request could not be executed before the completion window expired."
                               : "This request was not executed before the batch was cancelled.");
    json.end();
  }
  (done.end == End::succeeded ? output : errors) += json.end().text() + "\n";
}

std::string StubBatches::file_json(const std::string& id, const File& file) const {
  JsonText json;
  json.object().field("id", id).field("object", "file").field("bytes", file.content.size());
  json.field("created_at", file.created_ms / 1000).field("filename", file.name).field("purpose", file.purpose);
  return json.field("status", "processed").key("status_details").null().end().text();
}

std::string StubBatches::openai_json(const StubJob& job) const {
  const auto status = status_of(job);
  const auto when = [&](std::string_view wanted) { return status == wanted ? job.ended_ms : 0; };
  const auto created = job.created_ms / 1000;
  JsonText json;
  json.object().field("id", job.id).field("object", "batch").field("endpoint", endpoint).key("errors");
  if (status == "failed") {
    json.object().field("object", "list").key("data");
    json.raw(job.invalid.empty() ? R"([{"code":"simulated_failure","line":null,"message":"Scripted.","param":null}])"
                                 : std::string_view{job.invalid});
    json.end();
  } else {
    json.null();
  }
  json.field("input_file_id", job.input_file).field("completion_window", "24h").field("status", status);
  text_or_null(json, "output_file_id", job.output_file);
  text_or_null(json, "error_file_id", job.error_file);
  json.field("created_at", created);
  second_or_null(json, "in_progress_at", job.polls > 0 && job.invalid.empty() ? job.created_ms : 0);
  json.field("expires_at", created + lifetime_s);
  second_or_null(json, "finalizing_at", when("completed"));
  second_or_null(json, "completed_at", when("completed"));
  second_or_null(json, "failed_at", when("failed"));
  second_or_null(json, "expired_at", when("expired"));
  second_or_null(json, "cancelling_at", job.cancel_ms);
  second_or_null(json, "cancelled_at", when("cancelled"));
  // Expired and cancelled requests count as neither.
  json.key("request_counts").object().field("total", job.invalid.empty() ? job.total : 0);
  json.field("completed", job.succeeded).field("failed", job.errored).end().key("usage").object();
  json.field("input_tokens", job.prompt_tokens).key("input_tokens_details").object().field("cached_tokens", 0).end();
  json.field("output_tokens", job.completion_tokens).key("output_tokens_details").object();
  json.field("reasoning_tokens", 0).end().field("total_tokens", job.prompt_tokens + job.completion_tokens).end();
  return json.key("metadata").raw(job.metadata).end().text();
}

}  // namespace alluvium::connectors
