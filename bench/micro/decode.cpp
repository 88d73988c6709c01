// SPDX-License-Identifier: Apache-2.0
// decode: JSON records to a chunk of messages, as a poll of a source does it.
#include <cstdint>
#include <string>
#include <vector>

#include "bench/micro/chat.hpp"
#include "bench/micro/measurement.hpp"
#include "bench/micro/suites.hpp"
#include "pipeline/decoder.hpp"

namespace alluvium::bench {
namespace {

constexpr std::size_t messages = 1000;

/// id, agent_id and content, as the workload has it.
std::vector<Record> plain() {
  return chat_records(messages, messages);
}

/// With everything that a message can say.
std::vector<Record> full() {
  auto records = plain();
  for (auto& record : records) {
    record.value.pop_back();
    record.value += R"(,"session_id":"session-17","user_id":"user-)" + record.key +
                    R"(","org_id":"org-3","role":"assistant","timestamp":"2026-01-01T12:34:56.789Z"})";
  }
  return records;
}

/// As many messages in records of 20.
std::vector<Record> bundled() {
  std::vector<Record> bundles;
  const auto singles = plain();
  for (std::size_t i = 0; i < singles.size(); ++i) {
    if (i % batch_messages == 0) {
      bundles.push_back({singles[i].key, R"({"session_id":"session-17","messages":[)"});
    }
    bundles.back().value += singles[i].value + (i % batch_messages + 1 == batch_messages ? "]}" : ",");
  }
  return bundles;
}

void decode(benchmark::State& state, const std::vector<Record>& records) {
  auto decoder = pipeline::Decoder::make({}).value();
  std::vector<pipeline::DeadLetter> dead;
  std::size_t bytes = 0;
  for (const auto& record : records) {
    bytes += record.value.size();
  }
  for ([[maybe_unused]] auto _ : state) {
    pipeline::MessageChunk chunk;
    for (std::size_t i = 0; i < records.size(); ++i) {
      decoder.decode(view_of(records[i], i), 0, chunk, dead);
    }
    benchmark::DoNotOptimize(chunk.entries().data());
    demand(chunk.entries().size() == messages && dead.empty(), "decode: not every record became its messages");
  }
  count_messages(state, messages);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

}  // namespace

void add_decode() {
  benchmark::RegisterBenchmark("decode/plain", decode, plain());
  benchmark::RegisterBenchmark("decode/full", decode, full());
  benchmark::RegisterBenchmark("decode/bundles_of_20", decode, bundled());
}

}  // namespace alluvium::bench
