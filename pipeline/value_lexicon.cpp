// SPDX-License-Identifier: Apache-2.0
#include "pipeline/value_lexicon.hpp"

#include <algorithm>
#include <cassert>

namespace alluvium::pipeline {

ValueLexicon::ValueLexicon() : entries_(slots) {
  std::size_t known = 0;
  for (std::size_t sign = 0; sign < sign_count; ++sign) {
    auto rest = words_of_signs()[sign];
    while (!rest.empty()) {
      const auto word = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
      auto at = hash(word);
      while (entries_[at % slots].signs != 0 && entries_[at % slots].word != word) {
        ++at;
      }
      auto& entry = entries_[at % slots];
      known += entry.signs == 0 ? 1 : 0;
      entry.word = word;
      entry.signs |= Signs{1} << sign;
    }
  }
  assert(known <= slots / 2);  // signs_of() ends at a free slot.
}

}  // namespace alluvium::pipeline
