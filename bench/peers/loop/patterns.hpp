// SPDX-License-Identifier: Apache-2.0
// The rules of the loop: RE2, without regard to case.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <re2/re2.h>
#include <re2/set.h>
#include <tl/expected.hpp>

namespace alluvium::bench {

/// Not for several threads at a time.
class Patterns {
 public:
  /// From lines `ID<tab>PATTERN`; else what is wrong.
  static tl::expected<Patterns, std::string> read(const std::string& path);

  /// Calls `found` with the id of the rule and the text for each match, by rule, leftmost first.
  void search(std::string_view content, const std::function<void(std::string_view, std::string_view)>& found);

 private:
  struct Rule {
    std::string id;
    std::unique_ptr<re2::RE2> pattern;
  };

  std::vector<Rule> rules_;
  /// With many rules: tells which of them match at all. Null with few.
  std::unique_ptr<re2::RE2::Set> set_;
  std::vector<int> matching_;
};

}  // namespace alluvium::bench
