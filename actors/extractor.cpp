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

/// What it needs to work.
struct Tools {
  pipeline::ExtractionOptions options;
  Works works;
  Extracts extracts;
  Writer writer;
  pipeline::Credit* results;
  const ModelLoad* load;
  pipeline::WallClock clock;
};

void extract(ExtractorState& state, const Tools& tools, Work work) {
  const auto started_ms = tools.clock();
  Extracted done{work.claim,
                 pipeline::extract(std::move(work.batch), work.claim->name.topic, work.claim->name.partition,
                                   tools.options, *state.scratch),
                 std::move(work.charge), pipeline::Charge{*tools.results}};
  done.batch.started_ms = started_ms;
  done.batch.ended_ms = tools.clock();
  std::int64_t bytes = 0;
  for (const auto& memory : done.batch.memories) {
    bytes += bytes_of(memory);
  }
  done.results.add(bytes);
  pipeline::failpoint("extractor.done");
  if (tools.extracts->put(std::move(done))) {
    caf::anon_send(tools.writer, Arrived::value);
  }
}

void work_off(Self self, const Tools& tools) {
  auto& state = self->state;
  for (auto& work : tools.works->take()) {
    state.backlog.push_back(std::move(work));
  }
  const auto has_room = [&] { return tools.results->available() > 0 && tools.load->has_room(); };
  if (!state.backlog.empty() && has_room()) {
    auto work = std::move(state.backlog.front());
    state.backlog.pop_front();
    extract(state, tools, std::move(work));
  }
  if (!state.backlog.empty() && !state.tick_due) {
    state.tick_due = true;
    if (has_room()) {
      self->send(self, Tick::value);  // After some of these (caf.scheduler.max-throughput, 50) others use the thread.
    } else {
      self->delayed_send(self, look_again_after, Tick::value);
    }
  }
}

}  // namespace

Extractor::behavior_type extractor(Self self, pipeline::ExtractionOptions options, Works works, Extracts extracts,
                                   Writer writer, pipeline::Credit* results, const ModelLoad* load,
                                   pipeline::WallClock clock) {
  self->state.scratch = std::make_unique<pipeline::RuleSet::Scratch>(*options.rules);
  const auto tools = std::make_shared<const Tools>(Tools{std::move(options), std::move(works), std::move(extracts),
                                                         std::move(writer), results, load, std::move(clock)});
  return {
      [self, tools](Arrived) { work_off(self, *tools); },
      [self, tools](Tick) {
        self->state.tick_due = false;
        work_off(self, *tools);
      },
  };
}

}  // namespace alluvium::actors
