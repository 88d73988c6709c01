// SPDX-License-Identifier: Apache-2.0
// dedupe: what tells that two memories are the same, before the store gives its verdict (store.cpp has that).
#include "pipeline/dedupe.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/micro/chat.hpp"
#include "bench/micro/measurement.hpp"
#include "bench/micro/suites.hpp"
#include "pipeline/sameness.hpp"

namespace alluvium::bench {
namespace {

constexpr std::size_t memories = 1024;

/// `accented`: with a letter that is not ASCII, for which Unicode's tables are asked.
std::vector<std::string> contents(bool accented) {
  std::vector<std::string> texts;
  for (const auto& batch : chat_batches()) {
    for (std::size_t i = 0; i < batch.size() && texts.size() < memories; ++i) {
      texts.push_back(std::string{batch.content(i)} + (accented ? " at the caf\xC3\xA9" : ""));
    }
  }
  return texts;
}

void key(benchmark::State& state, bool accented) {
  const auto texts = contents(accented);
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(pipeline::dedupe_hash(pipeline::dedupe_key(texts[next++ % texts.size()])));
  }
  count_messages(state, 1);
}

/// What near dedupe compares instead of the key.
void sketch(benchmark::State& state) {
  const auto texts = contents(false);
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(pipeline::sketch_of(texts[next++ % texts.size()]).simhash);
  }
  count_messages(state, 1);
}

/// Batches in which every message is a memory, and the last repeats the first.
void within_batch(benchmark::State& state) {
  std::vector<std::vector<pipeline::Memory>> made;
  for (const auto& batch : chat_batches()) {
    auto& of_batch = made.emplace_back();
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      of_batch.emplace_back();
      of_batch.back().content = batch.content(i + 1 == batch.size() ? 0 : i);
      of_batch.back().sources = {i};
    }
  }
  std::size_t dropped = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto copies = made;
    state.ResumeTiming();
    for (auto& copy : copies) {
      pipeline::drop_duplicates(copy);
    }
    state.PauseTiming();
    for (const auto& copy : copies) {
      dropped += batch_messages - copy.size();
    }
    copies.clear();
    state.ResumeTiming();
  }
  demand(dropped >= made.size(), "dedupe: a repeat was kept");
  count_messages(state, made.size() * batch_messages);
}

}  // namespace

void add_dedupe() {
  benchmark::RegisterBenchmark("dedupe/key_ascii", key, false);
  benchmark::RegisterBenchmark("dedupe/key_unicode", key, true);
  benchmark::RegisterBenchmark("dedupe/sketch", sketch);
  benchmark::RegisterBenchmark("dedupe/within_batch", within_batch);
}

}  // namespace alluvium::bench
