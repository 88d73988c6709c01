// SPDX-License-Identifier: Apache-2.0
// Decides which batches are worth a model call, at the extraction rate.
#pragma once

#include <cstdint>
#include <string_view>

namespace alluvium::pipeline {

struct SelectionOptions {
  double rate = 0.2;  ///< Share of batches that may reach a model: 0..1.
};

/// Spreads the selected batches of an agent evenly over its history: of its first n batches, n * rate are selected,
/// never off by as much as 1. Where an agent begins depends on its id alone; ids that end in a number (agent-17)
/// begin at points of a Weyl sequence, so that agents with one batch each hold the rate too; other ids are hashed.
/// A pure function of agent and ordinal: a replay decides the same.
/// `ordinal`: how many batches of the agent the store has committed before this one.
[[nodiscard]] bool is_selected(const SelectionOptions& options, std::string_view agent_id, std::int64_t ordinal);

}  // namespace alluvium::pipeline
