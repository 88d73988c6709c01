// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_wire.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>

#include <xxhash.h>

#include "pipeline/json_reader.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::JsonText;
using simdjson::dom::element;
using Refused = tl::unexpected<StubError>;

Refused refuse(std::string message, std::string param = {}, std::string code = {}) {
  return Refused{StubError{400, std::move(message), std::move(code), std::move(param)}};
}

/// Adds what a content says, a string or a list of text parts. False if it is neither.
bool add_content(element content, std::string& text) {
  std::string_view whole;
  if (content.get(whole) == simdjson::SUCCESS) {
    text.append(whole);
    return true;
  }
  simdjson::dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS) {
    return false;
  }
  for (const auto part : parts) {
    std::string_view type;
    std::string_view said;
    if (part["type"].get(type) != simdjson::SUCCESS) {
      return false;
    }
    if (type == "text" && part["text"].get(said) != simdjson::SUCCESS) {
      return false;
    }
    text.append(said);
  }
  return true;
}

/// What all messages of a call say.
struct Said {
  std::string user;
  std::string others;
};

std::optional<std::string> read_messages(StubApi api, element body, Said& said) {
  simdjson::dom::array messages;
  if (body["messages"].get(messages) != simdjson::SUCCESS || messages.size() == 0) {
    return "messages: at least one message is required";
  }
  for (const auto message : messages) {
    std::string_view role;
    element content;
    if (message["role"].get(role) != simdjson::SUCCESS || message["content"].get(content) != simdjson::SUCCESS) {
      return "messages: each has a role and a content";
    }
    const bool known =
        role == "user" || role == "assistant" || (api == StubApi::openai && (role == "system" || role == "developer"));
    if (!known) {
      return "messages: unexpected role \"" + std::string{role} + "\"";
    }
    auto& text = role == "user" ? said.user : said.others;
    if (!text.empty()) {
      text.push_back('\n');
    }
    if (!add_content(content, text)) {
      return "messages: content is a string or a list of parts";
    }
  }
  return std::nullopt;
}

/// The limit of an answer, 0 if there is none; a negative number if it is no limit.
std::int64_t limit_of(element body, const char* name) {
  element found;
  if (body[name].get(found) != simdjson::SUCCESS || found.is_null()) {
    return 0;
  }
  std::int64_t limit = -1;
  return found.get(limit) == simdjson::SUCCESS && limit > 0 ? limit : -1;
}

