// SPDX-License-Identifier: Apache-2.0
// Memories, batch records and dead letters as the JSON that users hold on to.
#pragma once

#include <string>

#include "connectors/sqlite_reader.hpp"

namespace alluvium::app {

// One JSON object without a line end each. Names and order are the product's contract.
[[nodiscard]] std::string memory_json(const connectors::MemoryRow& memory);
[[nodiscard]] std::string batch_json(const connectors::BatchRow& batch);
/// `payload` is text; bytes that are not UTF-8 show as U+FFFD, and then `payload_base64` has them
/// as they came.
[[nodiscard]] std::string dead_letter_json(const connectors::DeadLetterRow& row);
[[nodiscard]] std::string partition_json(const connectors::PartitionRow& row);
[[nodiscard]] std::string audit_json(const pipeline::AuditReport& report);

/// TOPIC/PARTITION/OFFSET, in a bundle /INDEX after it.
[[nodiscard]] std::string place(const std::string& topic, std::int32_t partition, const pipeline::Position& position);

}  // namespace alluvium::app
