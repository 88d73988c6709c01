// SPDX-License-Identifier: Apache-2.0
// What the value score looks at in a message.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/value_lexicon.hpp"
#include "pipeline/value_rules.hpp"

namespace alluvium::pipeline {

/// Counts over the sentences of a message; `own` ones are in the first person. All of them say something in any
/// language but the rule hits, which know English.
struct ValueFeatures {
  struct OfSentences {
    std::array<std::uint16_t, value_rules_max> hits{};  ///< Sentences that each rule holds for.
    std::uint32_t sentences = 0;
    std::uint32_t words = 0;
    std::uint32_t rare = 0;      ///< Words of four letters or more that the lexicon does not know.
    std::uint32_t capitals = 0;  ///< Capitalised words that don't begin a sentence.
    std::uint32_t digits = 0;    ///< Words with a digit.
    std::uint32_t questions = 0;
  };
  OfSentences own;
  OfSentences other;
  bool asks = false;          ///< The last mark of the text is a question mark.
  bool acknowledges = false;  ///< No word but "ok", "thanks" and their like.
};

/// Reads at most the first `value_bytes_max` bytes; any bytes will do.
inline constexpr std::size_t value_bytes_max = 8192;
[[nodiscard]] ValueFeatures value_features(std::string_view content, const ValueLexicon& lexicon);

}  // namespace alluvium::pipeline
