// SPDX-License-Identifier: Apache-2.0
#include "actors/extractor.hpp"

#include <utility>

#include "pipeline/failpoint.hpp"
#include "pipeline/prefetch.hpp"

namespace alluvium::actors {
namespace {

using Self = Extractor::stateful_pointer<ExtractorState>;

constexpr std::chrono::milliseconds look_again_after{5};
/// Of small batches, some are done for one message to itself: until a millisecond is over, and no more than so many.
/// Times caf.scheduler.max-throughput (50) they keep others from the thread.
constexpr std::size_t turn_batches_max = 8;
constexpr std::size_t lookahead = 2;  // Batches that memory is asked for before their turn.

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

/// Returns when it was done.
std::int64_t extract(ExtractorState& state, const Tools& tools, Work work, std::int64_t started_ms) {
  Extracted done{work.claim,
                 pipeline::extract(std::move(work.batch), work.claim->name.topic, work.claim->name.partition,
                                   tools.options, *state.scratch),
                 std::move(work.charge), pipeline::Charge{*tools.results}};
  const auto ended_ms = tools.clock();
  done.batch.started_ms = started_ms;
  done.batch.ended_ms = ended_ms;
  std::int64_t bytes = 0;
  for (const auto& memory : done.batch.memories) {
    bytes += bytes_of(memory);
  }
  done.results.add(bytes);
  pipeline::failpoint("extractor.done");
  if (tools.extracts->put(std::move(done))) {
    caf::anon_send(tools.writer, Arrived::value);
  }
  return ended_ms;
}

void work_off(Self self, const Tools& tools) {
  auto& state = self->state;
  const auto has_work = [&] {
    if (state.next == state.backlog.size()) {
      tools.works->take(state.backlog);
      state.next = 0;
    }
    return state.next < state.backlog.size();
  };
  const auto has_room = [&] { return tools.results->available() > 0 && tools.load->has_room(); };
  const auto began_ms = tools.clock();
  auto now_ms = began_ms;
  for (std::size_t i = 0; i < turn_batches_max && now_ms == began_ms && has_work() && has_room(); ++i) {
    if (state.next + 2 * lookahead < state.backlog.size()) {
      pipeline::prefetch_object(state.backlog[state.next + 2 * lookahead]);
    }
    if (state.next + lookahead < state.backlog.size()) {
      state.backlog[state.next + lookahead].batch.fetch_all_ahead();
    }
    now_ms = extract(state, tools, std::move(state.backlog[state.next++]), now_ms);
  }
  if (has_work() && !state.tick_due) {
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
