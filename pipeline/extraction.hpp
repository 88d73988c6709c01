// SPDX-License-Identifier: Apache-2.0
// What happens to a batch between its buffer and the store: rules, filters, dedupe, outcomes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "pipeline/memory.hpp"
#include "pipeline/noise_filter.hpp"
#include "pipeline/rules.hpp"

namespace alluvium::pipeline {

struct ExtractionOptions {
  std::shared_ptr<const RuleSet> rules;
  FilterOptions filters;
  bool for_models = false;  ///< A model tier is on: say which messages are worth asking it about.
  bool near = false;        ///< The store finds near duplicates: leave it all but verbatim repeats.
  bool by_value = false;    ///< What is noise was decided when the messages were read: MessageView::worth.
};

/// Runs the rules over every message, drops memories that repeat within the batch, and says how
/// each message ended. A pure function of its input but for the times, which the caller fills in.
[[nodiscard]] ExtractedBatch extract(Batch batch, std::string_view topic, std::int32_t partition,
                                     const ExtractionOptions& options, RuleSet::Scratch& scratch);

}  // namespace alluvium::pipeline
