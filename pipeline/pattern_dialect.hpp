// SPDX-License-Identifier: Apache-2.0
// Where Hyperscan's reading of a pattern or a text may differ from RE2's.
#pragma once

#include <string_view>

namespace alluvium::pipeline {

/// What Hyperscan may be trusted with. RE2 decides what matches; Hyperscan must never miss it.
enum class Dialect {
  shared,   ///< Both read the pattern alike (or Hyperscan finds more, which RE2 then rejects).
  large,    ///< The same, but its repeats would cost Hyperscan much: an approximation will do.
  differs,  ///< Only RE2 reads it as the user means it.
};

/// For a pattern that RE2 accepts. Knows the constructs that are the same in both, by and large
/// those of everyday patterns, and calls everything else `differs`: that costs time, never a match.
[[nodiscard]] Dialect dialect_of(std::string_view pattern);

/// False for a text in which Hyperscan may miss what RE2 finds in it, even by a shared pattern: one
/// that is not UTF-8, or with a character whose class or case the two libraries disagree on.
[[nodiscard]] bool is_plain_text(std::string_view text);

}  // namespace alluvium::pipeline
