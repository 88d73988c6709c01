// SPDX-License-Identifier: Apache-2.0
// What the APIs have in common: keys, headers, and the many forms of an error.
#include "connectors/model_wire.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "pipeline/json_reader.hpp"

namespace alluvium::connectors {

using pipeline::ModelReply;
using simdjson::dom::element;

namespace {

constexpr std::int64_t count_max = 1'000'000'000'000;
constexpr std::size_t quotas_max = 8;  // Named of one error.
constexpr std::chrono::milliseconds wait_max = std::chrono::hours{24};

std::optional<std::int64_t> as_count(element value) {
  std::int64_t whole = 0;
  double number = 0;
  if (value.get(whole) != simdjson::SUCCESS) {
    if (value.get(number) != simdjson::SUCCESS || !(number >= 0 && number <= static_cast<double>(count_max))) {
      return std::nullopt;
    }
    whole = std::llround(number);
  }
  return whole >= 0 && whole <= count_max ? std::optional{whole} : std::nullopt;
}

/// A code is a text, or a number in llama.cpp and Gemini.
std::string code_at(element object) {
  if (const auto text = text_at(object, "code"); !text.empty()) {
    return clipped(text, api_word_bytes_max);
  }
  const auto number = count_at(object, "code");
  return number ? std::to_string(*number) : std::string{};
}

/// Gemini says how long to wait, and for which quota, in a list of details.
void read_details(element error, ModelReply& reply, std::int64_t now_ms) {
  const auto details = array_at(error, "details");
  if (!details) {
    return;
  }
  std::size_t quotas = 0;
  for (const auto detail : *details) {
    if (const auto delay = text_at(detail, "retryDelay"); !delay.empty() && !reply.retry_after) {
      reply.retry_after = pipeline::parse_limit_reset(delay, now_ms);
    }
    const auto violations = array_at(detail, "violations");
    if (!violations) {
      continue;
    }
    for (const auto violation : *violations) {
      const auto quota = text_at(violation, "quotaId");
      if (!quota.empty() && ++quotas <= quotas_max) {
        reply.error_message += " (quota " + clipped(quota, api_word_bytes_max * 2) + ")";
      }
    }
  }
}

std::optional<std::chrono::milliseconds> read_milliseconds(std::string_view text) {
  double ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || !(ms >= 0)) {
    return std::nullopt;
  }
  return std::chrono::milliseconds{std::llround(std::min(std::ceil(ms), static_cast<double>(wait_max.count())))};
}

/// The latest reset of the limits that have nothing left.
std::optional<std::chrono::milliseconds> read_limit_reset(const HttpReply& http, std::int64_t now_ms) {
  struct Limit {
    std::string_view remaining, reset;
  };
  constexpr std::array limits{
      Limit{"x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"},
      Limit{"x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"},
      Limit{"anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"},
      Limit{"anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"},
      Limit{"anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"},
      Limit{"anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"},
  };
  std::optional<std::chrono::milliseconds> latest;
  for (const auto& limit : limits) {
    const auto remaining = http.header(limit.remaining);
    if (remaining.empty() || remaining.find_first_not_of('0') != std::string_view::npos) {
      continue;
    }
    if (const auto reset = pipeline::parse_limit_reset(http.header(limit.reset), now_ms)) {
      latest = std::max(latest.value_or(*reset), *reset);
    }
  }
  return latest;
}

void read_headers(const HttpReply& http, ModelReply& reply, std::int64_t now_ms) {
  reply.retry_after = read_milliseconds(http.header("retry-after-ms"));
  if (const auto text = http.header("retry-after"); !reply.retry_after && !text.empty()) {
    reply.retry_after = pipeline::parse_retry_after(text, now_ms);
  }
  if (const auto text = http.header("x-should-retry"); text == "true" || text == "false") {
    reply.should_retry = text == "true";
  }
  reply.limit_reset = read_limit_reset(http, now_ms);
  auto id = http.header("x-request-id");
  id = id.empty() ? http.header("request-id") : id;
  reply.request_id = clipped(id, api_word_bytes_max);
}

}  // namespace

