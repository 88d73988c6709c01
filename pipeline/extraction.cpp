// SPDX-License-Identifier: Apache-2.0
#include "pipeline/extraction.hpp"

#include "pipeline/dedupe.hpp"

namespace alluvium::pipeline {

ExtractedBatch extract(Batch batch, std::string_view topic, std::int32_t partition, const ExtractionOptions& options,
                       RuleSet::Scratch& scratch) {
  ExtractedBatch done;
  done.id = batch_id(batch, topic, partition);
  done.memories = options.rules->match(batch, scratch);
  done.outcomes.assign(batch.size(), Outcome::empty);
  for (const auto& memory : done.memories) {
    for (const auto source : memory.sources) {
      done.outcomes[source] = Outcome::extracted;
    }
  }
  // A message whose memory repeats another's still ended as extracted: hence only now.
  if (options.near) {
    drop_repeats(done.memories, batch);
  } else {
    drop_duplicates(done.memories);
  }
  done.memories.shrink_to_fit();  // Room for thousands of repeats would be held, uncharged, until the commit.
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto is_noise_here = [&] {
      return options.by_value ? batch.worth(i).is_noise() : is_noise(batch.content(i), options.filters);
    };
    if ((options.for_models || done.outcomes[i] == Outcome::empty) && is_noise_here()) {
      if (done.outcomes[i] == Outcome::empty) {
        done.outcomes[i] = Outcome::noise;
      }
    } else if (options.for_models) {
      done.meaningful.push_back(static_cast<std::uint32_t>(i));
    }
  }
  done.batch = std::move(batch);
  return done;
}

}  // namespace alluvium::pipeline
