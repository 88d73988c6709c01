// SPDX-License-Identifier: Apache-2.0
// A list of words that is asked whether it has one.
#pragma once

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace alluvium::pipeline {

class WordSet {
 public:
  /// `list`: words between blanks. It must live as long as the set.
  explicit WordSet(std::string_view list) {
    for (auto at = list.find_first_not_of(' '); at < list.size(); at = list.find_first_not_of(' ', at)) {
      const auto end = std::min(list.find(' ', at), list.size());
      words_.insert(list.substr(at, end - at));
      at = end;
    }
  }
  [[nodiscard]] bool has(std::string_view word) const {
    return words_.contains(word);
  }

 private:
  std::unordered_set<std::string_view> words_;
};

}  // namespace alluvium::pipeline