std::string_view text_at(element object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

std::optional<std::int64_t> count_at(element object, std::string_view key) {
  element value;
  return object[key].get(value) == simdjson::SUCCESS ? as_count(value) : std::nullopt;
}

std::optional<element> object_at(element object, std::string_view key) {
  element value;
  return object[key].get(value) == simdjson::SUCCESS && value.is_object() ? std::optional{value} : std::nullopt;
}

std::optional<simdjson::dom::array> array_at(element object, std::string_view key) {
  simdjson::dom::array value;
  return object[key].get(value) == simdjson::SUCCESS ? std::optional{value} : std::nullopt;
}

std::string clipped(std::string_view utf8, std::size_t bytes_max) {
  if (utf8.size() > bytes_max) {
    while (bytes_max > 0 && (static_cast<unsigned char>(utf8[bytes_max]) & 0xC0U) == 0x80U) {
      --bytes_max;
    }
    utf8 = utf8.substr(0, bytes_max);
  }
  return std::string{utf8};
}

std::string target_prefix(const EndpointOptions& options, const std::string& base_path) {
  return options.api == "anthropic" && !base_path.ends_with("/v1") ? "/v1" : "";
}

std::vector<std::pair<std::string, std::string>> api_headers(const EndpointOptions& options) {
  std::vector<std::pair<std::string, std::string>> headers{{"Accept", "application/json"}};
  const bool anthropic = options.api == "anthropic";
  if (anthropic) {
    headers.emplace_back("anthropic-version", options.anthropic_version);
  }
  if (!options.api_key.empty()) {
    headers.emplace_back(anthropic ? "x-api-key" : "Authorization", (anthropic ? "" : "Bearer ") + options.api_key);
  }
  return headers;
}

void read_error(element root, ModelReply& reply, std::int64_t now_ms) {
  if (simdjson::dom::array list; root.get(list) == simdjson::SUCCESS) {  // Gemini may wrap it.
    if (list.size() == 0) {
      return;
    }
    root = list.at(0).value_unsafe();
  }
  // {"error":{...}}, else {"error":"text"}, else the fields stand at the top.
  const auto inner = object_at(root, "error");
  const auto error = inner.value_or(root);
  reply.error_type = clipped(text_at(error, "type"), api_word_bytes_max);
  if (reply.error_type.empty()) {
    reply.error_type = clipped(text_at(error, "status"), api_word_bytes_max);
  }
  reply.error_code = code_at(error);
  for (const auto* key : {"message", "error", "detail"}) {
    if (reply.error_message.empty()) {
      reply.error_message = clipped(text_at(error, key), error_bytes_max);
    }
  }
  read_details(error, reply, now_ms);
}

ModelReply read_reply(const HttpReply& http, ReadAnswer read_answer, std::int64_t now_ms) {
  ModelReply reply;
  reply.transport = http.transport;
  reply.timed_out = http.timed_out;
  reply.took = http.took;
  if (http.transport != ModelReply::Transport::answered) {
    reply.error_message = clipped(http.error, error_bytes_max);
    return reply;
  }
  reply.status = http.status;
  read_headers(http, reply, now_ms);
  if (http.too_large) {
    reply.error_message = "the reply is too long";
    return reply;
  }
  const bool success = http.status >= 200 && http.status < 300;
  if (http.body.empty() || (success && read_answer == nullptr)) {
    return reply;
  }
  pipeline::JsonReader reader{reply_depth_max};
  const auto root = reader.parse(http.body);
  if (!root) {  // A proxy's page, mostly: nothing of it is worth keeping.
    return reply;
  }
  if (success) {
    read_answer(*root, reply);
  }
  if (!reply.readable) {
    read_error(*root, reply, now_ms);
  }
  return reply;
}

}  // namespace alluvium::connectors
