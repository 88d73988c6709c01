// SPDX-License-Identifier: Apache-2.0
// What a model is told: the fixed part first, so that providers can cache it, then the messages as data.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/batch.hpp"
#include "pipeline/error.hpp"
#include "pipeline/tier.hpp"

namespace alluvium::pipeline {

/// A prompt file is at most this long.
inline constexpr std::size_t instructions_bytes_max = std::size_t{32} << 10;

/// The tier's instructions in the engine's own words, unless a user's file takes their place. Same for every
/// request of a tier. Says that what follows is data, not orders.
[[nodiscard]] std::string_view default_instructions(Tier tier);

/// One line per message: "#<number from 1> <role>: <content>", between a line <messages> and a line </messages>.
/// A message can't forge a line or the end of the list: its line breaks become blanks, and "<" before "/messages" or
/// "messages" is written as "&lt;".
[[nodiscard]] std::string messages_text(const Batch& messages);

/// Appends `content` so that it stays on its line and can't forge a line "<mark>" or "</mark>".
void append_on_one_line(std::string& out, std::string_view content, std::string_view mark);

/// JSON Schema of the answer ({"memories":[...], "unsure":[...]}), compact, as structured output takes it: every
/// property required, no additional ones. Premium has "connections" besides.
[[nodiscard]] std::string_view answer_schema(Tier tier);

/// Identifies a prompt in receipts and memory ids: 16 hex digits of the hash of instructions and schema.
[[nodiscard]] std::string prompt_id(std::string_view instructions, Tier tier);

}  // namespace alluvium::pipeline
