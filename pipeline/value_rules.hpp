// SPDX-License-Identifier: Apache-2.0
// The patterns of the value score: which signs, close to each other in one sentence, promise something to remember.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/value_lexicon.hpp"

namespace alluvium::pipeline {

/// Holds for a sentence in which a word with one of the signs `second` stands at most `gap` words after one with one
/// of `first`; with no `first`, for one that has `second` at all.
struct ValueRule {
  std::string_view name;
  Signs first;
  Signs second;
  std::uint8_t gap;
  std::int16_t own;    ///< Thousandths added for each sentence in the first person that it holds for.
  std::int16_t other;  ///< For each other sentence.
};

inline constexpr std::size_t value_rules_max = 64;

/// At most `value_rules_max`.
[[nodiscard]] std::span<const ValueRule> value_rules();

}  // namespace alluvium::pipeline
