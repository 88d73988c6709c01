// SPDX-License-Identifier: Apache-2.0
// When two memories of an agent are the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/memory.hpp"

namespace alluvium::pipeline {

/// The content in lower case, each run of characters that are neither letter nor digit (Unicode's)
/// one blank, none at the ends. Marks that belong to a letter (category M) count as letters.
/// Content without any letter or digit is its own key. Invalid UTF-8 bytes count as separators.
[[nodiscard]] std::string dedupe_key(std::string_view content);

/// XXH3 of a key, for an index. Two keys can share it: compare the keys before calling them equal.
[[nodiscard]] std::uint64_t dedupe_hash(std::string_view key);

/// Keeps the first of the memories that share a key, as it is, and drops the others.
void drop_duplicates(std::vector<Memory>& memories);

/// Keeps the first of those that say the same of the same user, letter by letter.
void drop_repeats(std::vector<Memory>& memories, const Batch& batch);

}  // namespace alluvium::pipeline
