// SPDX-License-Identifier: Apache-2.0
// What two sets of an agent's memories have in common, and in what they differ.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace alluvium::pipeline {

/// A memory as far as it is compared.
struct ComparedMemory {
  std::string id;
  std::string content, type, method, rule_id;
  double importance = 0;
  std::vector<std::string> keywords, sources;  ///< sources: ids of the messages it rests on.
};

enum class MemoryChange : std::uint8_t { same, added, gone, changed };
[[nodiscard]] std::string_view name(MemoryChange change);  ///< same, added, gone, changed

/// One row of the difference. `before` and `after` number the memories in the sets given; -1: there is none.
struct MemoryPair {
  MemoryChange change = MemoryChange::same;
  int before = -1, after = -1;
};

/// Pairs each memory of `before` with at most one of `after`:
/// 1. with the one that has the same dedupe key (the content but for case, punctuation and blanks);
/// 2. of the rest, with one that rests on exactly the same messages and was made in the same way by the same rule;
/// 3. of the rest, with one that rests on exactly the same messages.
/// Where several could be paired, they are in the order given. A pair is `same` if content, type, importance and
/// keywords (in any order) are equal, else `changed`. What has no partner is `gone` or `added`.
/// Rows: first those of `before`, in its order, then what was added, in the order of `after`.
[[nodiscard]] std::vector<MemoryPair> difference(const std::vector<ComparedMemory>& before,
                                                 const std::vector<ComparedMemory>& after);

}  // namespace alluvium::pipeline
