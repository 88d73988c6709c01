// SPDX-License-Identifier: Apache-2.0
// Scores a message by what it promises to memory per token, without a model.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "pipeline/message.hpp"
#include "pipeline/value_lexicon.hpp"

namespace alluvium::pipeline {

/// What a message promises per token.
struct MessageValue {
  float density;         ///< ln(p / tokens), p: how likely somebody asks for it later. A multiple of 1/1024.
  std::uint32_t tokens;  ///< As the budget counts them: a token for four bytes, and four for the message.
  bool bare;             ///< A short statement of a user, neither acknowledgement nor question: "I'm Bob".
};

/// Signs of lasting facts in a message (docs/evaluation.md), weighted. In other languages than English only its form
/// counts: length, numbers, capitals, questions. Looks at the first 8 KiB only. All sums are of integers: every
/// machine scores alike. Immutable; many threads may use it.
class ValueScorer {
 public:
  [[nodiscard]] static std::shared_ptr<const ValueScorer> make();

  /// What one thread needs to score.
  class Scratch {};

  [[nodiscard]] MessageValue score(std::string_view content, Role role, Scratch& scratch) const;

 private:
  ValueScorer();
  [[nodiscard]] std::int32_t log_probability(std::int64_t z) const;

  ValueLexicon lexicon_;
  static constexpr std::int32_t softplus_reach = 16;  ///< Beyond it ln(1 + e^x) is x or 0, to a thousandth.
  static constexpr std::int32_t softplus_steps = 16;  ///< Table entries for each 1 of x.
  std::array<std::int32_t, 2 * softplus_reach * softplus_steps + 2> softplus_{};
};

}  // namespace alluvium::pipeline
