// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_service.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <xxhash.h>

#include "pipeline/json_text.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::JsonText;
using Kind = StubFault::Kind;

constexpr std::string_view chat_path = "/chat/completions";
constexpr std::string_view messages_path = "/messages";
constexpr std::chrono::seconds finishing_wait{1};

StubApi api_of(const StubRequest& request) {
  const bool anthropic = request.path.starts_with(messages_path) || !request.headers.get("anthropic-version").empty();
  return anthropic ? StubApi::anthropic : StubApi::openai;
}

/// As a server that is far from its limits would say it.
void add_limits(StubReply& reply, StubApi api, std::int64_t now_ms, const std::string& request_id) {
  const auto add = [&](const char* name, std::string value) { reply.headers.emplace_back(name, std::move(value)); };
  add(api == StubApi::openai ? "x-request-id" : "request-id", request_id);
  if (api == StubApi::openai) {
    add("openai-processing-ms", "1");
    add("x-ratelimit-limit-requests", "10000");
    add("x-ratelimit-remaining-requests", "9999");
    add("x-ratelimit-reset-requests", "6ms");
    add("x-ratelimit-limit-tokens", "10000000");
    add("x-ratelimit-remaining-tokens", "9999000");
    add("x-ratelimit-reset-tokens", "6ms");
    return;
  }
  const auto soon = pipeline::iso8601((now_ms / 1000 + 1) * 1000);
  for (const std::string kind : {"requests", "input-tokens", "output-tokens"}) {
    const auto limit = kind == "requests" ? std::pair{"10000", "9999"} : std::pair{"10000000", "9999000"};
    add(("anthropic-ratelimit-" + kind + "-limit").c_str(), limit.first);
    add(("anthropic-ratelimit-" + kind + "-remaining").c_str(), limit.second);
    add(("anthropic-ratelimit-" + kind + "-reset").c_str(), soon);
  }
}

/// Status 0: the fault is not about the whole reply.
StubReply faulty_reply(const StubFault& fault, StubApi api, const std::string& request_id) {
  switch (fault.kind) {
    case Kind::status: {
      auto reply = stub_error(api, fault.error, request_id);
      reply.body = fault.body.value_or(std::move(reply.body));
      return reply;
    }
    case Kind::html:
      return {200,
              "<html><head><title>alluvium stub-model (simulation)</title></head><body>A page.</body></html>",
              "text/html; charset=utf-8",
              {}};
    case Kind::wrong_shape:
      return {200, R"({"object":"simulation","choices":"none","content":7,"id":[]})", "application/json", {}};
    case Kind::huge:
      return {200, R"({"id":"huge","choices":[{"message":{"content":")", "application/json", {}};
    default:
      return {0, {}, {}, {}};
  }
}

void add_fault_headers(const StubFault& fault, std::int64_t now_ms, StubReply& reply) {
  for (const auto& [name, value] : fault.headers) {
    if (name == "content-type") {
      reply.content_type = value;
    } else {
      reply.headers.set(name, value);
    }
  }
  if (fault.retry_date_s) {
    // A date has whole seconds: the next one, so that the wait is not shorter than asked for.
    reply.headers.set("retry-after", stub_http_date(now_ms + *fault.retry_date_s * 1000 + 999));
  }
}

}  // namespace

pipeline::Result<std::unique_ptr<StubService>> StubService::make(StubServiceOptions options) {
  std::unique_ptr<StubService> service{new StubService{std::move(options)}};
  const auto& path = service->options_.log_path;
  if (!path.empty()) {
    service->log_ = std::fopen(path.c_str(), "ae");
    if (service->log_ == nullptr) {
      return pipeline::fail(pipeline::Errc::invalid_config, path + ": " + std::strerror(errno));
    }
  }
  return service;
}

StubService::StubService(StubServiceOptions options)
    : options_{std::move(options)}, batches_{options_.batches}, script_{options_.script} {}

StubService::~StubService() {
  if (log_ != nullptr) {
    std::fclose(log_);
  }
}

StubReply StubService::refusal(int status, const std::string& message) {
  return stub_error(StubApi::openai, {status, message, {}, {}}, {});
}

