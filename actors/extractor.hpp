// SPDX-License-Identifier: Apache-2.0
// The actor that turns batches into memories. Several run, each with its own scratch memory.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "actors/model_load.hpp"
#include "actors/protocol.hpp"
#include "pipeline/extraction.hpp"

namespace alluvium::actors {

struct ExtractorState {
  static constexpr const char* name = "extractor";
  std::unique_ptr<pipeline::RuleSet::Scratch> scratch;
  std::vector<Work> backlog;  ///< Bounded by the credit its batches hold.
  std::size_t next = 0;       ///< In the backlog: those before it are done.
  bool tick_due = false;
};

/// Takes from `works`; puts what it extracts into `extracts`, for `writer`. While the memories that wait to be
/// committed hold all of `results`, batches wait here: what rules make of a batch can be many times its size. One batch
/// may overshoot it. They wait too while `load` has no room for more requests to models.
Extractor::behavior_type extractor(Extractor::stateful_pointer<ExtractorState> self,
                                   pipeline::ExtractionOptions options, Works works, Extracts extracts, Writer writer,
                                   pipeline::Credit* results, const ModelLoad* load, pipeline::WallClock clock);

}  // namespace alluvium::actors
