// SPDX-License-Identifier: Apache-2.0
// What extraction makes of a batch: memories, and how each message ended.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/batch.hpp"

namespace alluvium::pipeline {

enum class MemoryType : std::uint8_t { semantic, episodic, procedural };
enum class ExtractionMethod : std::uint8_t { rules, small_model, premium_model };

/// How a message ended. `dead` is recorded by its dead letter, the others by its batch.
enum class Outcome : std::uint8_t {
  extracted,  ///< At least one memory rests on it (also when that memory was known already).
  empty,      ///< Nothing found in it.
  skipped,    ///< Not chosen for a model call at the extraction rate, and no rule matched.
  noise,      ///< Filtered as noise, and no rule matched.
  dead,       ///< Could not be processed: a dead letter, with the reason.
  pending,    ///< Stored with its batch, and waits for a model's answer; then it is one of the others.
};
inline constexpr std::size_t outcome_count = 6;

/// A count per Outcome.
struct OutcomeCounts {
  std::array<std::int64_t, outcome_count> of{};
  std::int64_t& operator[](Outcome outcome) {
    return of[static_cast<std::size_t>(outcome)];
  }
  std::int64_t operator[](Outcome outcome) const {
    return of[static_cast<std::size_t>(outcome)];
  }
};

// The names users see, in exports, tables and the store.
[[nodiscard]] std::string_view name(MemoryType type);
[[nodiscard]] std::string_view name(ExtractionMethod method);
[[nodiscard]] ExtractionMethod method_named(std::string_view name);  ///< premium_model for any other word.
[[nodiscard]] std::string_view name(Outcome outcome);

/// One memory, not yet compared with the agent's earlier ones.
struct Memory {
  std::string id;  ///< memory_id(): "mem_" and 32 hex digits.
  std::string content;
  MemoryType type = MemoryType::semantic;
  double importance = 0.5;  ///< 0..1
  std::vector<std::string> keywords;
  ExtractionMethod method = ExtractionMethod::rules;
  std::string rule_id;                 ///< Empty unless method is rules.
  std::string prompt_id{};             ///< Empty if method is rules.
  std::vector<std::uint32_t> sources;  ///< Which messages of the batch it rests on; ascending, not empty.
};

/// A batch that went through extraction: what the store writes in one transaction.
struct ExtractedBatch {
  std::string id;  ///< batch_id(): "batch_<ms>_<base36>".
  Batch batch;
  std::vector<Memory> memories;   ///< Distinct by dedupe key within the batch, in order of their messages.
  std::vector<Outcome> outcomes;  ///< One per message.
  /// Messages that a model may be asked about: all but noise, ascending. Empty if no tier is on. The store's
  /// transaction decides whether it is (is_selected(), first_tiers()): until then they count as `empty`.
  std::vector<std::uint32_t> meaningful;
  std::int64_t started_ms = 0;  ///< UTC, when extraction began and ended.
  std::int64_t ended_ms = 0;
};

/// Derived from what the memory rests on, so a replay gives the same: agent, rule (or prompt),
/// content and message ids. 128 bits of XXH3 over these fields, each with its length.
[[nodiscard]] std::string memory_id(const Batch& batch, const Memory& memory);

/// "batch_" + the time of its first message in ms + "_" + 13 base-36 digits of the hash of agent
/// and message ids and positions: the same messages give the same id.
[[nodiscard]] std::string batch_id(const Batch& batch, std::string_view topic, std::int32_t partition);

}  // namespace alluvium::pipeline
