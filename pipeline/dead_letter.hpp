// SPDX-License-Identifier: Apache-2.0
// A message that could not be processed, kept with the reason.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/message.hpp"

namespace alluvium::pipeline {

/// Why, as a word that scripts can hold on to.
enum class DeadReason : std::uint8_t {
  empty,          ///< No value (a tombstone), only blanks, or a bundle without messages.
  too_large,      ///< Record or message beyond its limit.
  not_utf8,       ///< Bytes that are not UTF-8 text.
  not_json,       ///< Not one JSON object; truncated; a schema-registry payload that is not JSON.
  too_deep,       ///< Nested beyond the limit.
  wrong_type,     ///< A field holds what it can't: content is a number, agent_id an object.
  no_content,     ///< A chat message without text.
  invalid_field,  ///< A field that is there but can't be used: an id or agent id that is too long.
  refused_by_model,  ///< The model's endpoint can't take it, not even alone; its batch has the rest.
};
[[nodiscard]] std::string_view name(DeadReason reason);

/// Bytes of the record kept in a dead letter. A record that fits is kept whole, so that it can be
/// tried again.
inline constexpr std::size_t dead_letter_payload_bytes_max = 4096;
/// And in all dead letters of one bundle together: later ones have no payload.
inline constexpr std::size_t dead_letter_payload_bytes_of_a_record = std::size_t{64} << 10;

struct DeadLetter {
  Position position;
  std::string key;         ///< First 256 bytes of the record's key.
  std::string message_id;  ///< If it could be read, else the one it would have had by default.
  DeadReason reason = DeadReason::not_json;
  std::string detail;               ///< One sentence for a person: which field, which limit, at which byte.
  std::string payload;              ///< The first bytes of the record (dead_letter_payload_bytes_max), as they came.
  std::uint64_t payload_bytes = 0;  ///< How long the record was.
  std::int64_t timestamp_ms = 0;    ///< Of the record.
};

}  // namespace alluvium::pipeline
