// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_rows.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <simdjson.h>

#include "connectors/sqlite_message_ids.hpp"
#include "pipeline/json_text.hpp"
#include "pipeline/position_codec.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::DeadReason;

constexpr std::array reasons{DeadReason::empty,      DeadReason::too_large,     DeadReason::not_utf8,
                             DeadReason::not_json,   DeadReason::too_deep,      DeadReason::wrong_type,
                             DeadReason::no_content, DeadReason::invalid_field, DeadReason::refused_by_model};

DeadReason reason_named(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(reasons, [name](DeadReason reason) { return pipeline::name(reason) == name; });
  if (found == reasons.end()) {
    throw SqliteFailure{pipeline::Errc::unsafe_to_go_on, "a dead letter has an unknown reason: " + std::string{name}};
  }
  return *found;
}

/// A JSON list as it is stored; what is none is an empty one.
std::string list_text(std::string_view json) {
  if (json == "[]") {
    return "[]";
  }
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(json.data(), json.size()).get_array().get(array) != simdjson::SUCCESS) {
    return "[]";
  }
  return std::string{json};
}

}  // namespace

std::vector<std::string> json_list(std::string_view json) {
  std::vector<std::string> items;
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(json.data(), json.size()).get_array().get(array) != simdjson::SUCCESS) {
    return items;
  }
  for (const auto element : array) {
    std::string_view item;
    if (element.get_string().get(item) == simdjson::SUCCESS) {
      items.emplace_back(item);
    }
  }
  return items;
}

MemoryRow read_memory(Statement& row) {
  return {.id = std::string{row.text(0)},
          .agent_id = std::string{row.text(1)},
          .session_id = std::string{row.text(2)},
          .user_id = std::string{row.text(3)},
          .content = std::string{row.text(4)},
          .type = std::string{row.text(5)},
          .method = std::string{row.text(6)},
          .rule_id = std::string{row.text(7)},
          .batch_id = std::string{row.text(8)},
          .created_at = pipeline::iso8601(row.integer(9)),
          .importance = row.real(10),
          .keywords = json_list(row.text(11)),
          .source_message_ids = json_list(row.text(12)),
          .connections = list_text(row.text(13)),
          .model = std::string{row.text(14)},
          .prompt_id = std::string{row.text(15)},
          .request = row.integer(16)};
}

DuplicateRow read_duplicate(Statement& row) {
  return {.memory = read_memory(row), .into = std::string{row.text(17)}, .why = std::string{row.text(18)}};
}

BatchRow read_batch(Statement& row) {
  BatchRow batch{.id = std::string{row.text(0)},
                 .agent_id = std::string{row.text(1)},
                 .topic = std::string{row.text(2)},
                 .outcome = std::string{row.text(3)},
                 .partition = static_cast<std::int32_t>(row.integer(4)),
                 .message_ids = {},
                 .outcomes = {},
                 .positions = {},
                 .worths = {},
                 .started_ms = row.integer(8),
                 .ended_ms = row.integer(9),
                 .memories = row.integer(10),
                 .rebuilt = row.integer(12) != 0,
                 .calls = {},
                 .requests = {}};
  auto positions = pipeline::decode_positions(row.blob(7));
  const auto letters = row.text(6);
  if (positions) {
    batch.positions = std::move(*positions);
    batch.message_ids = split_message_ids(row.is_null(5) ? std::nullopt : std::optional{row.text(5)},
                                          {.topic = batch.topic, .partition = batch.partition}, batch.positions);
  }
  for (const auto letter : letters) {
    if (const auto outcome = outcome_of_letter(letter)) {
      batch.outcomes.push_back(*outcome);
    }
  }
  const auto scores = row.blob(13);
  for (std::size_t i = 0; i + 1 < scores.size(); i += 2) {
    batch.worths.push_back(
        {.score = static_cast<std::uint8_t>(scores[i]), .threshold = static_cast<std::uint8_t>(scores[i + 1])});
  }
  if (!positions || (!batch.worths.empty() && batch.worths.size() != batch.positions.size()) ||
      batch.message_ids.size() != batch.positions.size() || batch.outcomes.size() != batch.positions.size()) {
    throw SqliteFailure{pipeline::Errc::unsafe_to_go_on, "batch row " + std::to_string(row.integer(11)) +
                                                             ": positions, ids and outcomes do not belong together"};
  }
  return batch;
}

DeadLetterRow read_dead_letter(Statement& row) {
  return {.number = row.integer(0),
          .topic = std::string{row.text(1)},
          .partition = static_cast<std::int32_t>(row.integer(2)),
          .created_ms = row.integer(3),
          .letter = {.position = {.offset = row.integer(4),
                                  .index = static_cast<std::uint32_t>(row.integer(5)),
                                  .count = static_cast<std::uint32_t>(row.integer(6))},
                     .key = std::string{row.blob(7)},
                     .message_id = std::string{row.text(8)},
                     .reason = reason_named(row.text(9)),
                     .detail = std::string{row.text(10)},
                     .payload = std::string{row.blob(11)},
                     .payload_bytes = static_cast<std::uint64_t>(row.integer(12)),
                     .timestamp_ms = row.integer(13)}};
}

}  // namespace alluvium::connectors
