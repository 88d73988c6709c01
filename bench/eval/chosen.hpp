// SPDX-License-Identifier: Apache-2.0
// Which messages each way of selection chooses, and what that reaches.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/eval/conversations.hpp"
#include "pipeline/value_score.hpp"

namespace alluvium::bench {

/// For each message, in order: does a model see it?
using Chosen = std::vector<bool>;
using Values = std::vector<pipeline::MessageValue>;

[[nodiscard]] Values values_of(const Conversations& conversations);

/// Single messages in an order shuffled by `seed`, until the rate of the tokens is reached.
[[nodiscard]] Chosen chosen_at_random(const Values& values, double rate, std::uint64_t seed);
/// Each agent's messages in batches of 20, whole batches as the engine chooses them by hash.
[[nodiscard]] Chosen chosen_by_hash(const Conversations& conversations, double rate);
/// All as one partition's stream, judged as the engine does with its default filters.
[[nodiscard]] Chosen chosen_by_value(const Conversations& conversations, double rate);

struct Reached {
  double evidence = 0;   ///< Share of the distinct evidence messages.
  double questions = 0;  ///< Share of the items all of whose evidence was chosen.
  double realised = 0;   ///< Share of the tokens.
};
[[nodiscard]] Reached reached(const Chosen& chosen, const Values& values, const Labels& labels);

}  // namespace alluvium::bench