bool schema_name_fits(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::optional<StubError> wrong_response_format(element body, const Said& said) {
  element format;
  if (body["response_format"].get(format) != simdjson::SUCCESS || format.is_null()) {
    return std::nullopt;
  }
  std::string_view type;
  if (format["type"].get(type) != simdjson::SUCCESS ||
      (type != "text" && type != "json_object" && type != "json_schema")) {
    return StubError{400, "response_format.type: want text, json_object or json_schema", "invalid_value",
                     "response_format.type"};
  }
  const auto mentions_json = [](const std::string& text) {
    return text.find("json") != std::string::npos || text.find("JSON") != std::string::npos;
  };
  if (type == "json_object" && !mentions_json(said.user) && !mentions_json(said.others)) {
    return StubError{400,
                     "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                     "'json_object'.",
                     {},
                     "messages"};
  }
  std::string_view name;
  simdjson::dom::object schema;
  if (type == "json_schema" &&
      (format["json_schema"]["name"].get(name) != simdjson::SUCCESS || !schema_name_fits(name) ||
       format["json_schema"]["schema"].get(schema) != simdjson::SUCCESS)) {
    return StubError{400, "response_format.json_schema: want a name of [A-Za-z0-9_-]{1,64} and a schema",
                     "invalid_value", "response_format.json_schema"};
  }
  return std::nullopt;
}

std::optional<StubError> wrong_options(StubApi api, element body, const Said& said) {
  bool streams = false;
  if (body["stream"].get(streams) == simdjson::SUCCESS && streams) {
    return StubError{400, "stream: this simulation does not stream", {}, "stream"};
  }
  element temperature;
  if (body["temperature"].get(temperature) == simdjson::SUCCESS && !temperature.is_null()) {
    const double most = api == StubApi::openai ? 2.0 : 1.0;
    double value = -1;
    if (temperature.get(value) != simdjson::SUCCESS || value < 0 || value > most) {
      return StubError{
          400, "temperature: want a number from 0 to " + std::to_string(static_cast<int>(most)), {}, "temperature"};
    }
  }
  if (api == StubApi::openai) {
    return wrong_response_format(body, said);
  }
  element format;
  std::string_view type;
  simdjson::dom::object schema;
  if (body["output_config"]["format"].get(format) == simdjson::SUCCESS && !format.is_null() &&
      (format["type"].get(type) != simdjson::SUCCESS || type != "json_schema" ||
       format["schema"].get(schema) != simdjson::SUCCESS)) {
    return StubError{400, "output_config.format: want type json_schema and a schema", {}, {}};
  }
  if (body["response_format"].error() == simdjson::SUCCESS) {
    return StubError{400, "response_format: Extra inputs are not permitted", {}, {}};
  }
  return std::nullopt;
}

/// The schema says it, or where there is none, the instructions.
bool mentions_connections(element body, const Said& said) {
  constexpr std::string_view word = "\"connections\"";
  element schema;
  if (body["response_format"]["json_schema"].get(schema) == simdjson::SUCCESS ||
      body["output_config"]["format"].get(schema) == simdjson::SUCCESS) {
    return simdjson::minify(schema).find(word) != std::string::npos;
  }
  return said.others.find(word) != std::string::npos;
}

std::string_view openai_end(StubSaid::End end) {
  return end == StubSaid::End::length ? "length" : "stop";
}

std::string_view anthropic_end(StubSaid::End end) {
  return end == StubSaid::End::length ? "max_tokens" : end == StubSaid::End::refusal ? "refusal" : "end_turn";
}

struct Words {
  int status;
  std::string_view openai_type;
  std::string_view openai_code;
  std::string_view anthropic_type;
  std::string_view message;
};
constexpr std::array<Words, 13> words_by_status{{
    {400, "invalid_request_error", "", "invalid_request_error", "The request is not valid."},
    {401, "invalid_request_error", "invalid_api_key", "authentication_error", "Incorrect API key provided."},
    {402, "invalid_request_error", "billing_hard_limit_reached", "billing_error", "The account has no credit left."},
    {403, "invalid_request_error", "", "permission_error", "The key may not use this model."},
    {404, "invalid_request_error", "not_found", "not_found_error", "There is no such thing here."},
    {408, "timeout_error", "", "timeout_error", "The request took too long."},
    {409, "invalid_request_error", "", "conflict_error", "The request conflicts with another."},
    {413, "invalid_request_error", "request_too_large", "request_too_large", "The request is too large."},
    {422, "invalid_request_error", "", "invalid_request_error", "The request can't be worked on."},
    {429, "requests", "rate_limit_exceeded", "rate_limit_error", "Rate limit reached."},
    {503, "server_error", "", "api_error", "The engine is overloaded, please try again later."},
    {504, "timeout_error", "", "timeout_error", "The request took too long."},
    {529, "server_error", "overloaded", "overloaded_error", "Overloaded."},
}};

Words words_of(int status) {
  const auto* const found = std::ranges::find(words_by_status, status, &Words::status);
  return found != words_by_status.end() ? *found
                                        : Words{status, "server_error", "", "api_error", "Something went wrong here."};
}

void value_or_null(JsonText& json, std::string_view name, std::string_view text) {
  json.key(name);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

}  // namespace

std::string_view name(StubApi api) {
  return api == StubApi::openai ? "openai" : "anthropic";
}

std::string_view StubHeaders::get(std::string_view name) const {
  const auto found = std::ranges::find(*this, name, &value_type::first);
  return found == end() ? std::string_view{} : std::string_view{found->second};
}

void StubHeaders::set(std::string_view name, std::string value) {
  if (const auto found = std::ranges::find(*this, name, &value_type::first); found != end()) {
    found->second = std::move(value);
  } else {
    emplace_back(name, std::move(value));
  }
}

tl::expected<StubCall, StubError> read_stub_call(StubApi api, std::string_view body) {
  pipeline::JsonReader reader{stub_json_depth_max};
  if (body.empty()) {
    return refuse("The body is empty; want JSON.");
  }
  const auto root = reader.parse(body);
  if (!root) {
    return refuse("We could not parse the JSON body of your request: " + root.error().detail);
  }
  return read_stub_call(api, *root, XXH3_64bits(body.data(), body.size()));
}

tl::expected<StubCall, StubError> read_stub_call(StubApi api, element body, std::uint64_t hash) {
  StubCall call;
  call.api = api;
  call.hash = hash;
  if (std::string_view model; body["model"].get(model) == simdjson::SUCCESS && !model.empty()) {
    call.model = model;
  } else {
    return refuse(api == StubApi::openai ? "you must provide a model parameter" : "model: Field required", "model");
  }
  Said said;
  if (auto wrong = read_messages(api, body, said)) {
    return refuse(std::move(*wrong), "messages");
  }
  if (element system; api == StubApi::anthropic && body["system"].get(system) == simdjson::SUCCESS &&
                      !add_content(system, said.others)) {
    return refuse("system: want a string or text blocks", "system");
  }
  auto limit = limit_of(body, "max_tokens");
  if (api == StubApi::openai) {
    const auto newer = limit_of(body, "max_completion_tokens");
    limit = newer == 0 || limit < 0 ? limit : newer;
  }
  if (limit < 0 || (api == StubApi::anthropic && limit == 0)) {
    return refuse(limit < 0 ? "max_tokens: want a whole number above 0" : "max_tokens: Field required", "max_tokens");
  }
  if (auto wrong = wrong_options(api, body, said)) {
    return Refused{std::move(*wrong)};
  }
  call.max_tokens = limit;
  call.prompt_tokens = stub_tokens(said.user.size() + said.others.size());
  call.wants_connections = mentions_connections(body, said);
  call.prompt = std::move(said.user);
  return call;
}

std::string stub_reply_body(const StubCall& call, const StubSaid& said, std::int64_t now_ms, std::string_view tier) {
  const auto completion = stub_tokens(said.text.size());
  const bool refused = said.end == StubSaid::End::refusal;
  const auto id = stub_hex(call.hash);
  JsonText json;
  if (call.api == StubApi::openai) {
    json.object().field("id", "chatcmpl-" + id).field("object", "chat.completion").field("created", now_ms / 1000);
    json.field("model", call.model).key("choices").array().object().field("index", 0).key("message").object();
    json.field("role", "assistant");
    value_or_null(json, "content", refused ? std::string_view{} : std::string_view{said.text});
    value_or_null(json, "refusal", refused ? std::string_view{said.text} : std::string_view{});
    json.key("annotations").array().end().end().key("logprobs").null();
    json.field("finish_reason", openai_end(said.end)).end().end().key("usage").object();
    json.field("prompt_tokens", call.prompt_tokens).field("completion_tokens", completion);
    json.field("total_tokens", call.prompt_tokens + completion).key("prompt_tokens_details").object();
    json.field("cached_tokens", 0).field("audio_tokens", 0).end().key("completion_tokens_details").object();
    json.field("reasoning_tokens", 0).field("audio_tokens", 0).field("accepted_prediction_tokens", 0);
    json.field("rejected_prediction_tokens", 0).end().end().field("service_tier", "default");
    return json.field("system_fingerprint", stub_fingerprint).end().text();
  }
  json.object().field("id", "msg_" + id).field("type", "message").field("role", "assistant");
  json.field("model", call.model).field("system_fingerprint", stub_fingerprint).key("content").array();
  if (!refused) {
    json.object().field("type", "text").field("text", said.text).end();
  }
  json.end().field("stop_reason", anthropic_end(said.end)).key("stop_sequence").null().key("usage").object();
  json.field("input_tokens", call.prompt_tokens).field("cache_creation_input_tokens", 0);
  json.field("cache_read_input_tokens", 0).key("cache_creation").object().field("ephemeral_5m_input_tokens", 0);
  json.field("ephemeral_1h_input_tokens", 0).end().field("output_tokens", completion);
  return json.field("service_tier", tier).end().end().text();
}

std::string stub_error_body(StubApi api, const StubError& error, std::string_view request_id) {
  const auto words = words_of(error.status);
  const auto message = error.message.empty() ? words.message : std::string_view{error.message};
  JsonText json;
  if (api == StubApi::openai) {
    json.object().key("error").object().field("message", message);
    json.field("type", error.code == "insufficient_quota" ? std::string_view{"insufficient_quota"} : words.openai_type);
    value_or_null(json, "param", error.param);
    value_or_null(json, "code", error.code.empty() ? words.openai_code : std::string_view{error.code});
    return json.end().end().text();
  }
  json.object().field("type", "error").key("error").object();
  json.field("type", error.code.empty() ? words.anthropic_type : std::string_view{error.code});
  return json.field("message", message).end().field("request_id", request_id).end().text();
}

StubReply stub_error(StubApi api, const StubError& error, std::string_view request_id) {
  return {error.status, stub_error_body(api, error, request_id), "application/json", {}};
}

std::string stub_hex(std::uint64_t number) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(number));
  return digits.data();
}

std::string stub_http_date(std::int64_t ms_since_1970) {
  using std::chrono::days, std::chrono::milliseconds;
  constexpr std::array<const char*, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<milliseconds> time{milliseconds{ms_since_1970}};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                weekdays[std::chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
                months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

}  // namespace alluvium::connectors
