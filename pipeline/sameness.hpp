// SPDX-License-Identifier: Apache-2.0
// Whether two memories of an agent say the same, decided word by word: no threshold of likeness is safe ("allergic",
// "not allergic"). docs/dedupe.md has the rules.
#pragma once

#include <cstdint>
#include <string_view>

#include "pipeline/canonical_words.hpp"

namespace alluvium::pipeline {

/// Bits of two simhash64() that may differ in texts that are worth a link.
inline constexpr int near_bits_max = 18;
/// Words in which two texts may differ by a typo and still be the same.
inline constexpr int typos_max = 2;

struct Sketch {
  CanonicalText text;
  std::uint64_t form = 0;     ///< Hash of the words and how they are written: twins share it.
  std::uint64_t shape = 0;    ///< Hash that all memories share that can be the same.
  std::uint64_t simhash = 0;  ///< simhash64()
};
/// `speaker`: whose words they are (the user's id): what two people say of themselves is not the same.
[[nodiscard]] Sketch sketch_of(std::string_view content, std::string_view speaker = {});

/// Of the groups of four bytes in its words.
[[nodiscard]] std::uint64_t simhash64(const CanonicalText& text);

enum class Sameness : std::uint8_t {
  different,
  possible_update,  ///< Much alike, but not surely the same: both are kept, the later one names the earlier.
  near,             ///< The same but for a typo.
  same_key,         ///< The same words.
  by_model,         ///< A model says so; never of same() and compare().
};
[[nodiscard]] std::string_view name(Sameness sameness);

/// same_key, near or different. Not transitive: two typos of one word can be two letters apart.
[[nodiscard]] Sameness same(const Sketch& a, const Sketch& b);
/// Whether texts that are not the same are much alike: at most near_bits_max bits, half of their words, one speaker.
[[nodiscard]] bool alike(const CanonicalText& a, const CanonicalText& b);
[[nodiscard]] Sameness compare(const Sketch& a, const Sketch& b);

}  // namespace alluvium::pipeline
