// SPDX-License-Identifier: Apache-2.0
// selection: the value of a message, and whether it may reach a model. On only where a model is.
#include <cstdint>
#include <vector>

#include "bench/micro/chat.hpp"
#include "bench/micro/measurement.hpp"
#include "bench/micro/suites.hpp"
#include "pipeline/value_score.hpp"
#include "pipeline/value_selector.hpp"

namespace alluvium::bench {
namespace {

void score(benchmark::State& state) {
  const auto& batches = chat_batches();
  const auto scorer = pipeline::ValueScorer::make();
  pipeline::ValueScorer::Scratch scratch;
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto& batch = batches[next++ % batches.size()];
    for (std::size_t i = 0; i < batch.size(); ++i) {
      benchmark::DoNotOptimize(scorer->score(batch.content(i), pipeline::Role::user, scratch).density);
    }
  }
  count_messages(state, batch_messages);
}

void select(benchmark::State& state) {
  const auto& batches = chat_batches();
  const auto scorer = pipeline::ValueScorer::make();
  pipeline::ValueScorer::Scratch scratch;
  std::vector<pipeline::MessageValue> values;
  for (const auto& batch : batches) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      values.push_back(scorer->score(batch.content(i), pipeline::Role::user, scratch));
    }
  }
  pipeline::ValueSelector selector{{.rate = .2, .agent_rates = {}}};
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto& value = values[next % values.size()];
    benchmark::DoNotOptimize(selector.take(batches[next % batches.size()].agent_id(), value, false).chosen);
    ++next;
  }
  count_messages(state, 1);
}

}  // namespace

void add_selection() {
  benchmark::RegisterBenchmark("selection/score", score);
  benchmark::RegisterBenchmark("selection/select", select);
}

}  // namespace alluvium::bench
