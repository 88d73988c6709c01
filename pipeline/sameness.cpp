// SPDX-License-Identifier: Apache-2.0
#include "pipeline/sameness.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <vector>

#include <xxhash.h>

#include "pipeline/english.hpp"

namespace alluvium::pipeline {
namespace {

constexpr std::size_t typo_bytes_min = 5;

bool may_have_typo(std::string_view word) {
  return word.size() >= typo_bytes_min && std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
}

/// What a word and its typos share: its first letter, and the others in order of the alphabet.
std::string shape_of(const std::string& word) {
  auto shape = word;
  if (may_have_typo(word)) {
    std::ranges::sort(shape.begin() + 1, shape.end());
  }
  return shape;
}

/// Two neighbouring letters, not the first one, changed places.
bool swapped_once(std::string_view a, std::string_view b) {
  const auto [at, other] = std::ranges::mismatch(a, b);
  const auto i = static_cast<std::size_t>(at - a.begin());
  return a.size() == b.size() && i > 0 && i + 1 < a.size() && a[i] == b[i + 1] && a[i + 1] == b[i] &&
         a.substr(i + 2) == b.substr(i + 2);
}

/// One of the two is a word that everyone knows and the other, being no word itself, can't be another one.
bool is_typo(const CanonicalWord& a, const CanonicalWord& b) {
  const auto other_sense = [](std::string_view word) { return english::is_protected(word) || english::has_twin(word); };
  return !a.capital && !b.capital && may_have_typo(a.text) && swapped_once(a.text, b.text) && !other_sense(a.text) &&
         !other_sense(b.text) && (english::is_common(a.text) || english::is_common(b.text));
}

}  // namespace

std::uint64_t simhash64(const CanonicalText& text) {
  constexpr std::size_t group_bytes = 4;
  std::string joined{" "};
  for (const auto& word : text.words) {
    joined += word.text;
    joined += ' ';
  }
  std::array<std::int32_t, 64> sums{};
  const auto add = [&sums](std::string_view group) {
    const auto hash = XXH3_64bits(group.data(), group.size());
    for (std::size_t bit = 0; bit < sums.size(); ++bit) {
      sums[bit] += static_cast<std::int32_t>(hash >> bit & 1U) * 2 - 1;
    }
  };
  for (std::size_t i = 0; i + group_bytes <= joined.size(); ++i) {
    add(std::string_view{joined}.substr(i, group_bytes));
  }
  if (joined.size() < group_bytes) {
    add(joined);
  }
  std::uint64_t hash = 0;
  for (std::size_t bit = 0; bit < sums.size(); ++bit) {
    hash |= static_cast<std::uint64_t>(sums[bit] > 0) << bit;
  }
  return hash;
}

Sketch sketch_of(std::string_view content, std::string_view speaker) {
  Sketch sketch{.text = canonical_text(content)};
  const auto& text = sketch.text;
  std::string form{speaker};
  form += {'\0', text.question ? '?' : '.', text.whole ? 'w' : '.', text.english ? 'e' : '.'};
  auto shape = form;
  shape.back() = '.';  // A text that is only partly seen as English may have the same words.
  for (const auto& word : text.words) {
    form += word.text;
    form += word.capital ? '\2' : '\1';
    shape += shape_of(word.text);
    shape += '\1';
  }
  sketch.form = XXH3_64bits(form.data(), form.size());
  sketch.shape = XXH3_64bits(shape.data(), shape.size());
  sketch.simhash = text.whole ? 0 : simhash64(text);
  return sketch;
}

std::string_view name(Sameness sameness) {
  switch (sameness) {
    case Sameness::different:
      return "different";
    case Sameness::possible_update:
      return "possible update";
    case Sameness::near:
      return "near";
    case Sameness::same_key:
      return "same key";
    case Sameness::by_model:
      return "model";
  }
  return "";
}

Sameness same(const Sketch& a, const Sketch& b) {
  if (a.shape != b.shape || a.text.question != b.text.question || a.text.whole != b.text.whole ||
      a.text.words.size() != b.text.words.size()) {
    return Sameness::different;
  }
  int typos = 0;
  for (std::size_t i = 0; i < a.text.words.size(); ++i) {
    if (a.text.words[i].text == b.text.words[i].text) {
      continue;
    }
    if (!a.text.english || !b.text.english || !is_typo(a.text.words[i], b.text.words[i]) || ++typos > typos_max) {
      return Sameness::different;
    }
  }
  return typos == 0 ? Sameness::same_key : Sameness::near;
}

bool alike(const CanonicalText& a, const CanonicalText& b) {
  if (a.whole || b.whole) {
    return false;
  }
  const auto sorted = [](const CanonicalText& text) {
    std::vector<std::string_view> words;
    for (const auto& word : text.words) {
      words.emplace_back(word.text);
    }
    std::ranges::sort(words);
    return words;
  };
  const auto of_a = sorted(a);
  const auto of_b = sorted(b);
  std::vector<std::string_view> shared;
  std::ranges::set_intersection(of_a, of_b, std::back_inserter(shared));
  return 2 * shared.size() >= of_a.size() + of_b.size() - shared.size();
}

Sameness compare(const Sketch& a, const Sketch& b) {
  if (const auto verdict = same(a, b); verdict != Sameness::different) {
    return verdict;
  }
  const bool near = std::popcount(a.simhash ^ b.simhash) <= near_bits_max && alike(a.text, b.text);
  return near ? Sameness::possible_update : Sameness::different;
}

}  // namespace alluvium::pipeline
