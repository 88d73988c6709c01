// SPDX-License-Identifier: Apache-2.0
// What a user expects of extraction, for `alluvium test`: compares it with what came out.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/memory.hpp"

namespace alluvium::pipeline {

/// One memory as the user describes it. What is not said matches anything.
struct ExpectedMemory {
  std::optional<std::string> content, rule_id, agent_id;
  std::optional<MemoryType> type;
  std::optional<double> importance;
};

/// What is not said is not compared.
struct Expectation {
  std::optional<std::size_t> memory_count;
  std::optional<std::vector<ExpectedMemory>> memories;  ///< All of them, in any order.
  std::optional<std::vector<std::string>> noise;        ///< Ids of all messages that end as noise.
};

/// One sentence per difference, at most differences_max and then one that counts the rest; none if `batches` are as
/// expected.
inline constexpr std::size_t differences_max = 20;
[[nodiscard]] std::vector<std::string> differences(const Expectation& expected,
                                                   std::span<const ExtractedBatch> batches);

}  // namespace alluvium::pipeline