StubReply StubService::control(const StubRequest& request) {
  if (request.path == "/healthz") {
    return {200, R"({"status":"ok","simulation":true})", "application/json", {}};
  }
  if (request.path == "/stats") {
    return {200, stats(), "application/json", {}};
  }
  if (request.method != "POST" && request.method != "PUT") {
    return refusal(405, "want POST, with a script of faults ([] for none)");
  }
  auto script = StubScript::read(request.body);
  if (!script) {
    return refusal(400, script.error().detail);
  }
  const std::lock_guard lock{mutex_};
  script_ = std::move(*script);
  return {200, R"({"replaced":true})", "application/json", {}};
}

bool StubService::wrong_key(const StubRequest& request, StubApi api) const {
  if (options_.api_key.empty()) {
    return false;
  }
  const auto bearer = request.headers.get("authorization");
  const bool as_bearer = bearer.starts_with("Bearer ") && bearer.substr(7) == options_.api_key;
  return api == StubApi::openai ? !as_bearer : request.headers.get("x-api-key") != options_.api_key;
}

void StubService::count_arrival(const StubRequest& request, Turn& turn) {
  turn.call = true;
  turn.time_ms = options_.clock();
  turn.method = request.method;
  turn.path = request.path;
  turn.api = api_of(request);
  turn.body_hash = XXH3_64bits(request.body.data(), request.body.size());
  turn.hash = XXH3_64bits_withSeed(request.path.data(), request.path.size(), turn.body_hash);
  const std::lock_guard lock{mutex_};
  turn.seq = ++calls_;
  in_flight_max_ = std::max(in_flight_max_, ++in_flight_);
  turn.in_flight = in_flight_max_;
  if (!request.body.empty() && (bodies_.size() < stub_bodies_max || bodies_.contains(turn.hash))) {
    turn.duplicate = bodies_[turn.hash].seen++;
  }
}

StubService::Turn StubService::answer(const StubRequest& request) {
  Turn turn;
  if (request.path == "/healthz" || request.path == "/stats" || request.path == "/faults") {
    turn.reply = control(request);
    return turn;
  }
  count_arrival(request, turn);
  const auto request_id = "req_" + stub_hex(turn.hash ^ static_cast<std::uint64_t>(turn.seq));
  if (wrong_key(request, turn.api)) {
    turn.reply = stub_error(turn.api, {401, {}, {}, {}}, request_id);
  } else {
    answer_model(request, turn, request_id);
  }
  if (turn.reply.status > 0) {
    add_limits(turn.reply, turn.api, turn.time_ms, request_id);
    add_fault_headers(turn.fault, options_.clock() + turn.wait_ms, turn.reply);
  }
  return turn;
}

void StubService::answer_model(const StubRequest& request, Turn& turn, const std::string& request_id) {
  const bool asks = request.method == "POST" && (request.path == chat_path || request.path == messages_path);
  tl::expected<StubCall, StubError> call = tl::unexpected<StubError>{StubError{404, {}, {}, {}}};
  if (asks) {
    call = read_stub_call(turn.api, request.body);
    turn.model = call ? call->model : std::string{};
    turn.messages = call ? stub_messages(call->prompt).size() : 0;
  }
  {
    const std::lock_guard lock{mutex_};
    turn.fault = script_.for_call({request.method, request.path, turn.model, request.body});
  }
  const auto& fault = turn.fault;
  turn.wait_ms = fault.slow_ms + (asks ? options_.latency_ms : 0);
  turn.reply = faulty_reply(fault, turn.api, request_id);
  if (turn.reply.status > 0 || (fault.silent() && !fault.applied)) {
    return;
  }
  if (StubBatches::serves(request.path)) {
    turn.reply = batches_.handle(
        request, fault,
        [this](const StubSubject& subject) {
          const std::lock_guard lock{mutex_};
          return script_.for_batch_request(subject);
        },
        request_id);
  } else if (request.path == "/models" && request.method == "GET") {
    turn.reply = {
        200,
        R"({"object":"list","data":[{"id":"stub-small","object":"model","created":0,"owned_by":"simulation"},)"
        R"({"id":"stub-premium","object":"model","created":0,"owned_by":"simulation"}]})",
        "application/json",
        {}};
  } else if (call && turn.api == StubApi::anthropic && request.headers.get("anthropic-version").empty()) {
    turn.reply = stub_error(turn.api, {400, "anthropic-version: header is required", {}, {}}, request_id);
  } else if (!call) {
    turn.reply = stub_error(turn.api, call.error(), request_id);
  } else {
    const auto limit = options_.batches.ignore_max_tokens ? 0 : static_cast<std::size_t>(call->max_tokens) * 4;
    const auto said = stub_said(fault, stub_answer(call->prompt, call->wants_connections, limit));
    turn.prompt_tokens = call->prompt_tokens;
    turn.completion_tokens = stub_tokens(said.text.size());
    turn.good = fault.harmless();
    turn.reply = {200, stub_reply_body(*call, said, turn.time_ms), "application/json", {}};
  }
}

