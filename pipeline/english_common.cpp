// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "pipeline/english.hpp"
#include "pipeline/english_words.hpp"
#include "pipeline/word_set.hpp"

namespace alluvium::pipeline::english {
namespace {

constexpr std::array endings{"s", "es", "ed", "d", "ing", "ly", "r", "er"};
/// No name ends so, or hardly any.
constexpr std::array endings_of_words{"ing", "ings", "tion", "tions", "ment", "ments", "ness", "able"};

bool is_listed(const std::string& word) {
  if (word.empty()) {
    return false;
  }
  static const std::array sets{WordSet{common_a_j}, WordSet{common_k_z}};
  return sets[word.front() < 'k' ? 0 : 1].has(word);
}

}  // namespace

bool is_common(std::string_view word) {
  const std::string text{word};
  if (is_listed(text)) {
    return true;
  }
  for (const std::string_view ending : endings) {
    if (!word.ends_with(ending)) {
      continue;
    }
    auto stem = text.substr(0, text.size() - ending.size());
    if (is_listed(stem) || is_listed(stem + "e")) {
      return true;
    }
    if (stem.size() > 1 && stem.back() == stem[stem.size() - 2]) {  // "planned"
      stem.pop_back();
      if (is_listed(stem)) {
        return true;
      }
    }
  }
  return std::ranges::any_of(endings_of_words, [word](std::string_view ending) {
    return word.size() > ending.size() + 2 && word.ends_with(ending);
  });
}

}  // namespace alluvium::pipeline::english
