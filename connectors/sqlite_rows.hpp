// SPDX-License-Identifier: Apache-2.0
// Reads the store's rows into the values of sqlite_reader.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_reader.hpp"

namespace alluvium::connectors {

/// The strings of a JSON array as the store writes it; what is not one gives none.
[[nodiscard]] std::vector<std::string> json_list(std::string_view json);

// Each query goes with the function that reads its rows; conditions and order are appended to it.
inline constexpr std::string_view memory_query =
    "SELECT m.memory_id, m.agent_id, m.session_id, m.user_id, m.content, m.type, m.extraction_method, m.rule_id,"
    " b.batch_id, m.created_ms, m.importance, m.keywords, m.source_message_ids, m.connections,"
    " m.model, m.prompt_id, m.request"
    " FROM memories m LEFT JOIN batches b ON b.id = m.batch ";
[[nodiscard]] MemoryRow read_memory(Statement& row);

inline constexpr std::string_view duplicate_query =
    "SELECT m.memory_id, m.agent_id, m.session_id, m.user_id, m.content, m.type, m.extraction_method, m.rule_id,"
    " b.batch_id, m.created_ms, m.importance, m.keywords, m.source_message_ids, '[]',"
    " m.model, m.prompt_id, m.request, k.memory_id, m.why"
    " FROM duplicates m LEFT JOIN batches b ON b.id = m.batch LEFT JOIN memories k ON k.id = m.kept ";
[[nodiscard]] DuplicateRow read_duplicate(Statement& row);

inline constexpr std::string_view batch_query =
    "SELECT b.batch_id, b.agent_id, p.topic, b.outcome, p.partition, b.message_ids, b.outcomes, b.positions,"
    " b.started_ms, b.ended_ms, b.memories, b.id, coalesce(p.rebuilt, 0) <> 0, b.scores"
    " FROM batches b LEFT JOIN partitions p ON p.id = b.partition_id ";
inline constexpr int batch_row_column = 11;  ///< Its number in the store.
/// Without its calls and requests: ModelWork has them. Throws SqliteFailure if positions, ids and outcomes do not
/// belong together.
[[nodiscard]] BatchRow read_batch(Statement& row);

inline constexpr std::string_view dead_letter_query =
    "SELECT d.id, p.topic, p.partition, d.created_ms, d.offset, d.bundle_index, d.bundle_count, d.key, d.message_id,"
    " d.reason, d.detail, d.payload, d.payload_bytes, d.timestamp_ms"
    " FROM dead_letters d LEFT JOIN partitions p ON p.id = d.partition_id WHERE d.dropped = 0 ";
[[nodiscard]] DeadLetterRow read_dead_letter(Statement& row);

}  // namespace alluvium::connectors
