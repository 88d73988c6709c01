// SPDX-License-Identifier: Apache-2.0
// How the two APIs write what a model is asked, and how their replies read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "connectors/http_client.hpp"
#include "connectors/model_endpoint.hpp"
#include "pipeline/model_ports.hpp"
#include "pipeline/model_reply.hpp"

namespace alluvium::connectors {

inline constexpr std::size_t reply_depth_max = 64;     ///< Objects and lists within each other, in any reply.
inline constexpr std::size_t error_bytes_max = 500;    ///< Kept of an error's message.
inline constexpr std::size_t api_word_bytes_max = 64;  ///< Kept of types, codes, finish reasons and request ids.

/// Fills what an answer says: readable, text, finish, usage. Leaves everything as it is if `root` is no answer.
using ReadAnswer = void (*)(simdjson::dom::element root, pipeline::ModelReply& reply);

[[nodiscard]] std::string openai_body(const EndpointOptions& options, const pipeline::ModelPrompt& prompt);
void read_openai_answer(simdjson::dom::element root, pipeline::ModelReply& reply);

[[nodiscard]] std::string anthropic_body(const EndpointOptions& options, const pipeline::ModelPrompt& prompt);
void read_anthropic_answer(simdjson::dom::element root, pipeline::ModelReply& reply);

/// Where an API's targets begin after the base URL, and with which headers: Content-Type is not among them.
[[nodiscard]] std::string target_prefix(const EndpointOptions& options, const std::string& base_path);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> api_headers(const EndpointOptions& options);

/// Fills what an error body says, in any of the providers' forms.
void read_error(simdjson::dom::element root, pipeline::ModelReply& reply, std::int64_t now_ms);
/// All that a reply says. `read_answer` may be null: then a reply with status 2xx is not looked into.
[[nodiscard]] pipeline::ModelReply read_reply(const HttpReply& http, ReadAnswer read_answer, std::int64_t now_ms);

// What is read out of JSON that others wrote: nothing, where it is of another type.
/// A text; empty if it is none. Valid as long as the parser's document.
[[nodiscard]] std::string_view text_at(simdjson::dom::element object, std::string_view key);
/// A count of something, 0 to 10^12: beyond that it is no count.
[[nodiscard]] std::optional<std::int64_t> count_at(simdjson::dom::element object, std::string_view key);
[[nodiscard]] std::optional<simdjson::dom::element> object_at(simdjson::dom::element object, std::string_view key);
[[nodiscard]] std::optional<simdjson::dom::array> array_at(simdjson::dom::element object, std::string_view key);
/// The first `bytes_max` bytes at most, no character cut in two.
[[nodiscard]] std::string clipped(std::string_view utf8, std::size_t bytes_max);

}  // namespace alluvium::connectors
