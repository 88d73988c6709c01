// SPDX-License-Identifier: Apache-2.0
// A memory's text as the words that count: two texts with the same ones say the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alluvium::pipeline {

/// Longer texts are only compared as they stand (dedupe_key()).
inline constexpr std::size_t comparable_bytes_max = 4096;

struct CanonicalWord {
  std::string text;
  bool capital = false;  ///< As it was written.
  bool operator==(const CanonicalWord&) const = default;
};

struct CanonicalText {
  std::vector<CanonicalWord> words;  ///< In order: who does what to whom hangs on it.
  bool question = false;
  bool english = false;  ///< Only then are there synonyms and fillers.
  bool whole = false;    ///< Too long: words is its dedupe_key().
};

/// Contractions are expanded, possessive 's is dropped. In English also: number words become numbers, some synonyms one
/// word, fillers go, a time that stands first moves to the end ("Last year I moved" is "I moved last year"). Negations
/// stay in their place always; where one is, fillers between the words stay as well ("not really"). Text without any
/// word is its own word.
[[nodiscard]] CanonicalText canonical_text(std::string_view content);

}  // namespace alluvium::pipeline
