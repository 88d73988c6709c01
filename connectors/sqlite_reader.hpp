// SPDX-License-Identifier: Apache-2.0
// Reads a store that an engine may be writing to: what the command line shows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/dead_letter.hpp"
#include "pipeline/error.hpp"
#include "pipeline/ledger_audit.hpp"
#include "pipeline/memory.hpp"

namespace alluvium::connectors {

struct MemoryRow {
  std::string id, agent_id, session_id, user_id, content, type, method, rule_id, batch_id, created_at;
  double importance = 0;
  std::vector<std::string> keywords, source_message_ids;
};

struct BatchRow {
  std::string id, agent_id, topic, outcome;  ///< outcome: extracted|empty|skipped|error
  std::int32_t partition = 0;
  std::vector<std::string> message_ids;
  std::vector<pipeline::Outcome> outcomes;    ///< Per message.
  std::vector<pipeline::Position> positions;  ///< Per message.
  std::int64_t started_ms = 0, ended_ms = 0;
  std::int64_t memories = 0;  ///< Stored from it.
};

struct DeadLetterRow {
  std::int64_t number = 0;  ///< For `dead-letters show|retry|drop`.
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t created_ms = 0;
  pipeline::DeadLetter letter;
};

struct PartitionRow {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t start_offset = 0, watermark = 0,
               done_above = 0;  ///< done_above: settled at or above the watermark.
  std::int64_t gaps = 0, lost = 0, batches = 0, seq = 0;
  pipeline::OutcomeCounts outcomes;
};

struct RowFilter {
  std::string agent_id;  ///< Empty: all.
  std::int64_t limit = -1;
};

/// Callbacks return false to stop. Every call reads one consistent snapshot.
class SqliteReader {
 public:
  /// `invalid_config` if there is no such file; `unsafe_to_go_on` if it is not a store of ours.
  [[nodiscard]] static pipeline::Result<std::unique_ptr<SqliteReader>> open(const std::string& path);
  virtual ~SqliteReader() = default;

  virtual pipeline::Result<void> memories(const RowFilter& filter,
                                          const std::function<bool(const MemoryRow&)>& each) = 0;
  virtual pipeline::Result<void> batches(const RowFilter& filter, const std::function<bool(const BatchRow&)>& each) = 0;
  virtual pipeline::Result<void> dead_letters(const RowFilter& filter,
                                              const std::function<bool(const DeadLetterRow&)>& each) = 0;
  virtual pipeline::Result<std::vector<PartitionRow>> partitions() = 0;
  virtual pipeline::Result<std::optional<MemoryRow>> memory(const std::string& id) = 0;
  virtual pipeline::Result<std::optional<BatchRow>> batch(const std::string& id) = 0;
  /// In = out, from the store alone.
  virtual pipeline::Result<std::vector<pipeline::AuditReport>> verify() = 0;
  /// Takes a dead letter's payload away (its offset stays accounted for). False if there is none.
  virtual pipeline::Result<bool> drop_dead_letter(std::int64_t number) = 0;
};

}  // namespace alluvium::connectors
