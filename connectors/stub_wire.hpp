// SPDX-License-Identifier: Apache-2.0
// The two model APIs as the simulated server speaks them: reads calls, writes answers and errors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simdjson.h>
#include <tl/expected.hpp>

#include "connectors/stub_answers.hpp"

namespace alluvium::connectors {

enum class StubApi : std::uint8_t { openai, anthropic };
[[nodiscard]] std::string_view name(StubApi api);

/// Objects and lists within each other, in what the server reads.
inline constexpr std::size_t stub_json_depth_max = 64;
/// What stands in system_fingerprint, and in the server header.
inline constexpr std::string_view stub_fingerprint = "alluvium-stub-model (simulation)";

struct StubHeaders : std::vector<std::pair<std::string, std::string>> {
  /// Empty if there is none. Names are in lower case.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  /// Replaces one of that name.
  void set(std::string_view name, std::string value);
};

struct StubRequest {
  std::string method;
  std::string path;   ///< Without the query, and without /v1 before it.
  std::string query;  ///< After the question mark.
  StubHeaders headers;
  std::string body;
  bool keep_alive = true;
};

struct StubReply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  StubHeaders headers;
};

/// Why a call is refused. Empty words become the API's own for that status.
struct StubError {
  int status = 400;
  std::string message;
  std::string code;   ///< OpenAI's error.code; Anthropic's error.type.
  std::string param;  ///< OpenAI's.
};

/// A call of a model, found to be valid.
struct StubCall {
  StubApi api = StubApi::openai;
  std::string model;
  std::string prompt;  ///< What the user messages say.
  std::int64_t prompt_tokens = 0;
  std::int64_t max_tokens = 0;     ///< 0: the call sets no limit (OpenAI).
  bool wants_connections = false;  ///< Its schema names them; without one, its instructions.
  std::uint64_t hash = 0;          ///< XXH3 of the body.
};

/// Reads the body as strictly as the real API: what that refuses is refused.
[[nodiscard]] tl::expected<StubCall, StubError> read_stub_call(StubApi api, std::string_view body);
[[nodiscard]] tl::expected<StubCall, StubError> read_stub_call(StubApi api, simdjson::dom::element body,
                                                               std::uint64_t hash);

/// What the model said, and how it came to an end, in words of neither API.
struct StubSaid {
  enum class End : std::uint8_t { whole, length, refusal };
  std::string text;
  End end = End::whole;
};

/// The reply's body: a chat.completion, or a message. `tier`: Anthropic's usage.service_tier.
[[nodiscard]] std::string stub_reply_body(const StubCall& call, const StubSaid& said, std::int64_t now_ms,
                                          std::string_view tier = "standard");
[[nodiscard]] std::string stub_error_body(StubApi api, const StubError& error, std::string_view request_id);
[[nodiscard]] StubReply stub_error(StubApi api, const StubError& error, std::string_view request_id);

/// 16 hex digits.
[[nodiscard]] std::string stub_hex(std::uint64_t number);
/// Sun, 06 Nov 1994 08:49:37 GMT
[[nodiscard]] std::string stub_http_date(std::int64_t ms_since_1970);

}  // namespace alluvium::connectors
