// SPDX-License-Identifier: Apache-2.0
#include "actors/extractor.hpp"

#include <utility>

namespace alluvium::actors {

Extractor::behavior_type extractor(Extractor::stateful_pointer<ExtractorState> self,
                                   pipeline::ExtractionOptions options, Writer writer, pipeline::WallClock clock) {
  self->state.scratch = std::make_unique<pipeline::RuleSet::Scratch>(*options.rules);
  return {
      [self, options = std::move(options), writer = std::move(writer), clock](const WorkPtr& work) {
        const auto started_ms = clock();
        auto done = std::make_shared<Extracted>(
            Extracted{work->claim,
                      pipeline::extract(std::move(work->batch), work->claim->name.topic, work->claim->name.partition,
                                        options, *self->state.scratch),
                      std::move(work->charge)});
        done->batch.started_ms = started_ms;
        done->batch.ended_ms = clock();
        self->send(writer, std::move(done));
      },
  };
}

}  // namespace alluvium::actors
