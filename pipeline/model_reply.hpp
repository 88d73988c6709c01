// SPDX-License-Identifier: Apache-2.0
// How one call of a model ended, and what that means for the request.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace alluvium::pipeline {

/// Tokens of one call as the provider counted them. `prompt` is all that went in, `cached` and `cache_write` parts of it.
struct TokenUsage {
  std::int64_t prompt = 0;
  std::int64_t completion = 0;
  std::int64_t cached = 0;
  std::int64_t cache_write = 0;
  bool operator==(const TokenUsage&) const = default;
};

/// What came back, before anything is made of it.
struct ModelReply {
  /// How far it went. `not_sent`: nothing of the request reached the server (refused, no TLS, no name): it can't have
  /// been paid for. `lost`: the request went out and no whole reply came back (time-out, reset, cut off): it may have
  /// been. `answered`: a whole HTTP reply.
  enum class Transport : std::uint8_t { answered, not_sent, lost };
  Transport transport = Transport::answered;
  bool timed_out = false;  ///< Of a `lost` or `not_sent` one.
  int status = 0;          ///< HTTP's; 0 unless answered.

  // Of an answer (status 200). `text` is what the model said; empty if the body could not be read as the API's reply.
  bool readable = false;  ///< The body is the API's reply with a text in it.
  std::string text;
  std::string finish;  ///< stop, length, refusal, content_filter...; Anthropic's end_turn and max_tokens are stop, length.
  std::optional<TokenUsage> usage;

  // Of an error: what its body says (providers.md calls them type, code, message); empty if it says nothing.
  std::string error_type, error_code, error_message;
  std::optional<std::chrono::milliseconds> retry_after;  ///< Retry-After(-ms), Gemini's RetryInfo; from now.
  std::optional<bool> should_retry;                      ///< x-should-retry
  /// When a rate limit that has nothing left is filled again, from now; from the x-ratelimit-* or
  /// anthropic-ratelimit-* headers with remaining 0.
  std::optional<std::chrono::milliseconds> limit_reset;
  std::string request_id;  ///< The provider's, for its support.
  std::chrono::milliseconds took{0};
};

/// What happens next to the request.
enum class ReplyClass : std::uint8_t {
  answered,   ///< There is a text.
  retry,      ///< 408, 409, 425, 500, 502, 503, 504, 529, 429, refused, reset, time-out: again, after a delay.
  ask_again,  ///< 200 without a readable reply, or a refusal: once more, then bisect.
  cut_off,    ///< finish length and nothing usable: once with a larger limit, then bisect.
  bisect,     ///< 400, 413, 422, context exceeded: the request itself is at fault: halves, until the bad message is alone.
  blocked,    ///< 401, 402, 403, 404, billing_error, insufficient_quota, a quota per day: the endpoint, not the request.
};
/// `x-should-retry: false` turns retry into blocked for 429, into bisect for other statuses.
[[nodiscard]] ReplyClass classify(const ModelReply& reply);
/// True if it says that the endpoint has too much to do: 429, 529, 503, 5xx, time-outs. The limiter shrinks.
[[nodiscard]] bool is_overload(const ModelReply& reply);
/// One line for people and for the store: "429 rate_limit_error: ...", at most 300 bytes, valid UTF-8, no message text.
[[nodiscard]] std::string describe(const ModelReply& reply);

/// Retry-After as seconds (also fractions) or as HTTP date (all three forms of RFC 9110), within 0 and a day.
/// `now_ms`: UTC.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, std::int64_t now_ms);
/// OpenAI's reset durations: 1s, 6m0s, 12ms, 59.5s, 1h2m3s; or Anthropic's RFC 3339 time.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_limit_reset(std::string_view text, std::int64_t now_ms);

}  // namespace alluvium::pipeline
