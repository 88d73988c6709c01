// SPDX-License-Identifier: Apache-2.0
#include "actors/extractor.hpp"

#include <utility>

#include "pipeline/failpoint.hpp"

namespace alluvium::actors {
namespace {

using Self = Extractor::stateful_pointer<ExtractorState>;

constexpr std::chrono::milliseconds look_again_after{5};

std::int64_t bytes_of(const pipeline::Memory& memory) {
  auto bytes = sizeof(memory) + memory.id.size() + memory.content.size() + memory.rule_id.size() +
               memory.sources.size() * sizeof(memory.sources[0]);
  for (const auto& keyword : memory.keywords) {
    bytes += sizeof(keyword) + keyword.size();
  }
  return static_cast<std::int64_t>(bytes);
}

void work_off(Self self, const pipeline::ExtractionOptions& options, const Writer& writer, pipeline::Credit* results,
              const ModelLoad* load, pipeline::WallClock clock) {
  auto& state = self->state;
  while (!state.backlog.empty() && results->available() > 0 && load->has_room()) {
    const auto work = std::move(state.backlog.front());
    state.backlog.pop_front();
    const auto started_ms = clock();
    auto done =
        std::make_shared<Extracted>(Extracted{work->claim,
                                              pipeline::extract(std::move(work->batch), work->claim->name.topic,
                                                                work->claim->name.partition, options, *state.scratch),
                                              std::move(work->charge), pipeline::Charge{*results}});
    done->batch.started_ms = started_ms;
    done->batch.ended_ms = clock();
    for (const auto& memory : done->batch.memories) {
      done->results.add(bytes_of(memory));
    }
    pipeline::failpoint("extractor.done");
    self->send(writer, std::move(done));
  }
  if (!state.backlog.empty() && !state.tick_due) {
    state.tick_due = true;
    self->delayed_send(self, look_again_after, Tick::value);
  }
}

}  // namespace

Extractor::behavior_type extractor(Self self, pipeline::ExtractionOptions options, Writer writer,
                                   pipeline::Credit* results, const ModelLoad* load, pipeline::WallClock clock) {
  self->state.scratch = std::make_unique<pipeline::RuleSet::Scratch>(*options.rules);
  const auto go_on = [self, options = std::move(options), writer = std::move(writer), results, load, clock] {
    work_off(self, options, writer, results, load, clock);
  };
  return {
      [self, go_on](const WorkPtr& work) {
        self->state.backlog.push_back(work);
        go_on();
      },
      [self, go_on](Tick) {
        self->state.tick_due = false;
        go_on();
      },
  };
}

}  // namespace alluvium::actors
