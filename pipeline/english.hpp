// SPDX-License-Identifier: Apache-2.0
// What near dedupe knows of English. Everything is about words in lower case.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace alluvium::pipeline::english {

/// How surely a word tells English: 2, 1 or 0. Two points are enough.
[[nodiscard]] int evidence(std::string_view word);

/// Words that stand for one word: "im" -> "i am", "kids" -> "children", "seven" -> "7". The word itself if none does.
[[nodiscard]] std::string_view plain(std::string_view word);
/// The same for a word with an apostrophe that is no regular contraction or possessive: "won't" -> "will not".
/// Empty if there is none.
[[nodiscard]] std::string_view expanded(std::string_view word);
/// "it's" is "it is", but "tom's" is "tom": whether a word before 's is of the first kind.
[[nodiscard]] bool takes_is(std::string_view word);

[[nodiscard]] bool negates(std::string_view word);
/// Says nothing of its own, unless something is negated: "really".
[[nodiscard]] bool is_filler(std::string_view word);
/// Says nothing at the start of a text: "oh".
[[nodiscard]] bool opens(std::string_view word);
/// Says nothing at the end of a text: "lol".
[[nodiscard]] bool closes(std::string_view word);
/// Phrases that say nothing at the start or the end, each as words between blanks.
[[nodiscard]] std::span<const std::string_view> asides();

/// Begins a question: "what", "how".
[[nodiscard]] bool asks(std::string_view word);
/// Begins a question if a pronoun follows: "do", "can".
[[nodiscard]] bool is_auxiliary(std::string_view word);
[[nodiscard]] bool is_pronoun(std::string_view word);
/// A verb's form of the past: "got", "moved". Words in -ed that are none count too.
[[nodiscard]] bool is_past(std::string_view word);
/// Ties another clause to the text: "because", "that".
[[nodiscard]] bool ties_clauses(std::string_view word);

/// A point in time in one word: "today".
[[nodiscard]] bool is_when(std::string_view word);
/// Makes one together with a span: "last".
[[nodiscard]] bool points_at_span(std::string_view word);
/// Day, month, season, "week".
[[nodiscard]] bool is_span(std::string_view word);
[[nodiscard]] bool is_weekday(std::string_view word);

/// No typo is seen in it: numbers, times, kin, negations, forms of the past.
[[nodiscard]] bool is_protected(std::string_view word);
/// Two of its letters swapped (not the first) give another word: "trial".
[[nodiscard]] bool has_twin(std::string_view word);
/// A word that everyone knows, not a name; its inflections too.
[[nodiscard]] bool is_common(std::string_view word);

}  // namespace alluvium::pipeline::english
