// SPDX-License-Identifier: Apache-2.0
// Shell-like patterns over agent ids.
#pragma once

#include <cstddef>
#include <string_view>

namespace alluvium::pipeline {

/// Longer globs are refused where they are read, which keeps a match linear in the text.
inline constexpr std::size_t glob_bytes_max = 512;

/// True if `glob` describes all of `text`: `*` is any run of bytes, also none; `?` is one character
/// (a code point); everything else stands for itself, case included. Takes at most
/// glob.size() * text.size() steps: only the last `*` is ever tried anew.
[[nodiscard]] bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace alluvium::pipeline