void StubService::finishing(Turn& turn) {
  if (turn.call) {
    const std::lock_guard lock{mutex_};
    turn.finishing = true;
    ++finishing_;
  }
}

void StubService::ended(const Turn& turn, bool whole) {
  if (!turn.call) {
    return;
  }
  const auto line = log_ != nullptr ? log_line(turn, whole) : std::string{};
  const std::lock_guard lock{mutex_};
  --in_flight_;
  ++by_status_[turn.fault.silent() ? 0 : turn.reply.status];
  prompt_tokens_ += turn.prompt_tokens;
  completion_tokens_ += turn.completion_tokens;
  answered_ += whole ? 1 : 0;
  if (const auto found = bodies_.find(turn.hash); whole && turn.good && found != bodies_.end()) {
    duplicates_ += found->second.answered++ > 0 ? 1 : 0;
  }
  if (log_ != nullptr) {
    std::fwrite(line.data(), 1, line.size(), log_);
    std::fflush(log_);
  }
  if (turn.finishing) {
    --finishing_;
    one_less_finishing_.notify_all();
  }
}

std::string StubService::log_line(const Turn& turn, bool whole) const {
  JsonText json;
  json.object().field("seq", turn.seq).field("time_ms", turn.time_ms);
  json.field("took_ms", options_.clock() - turn.time_ms).field("method", turn.method).field("path", turn.path);
  json.field("api", name(turn.api)).field("model", turn.model);
  json.field("status", turn.fault.silent() ? 0 : turn.reply.status);
  const auto fault = name(turn.fault.kind);
  json.field("fault", fault.empty() && turn.fault.slow_ms > 0 ? std::string_view{"slow"} : fault);
  json.field("prompt_tokens", turn.prompt_tokens).field("completion_tokens", turn.completion_tokens);
  json.field("body_xxh3", stub_hex(turn.body_hash)).field("messages", turn.messages).field("duplicate", turn.duplicate);
  json.field("in_flight", turn.in_flight).field("answered", whole);
  return json.end().text() + "\n";
}

std::string StubService::stats() {
  const auto batch = batches_.totals();
  std::unique_lock lock{mutex_};
  one_less_finishing_.wait_for(lock, finishing_wait, [this] { return finishing_ == 0; });
  JsonText json;
  json.object().field("simulation", true).field("calls", calls_).field("answered", answered_);
  json.field("duplicates", duplicates_).field("in_flight", in_flight_).field("max_in_flight", in_flight_max_);
  json.field("prompt_tokens", prompt_tokens_).field("completion_tokens", completion_tokens_);
  json.key("by_status").object();
  for (const auto& [status, count] : by_status_) {
    json.field(std::to_string(status), count);
  }
  json.end().key("batch").object().field("jobs", batch.jobs).field("requests", batch.requests);
  json.field("succeeded", batch.succeeded).field("duplicates", batch.duplicates);
  json.field("prompt_tokens", batch.prompt_tokens).field("completion_tokens", batch.completion_tokens);
  return json.end().end().text();
}

}  // namespace alluvium::connectors
