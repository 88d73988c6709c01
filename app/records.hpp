// SPDX-License-Identifier: Apache-2.0
// Memories, batch records and dead letters as the JSON that users hold on to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/sqlite_reader.hpp"
#include "pipeline/json_text.hpp"
#include "pipeline/money.hpp"

namespace alluvium::app {

// One JSON object without a line end each. Names and order are the product's contract.
[[nodiscard]] std::string memory_json(const connectors::MemoryRow& memory);
/// `with_requests`: also the requests to models that wait, if there are any.
[[nodiscard]] std::string batch_json(const connectors::BatchRow& batch, bool with_requests = false);
/// `payload` is text; bytes that are not UTF-8 show as U+FFFD, and then `payload_base64` has them
/// as they came.
[[nodiscard]] std::string dead_letter_json(const connectors::DeadLetterRow& row);
[[nodiscard]] std::string partition_json(const connectors::PartitionRow& row);
[[nodiscard]] std::string audit_json(const pipeline::AuditReport& report);

/// What calls of models came to.
struct Usage {
  std::int64_t calls = 0;
  std::int64_t possibly_paid = 0;  ///< Of the calls: without a reply. Their tokens and cost nobody knows.
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  std::optional<pipeline::Money> cost = pipeline::Money{};  ///< Nothing: a price is unknown.
};
/// `tier`: only of this tier's; empty: of all.
[[nodiscard]] Usage usage_of(const std::vector<connectors::CallSums>& calls, std::string_view tier = {});
/// "tokens_used", "cost_usd" (null if unknown), and "possibly_paid_calls" if there are any.
void add_usage(pipeline::JsonText& json, const Usage& usage);
[[nodiscard]] std::string usage_text(const Usage& usage);
/// Why a request of the batch waits in the backlog; empty if none does.
[[nodiscard]] std::string error_of(const connectors::BatchRow& batch);
/// `due` is null if it may be sent at once.
void add_request(pipeline::JsonText& json, const connectors::RequestRow& request);

/// "score -3.21, threshold -4.02"; noise has no threshold.
[[nodiscard]] std::string worth_text(const pipeline::Worth& worth);
/// "score" and "threshold" (null for noise).
void add_worth(pipeline::JsonText& json, const pipeline::Worth& worth);

/// TOPIC/PARTITION/OFFSET, in a bundle /INDEX after it.
[[nodiscard]] std::string place(const std::string& topic, std::int32_t partition, const pipeline::Position& position);

}  // namespace alluvium::app
