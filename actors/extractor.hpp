// SPDX-License-Identifier: Apache-2.0
// The actor that turns batches into memories. Several run, each with its own scratch memory.
#pragma once

#include <string>

#include "actors/protocol.hpp"
#include "pipeline/extraction.hpp"

namespace alluvium::actors {

struct ExtractorState {
  static constexpr const char* name = "extractor";
  std::unique_ptr<pipeline::RuleSet::Scratch> scratch;
};

/// Sends what it extracts to `writer`. Holds nothing between two batches.
Extractor::behavior_type extractor(Extractor::stateful_pointer<ExtractorState> self,
                                   pipeline::ExtractionOptions options, Writer writer, pipeline::WallClock clock);

}  // namespace alluvium::actors
