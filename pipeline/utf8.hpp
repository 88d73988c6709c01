// SPDX-License-Identifier: Apache-2.0
// What is UTF-8 and what is blank.
#pragma once

#include <cstddef>
#include <string_view>

namespace alluvium::pipeline {

/// Bytes of the character at the start of `text`, which is not empty; 0 if there is none. As RFC
/// 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
[[nodiscard]] std::size_t character_bytes(std::string_view text);

/// True if no byte is above 0x7F, as in nearly every text: eight bytes are looked at at once.
[[nodiscard]] bool is_ascii(std::string_view text);

/// True if it holds a byte below 0x20, or 0x7F.
[[nodiscard]] bool has_control_character(std::string_view text);

/// Where the first byte stands that is not UTF-8, or npos.
[[nodiscard]] std::size_t first_not_utf8(std::string_view text);

/// True if `text`, which is UTF-8, holds nothing but Unicode's White_Space.
[[nodiscard]] bool is_blank(std::string_view text);

}  // namespace alluvium::pipeline
