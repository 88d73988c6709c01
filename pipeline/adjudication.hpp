// SPDX-License-Identifier: Apache-2.0
// What a model is asked about memories that are much alike, and what counts as its answer: an exact word about a pair
// that was asked about, and nothing else. docs/dedupe.md explains what follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/model_request.hpp"

namespace alluvium::pipeline {

enum class Verdict : std::uint8_t {
  unsure,     ///< Also: no verdict, or one that can't be relied on. Nothing follows.
  same,       ///< The one that ranks higher is merged into the other.
  update,     ///< Both stay, and the later one is linked as an update.
  different,  ///< Both stay, without a link.
};
[[nodiscard]] std::string_view name(Verdict verdict);
/// Of exactly that name; nothing for any other text.
[[nodiscard]] std::optional<Verdict> verdict_named(std::string_view name);

/// Says what the verdicts mean, and that the texts are data.
[[nodiscard]] std::string_view adjudication_instructions();
/// JSON Schema of the answer ({"verdicts":[{"pair":1,"verdict":"same"}]}), as structured output takes it.
[[nodiscard]] std::string_view adjudication_schema();
/// Two lines per pair, "#<number from 1> A: <text>" and "... B: <text>", between a line <pairs> and a line </pairs>. A
/// text can't forge a line or the end of the list.
[[nodiscard]] std::string pairs_text(const std::vector<TextPair>& pairs);

struct VerdictAnswer {
  bool understood = false;        ///< There was a list of verdicts in it, also an empty one.
  std::vector<Verdict> verdicts;  ///< One per pair.
};
/// Takes JSON as asked for, a bare list, and either in a code fence, in prose or cut off. A number that is no pair's, a
/// word that is no verdict's, a field of another type: left out. A pair with two different verdicts is `unsure`.
/// Never throws; a pure function, linear in the text.
[[nodiscard]] VerdictAnswer parse_verdicts(std::string_view text, std::size_t pairs);

}  // namespace alluvium::pipeline
