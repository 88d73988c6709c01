// SPDX-License-Identifier: Apache-2.0
// ledger: which offsets are done, as a commit's rows of bytes, and as the watermark that moves on.
#include <cstdint>
#include <string>
#include <vector>

#include "bench/micro/chat.hpp"
#include "bench/micro/measurement.hpp"
#include "bench/micro/suites.hpp"
#include "pipeline/offset_ledger.hpp"
#include "pipeline/position_codec.hpp"

namespace alluvium::bench {
namespace {

constexpr std::size_t messages = commit_batches * batch_messages;

/// By batch. `bundled`: the same messages, in records of 20.
std::vector<std::vector<pipeline::Position>> positions(bool bundled) {
  std::vector<std::vector<pipeline::Position>> all;
  for (const auto& batch : chat_batches()) {
    auto& of_batch = all.emplace_back();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto position = batch.position(i);
      if (bundled) {
        position = {.offset = position.offset / std::int64_t{batch_messages},
                    .index = static_cast<std::uint32_t>(position.offset % std::int64_t{batch_messages}),
                    .count = batch_messages};
      }
      of_batch.push_back(position);
    }
  }
  return all;
}

void encode(benchmark::State& state, bool bundled) {
  const auto batches = positions(bundled);
  std::size_t next = 0;
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    bytes += pipeline::encode_positions(batches[next++ % batches.size()]).size();
  }
  count_messages(state, batch_messages);
  state.counters["bytes_per_message"] = static_cast<double>(bytes) / static_cast<double>(next * batch_messages);
}

/// As a claim does it with the batches above the watermark.
void decode(benchmark::State& state) {
  std::vector<std::string> rows;
  for (const auto& batch : positions(false)) {
    rows.push_back(pipeline::encode_positions(batch));
  }
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(pipeline::decode_positions(rows[next++ % rows.size()]).value().data());
  }
  count_messages(state, batch_messages);
}

/// Batch by batch: the window is open over all of them until the last.
void mark(benchmark::State& state, bool bundled) {
  const auto batches = positions(bundled);
  for ([[maybe_unused]] auto _ : state) {
    pipeline::OffsetLedger ledger;
    for (const auto& batch : batches) {
      for (const auto& position : batch) {
        ledger.mark(position);
      }
    }
    demand(ledger.watermark() == static_cast<std::int64_t>(bundled ? messages / batch_messages : messages),
           "ledger: the watermark is not at the end");
  }
  count_messages(state, messages);
}

}  // namespace

void add_ledger() {
  benchmark::RegisterBenchmark("ledger/encode", encode, false);
  benchmark::RegisterBenchmark("ledger/encode_bundled", encode, true);
  benchmark::RegisterBenchmark("ledger/decode", decode);
  benchmark::RegisterBenchmark("ledger/mark", mark, false);
  benchmark::RegisterBenchmark("ledger/mark_bundled", mark, true);
}

}  // namespace alluvium::bench
