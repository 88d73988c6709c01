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
#include "pipeline/money.hpp"

namespace alluvium::connectors {

struct MemoryRow {
  std::string id, agent_id, session_id, user_id, content, type, method, rule_id, batch_id, created_at;
  double importance = 0;
  std::vector<std::string> keywords, source_message_ids;
  std::string connections = "[]";          ///< JSON: a list of objects.
  std::string model = {}, prompt_id = {};  ///< Empty: made by a rule.
  std::int64_t request = 0;                ///< Whose answer it is in: calls_of(). 0: made by a rule.
};

/// A memory that was merged into another one by near dedupe.
struct DuplicateRow {
  MemoryRow memory;
  std::string into;  ///< The id of the one that is kept.
  std::string why;   ///< same key: the same words; near: but for a typo; model: a model says so.
};

/// What a model was asked of a memory, or of one that is written like it, and another one.
struct VerdictRow {
  std::string other;         ///< The other's id at that time.
  std::string verdict;       ///< same|update|different|unsure; asked: there is no answer yet.
  std::string model;         ///< Empty: no answer.
  std::int64_t request = 0;  ///< calls_of()
};

/// Calls of models about messages of one batch that ended alike, together.
struct CallSums {
  std::string tier, model;
  std::string outcome;  ///< answered|failed|cached|possibly_paid
  std::int64_t calls = 0, prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0;
  std::int64_t memories = 0;                 ///< Stored from their answers.
  std::optional<pipeline::Money> cost = {};  ///< Nothing: a price is unknown.
};

/// A request to a model that has no answer yet.
struct RequestRow {
  std::int64_t number = 0;
  std::string tier, mode, state;  ///< state: gathering|queued|sent|submitted|degraded|parked
  std::int64_t attempts = 0;      ///< Sends in this round.
  std::int64_t due_ms = 0;        ///< UTC: not before; gathering: at the latest.
  std::int64_t created_ms = 0;    ///< UTC.
  std::int64_t messages = 0;
  std::string reason = {};                 ///< Of the last failure; empty: none.
  std::vector<std::uint32_t> places = {};  ///< Of its messages in the batch: only from batch().
};

struct BatchRow {
  /// outcome: extracted|empty|skipped|error|pending. error: nothing was found, and a model refused a message of it, or
  /// does not answer and is asked again later.
  std::string id, agent_id, topic, outcome;
  std::int32_t partition = 0;
  std::vector<std::string> message_ids;
  std::vector<pipeline::Outcome> outcomes;    ///< Per message.
  std::vector<pipeline::Position> positions;  ///< Per message.
  std::vector<pipeline::Worth> worths;        ///< Per message; none unless they were selected by value.
  std::int64_t started_ms = 0, ended_ms = 0;
  std::int64_t memories = 0;  ///< Stored from it.
  bool rebuilt = false;       ///< By a rebuild: what earlier batches say of its messages is no more.
  std::vector<CallSums> calls = {};
  std::vector<RequestRow> requests = {};
};

/// A message that a memory rests on.
struct SourceRow {
  std::string message_id, topic;
  std::int32_t partition = 0;
  pipeline::Position position;
  pipeline::Outcome outcome = pipeline::Outcome::extracted;
  std::optional<pipeline::Worth> worth;  ///< If it was selected by value.
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
  /// In the order of their storing.
  virtual pipeline::Result<void> batches(const RowFilter& filter, const std::function<bool(const BatchRow&)>& each) = 0;
  virtual pipeline::Result<void> dead_letters(const RowFilter& filter,
                                              const std::function<bool(const DeadLetterRow&)>& each) = 0;
  virtual pipeline::Result<std::vector<PartitionRow>> partitions() = 0;
  virtual pipeline::Result<std::optional<MemoryRow>> memory(const std::string& id) = 0;
  virtual pipeline::Result<std::optional<DuplicateRow>> duplicate(const std::string& id) = 0;
  /// Those that were merged into a memory, as they came.
  virtual pipeline::Result<void> duplicates_of(const std::string& memory_id,
                                               const std::function<bool(const DuplicateRow&)>& each) = 0;
  /// The first hundred, in the order of asking.
  virtual pipeline::Result<std::vector<VerdictRow>> verdicts_on(const MemoryRow& memory) = 0;
  /// The newest of that id: a rebuild may make the same batch again.
  virtual pipeline::Result<std::optional<BatchRow>> batch(const std::string& id) = 0;
  /// In the order of the stream; of an id that stands at several places, the one nearest to the memory's batch.
  virtual pipeline::Result<std::vector<SourceRow>> sources(const MemoryRow& memory) = 0;
  /// The calls that were made for one request, by how they ended.
  virtual pipeline::Result<std::vector<CallSums>> calls_of(std::int64_t request) = 0;
  /// In = out, from the store alone.
  virtual pipeline::Result<std::vector<pipeline::AuditReport>> verify() = 0;
  /// Takes a dead letter's payload away (its offset stays accounted for). False if there is none.
  virtual pipeline::Result<bool> drop_dead_letter(std::int64_t number) = 0;
};

}  // namespace alluvium::connectors
