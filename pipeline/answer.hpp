// SPDX-License-Identifier: Apache-2.0
// Reads memories out of a model's answer, whatever they are wrapped in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/memory.hpp"
#include "pipeline/model_request.hpp"

namespace alluvium::pipeline {

// Bounds of what one answer can add.
inline constexpr std::size_t answer_bytes_max = std::size_t{1} << 20;
inline constexpr std::size_t answer_memories_max = 64;
inline constexpr std::size_t memory_content_bytes_max = 4096;  ///< A longer one is dropped.
inline constexpr std::size_t memory_keywords_max = 16;
inline constexpr std::size_t keyword_bytes_max = 128;

/// What was wrong with a part of an answer that was left out or put right.
enum class AnswerFault : std::uint8_t {
  no_json,         ///< No list of memories in it at all.
  truncated,       ///< It ends in the middle; what was whole before that is kept.
  no_content,      ///< A memory without text, or with blank text.
  too_long,        ///< Content beyond memory_content_bytes_max.
  wrong_type,      ///< An item that is no object, a type that is none of ours (read as semantic), a field of a wrong type.
  importance,      ///< Not a number, or outside 0..1: put right (rescaled or clamped; 0.5 if there is none).
  unknown_source,  ///< A message number that was not asked about: left out.
  too_many,        ///< Beyond answer_memories_max.
};
inline constexpr std::size_t answer_fault_count = 8;
[[nodiscard]] std::string_view name(AnswerFault fault);

struct Answer {
  /// True if there was a list of memories, also an empty one. False: garbage, or cut off before the first memory was
  /// complete: as if nothing had been answered.
  bool understood = false;
  std::vector<Memory> memories;      ///< Distinct by dedupe key; ids, method and sources (indexes into the request) set.
  std::vector<std::string> connections;  ///< One per memory: JSON list of {"memory_id","type"}; "[]" if none.
  std::vector<std::uint32_t> unsure;  ///< Messages (indexes into the request) the model could not judge; ascending.
  std::array<std::uint32_t, answer_fault_count> faults{};
};

/// Takes JSON as asked for, a bare list, a list under another name, JSON in a code fence or between prose, JSON cut
/// off in the middle. Numbers may be strings ("3", "#3"), importance may be "high|medium|low" or 0..10 or 0..100 (read
/// as 0..1; counted). Message numbers are found under "messages", "sources", "source_message_ids", "message_ids", as
/// numbers from 1 or as the messages' own ids. A memory that names no message (or only unknown ones, when there are
/// others it could be) rests on the messages whose text it shares most words with, else on all of them.
/// Never throws; a pure function.
[[nodiscard]] Answer parse_answer(std::string_view text, const ModelRequest& request, std::string_view prompt_id);

}  // namespace alluvium::pipeline
