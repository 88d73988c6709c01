// SPDX-License-Identifier: Apache-2.0
// buffer: messages gathered into full batches, as an agent's buffer does it, without its mailbox (route.cpp has that).
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "bench/micro/chat.hpp"
#include "bench/micro/measurement.hpp"
#include "bench/micro/suites.hpp"
#include "pipeline/batch_policy.hpp"

namespace alluvium::bench {
namespace {

/// Twenty messages, and after each the question whether the batch has to go.
void fill(benchmark::State& state, bool reserve) {
  using namespace std::chrono_literals;
  const auto& batches = chat_batches();
  const auto policy = pipeline::BatchPolicy::make({}).value();
  const pipeline::TimePoint now{1h};
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto& from = batches[next++ % batches.size()];
    pipeline::Batch batch{from.agent_id()};
    pipeline::Pending pending{.first_at = now, .last_at = now};
    if (reserve) {
      batch.reserve_more(from.size(), from.text_bytes());
    }
    bool is_due = false;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const auto message = from[i];
      is_due |= policy.must_flush_before(pending, message.content.size());
      batch.append(message);
      pending.messages = batch.size();
      pending.content_bytes = batch.content_bytes();
      is_due |= policy.flush_reason(pending, now).has_value();
    }
    demand(is_due, "buffer: a full batch does not have to go");
    benchmark::DoNotOptimize(batch.content(0).data());
  }
  count_messages(state, batch_messages);
}

}  // namespace

void add_buffer() {
  // All at once, as in catch-up; and one by one.
  benchmark::RegisterBenchmark("buffer/at_once", fill, true);
  benchmark::RegisterBenchmark("buffer/one_by_one", fill, false);
}

}  // namespace alluvium::bench
