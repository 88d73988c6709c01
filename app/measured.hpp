// SPDX-License-Identifier: Apache-2.0
// What a store's own figures say, to stand beside what was planned: for rates, cost and efficiency.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>

#include "app/store_choice.hpp"
#include "connectors/sqlite_usage.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {

/// Of everything in the store. What would be divided by zero is nothing.
struct Measured {
  connectors::StoreShape shape;
  std::vector<connectors::TierWork> work;  ///< By tier, then "all"; empty if no model was called.
  std::optional<double> byte_rate = {};    ///< Share of the content that models were asked about, where it is known.

  /// byte_rate; else the share of the batches that could have been sent to a model that were.
  [[nodiscard]] std::optional<double> rate() const;
  [[nodiscard]] std::optional<double> memories_per_1000() const;  ///< Messages; memories of rules as well.
  [[nodiscard]] std::optional<double> tokens_per_memory() const;  ///< Of those that models made.
  /// What was done by a tier, or by "all".
  [[nodiscard]] const connectors::TierWork* find(std::string_view tier) const;
  /// What the tier cost for `processed` batches such as those a model was called for; nothing if that is not known.
  [[nodiscard]] std::optional<pipeline::Money> cost_of(std::string_view tier, std::int64_t processed) const;
};

/// The documents' table of rates, and beside it what was measured; by rates.cpp.
[[nodiscard]] std::string planned_rates_text(const std::optional<Measured>& measured);
void add_planned_rates(pipeline::JsonText& json);  ///< "rates": [...]
/// What each tier's memories took, by the documents' measure; by analyze.cpp.
[[nodiscard]] std::string creation_text(const std::vector<connectors::TierWork>& work);
void add_creation(pipeline::JsonText& json, const std::vector<connectors::TierWork>& work);  ///< "analysis": [...]

/// Adds --store and -c without a default: without them nothing is measured.
void add_measured_options(CLI::App& command, StoreChoice& choice);
[[nodiscard]] pipeline::Result<std::optional<Measured>> measure(const StoreChoice& choice);

/// "measured": {...}
void add_measured(pipeline::JsonText& json, const Measured& measured);

}  // namespace alluvium::app
