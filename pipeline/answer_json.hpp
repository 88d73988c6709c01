// SPDX-License-Identifier: Apache-2.0
// Finds the JSON in a model's answer, and mends what models break in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

namespace alluvium::pipeline {

/// Objects and lists within each other, in an answer. Asked for are five.
inline constexpr std::size_t answer_depth_max = 32;

/// Items of a list of memories that are looked at; far more than can be kept.
inline constexpr std::size_t answer_items_max = 1024;

/// The fields under which the text of a memory is found, the first one asked for.
inline constexpr std::string_view memory_text_names[] = {"content", "memory", "text", "insight", "fact"};

struct AnswerJson {
  std::string json;          ///< Valid, and memory_list() finds a list in it. Empty if there is none in the text.
  bool truncated = false;    ///< It ended early, and was cut back to its last whole memory.
  std::uint32_t broken = 0;  ///< Memories that were left out because they are not JSON.
};

/// Looks for JSON with a list of memories: alone, in fences, in prose, in a JSON string. Of several lists the last one
/// with memories counts, which is the answer where the ones before are drafts; objects with a text that stand in no
/// list are taken as one. Raw control characters in strings, bad escapes, commas before a bracket and bytes that are
/// not UTF-8 are put right. Time and memory are linear in the text.
[[nodiscard]] AnswerJson find_answer_json(std::string_view text);

/// A list of memories, and the object it is a field of.
struct MemoryList {
  std::vector<simdjson::dom::element> items;
  std::optional<simdjson::dom::object> around;
  bool named = false;  ///< Its name is "memories".
  bool odd = false;    ///< It was no list: null, or a single memory.
};

/// The list called "memories", else the first whose objects have texts, else an empty one.
[[nodiscard]] std::optional<MemoryList> memory_list(const simdjson::dom::element& root);

}  // namespace alluvium::pipeline
