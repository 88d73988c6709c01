// SPDX-License-Identifier: Apache-2.0
#include "actors/concluding.hpp"

#include <spdlog/spdlog.h>

namespace alluvium::actors {
namespace {

using pipeline::NextStep;

void add(std::atomic<std::int64_t>& counter, std::int64_t by) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace

pipeline::Result<void> write_conclusion(const pipeline::Conclusion& out, pipeline::RequestStore& store,
                                        pipeline::Metrics& metrics) {
  if (out.postponement) {
    return store.postpone(out.end, *out.postponement);
  }
  const auto settled = store.settle(out.end, *out.settlement);
  if (!settled) {
    return tl::unexpected{settled.error()};
  }
  add(metrics.memories, settled->memories);
  add(metrics.duplicates, settled->duplicates);
  for (std::size_t i = 0; i < pipeline::outcome_count; ++i) {
    add(metrics.messages[i], settled->moved.of[i]);
  }
  return {};
}

void count_conclusion(const pipeline::Conclusion& out, std::optional<pipeline::Money> reserved,
                      pipeline::Metrics& metrics) {
  const auto& end = out.end;
  add(metrics.prompt_tokens, end.usage.prompt);
  add(metrics.completion_tokens, end.usage.completion);
  add(metrics.cost_pico, end.cost.value_or(pipeline::Money{}).pico);
  if (end.possibly_paid) {
    add(metrics.possibly_paid_pico, reserved.value_or(pipeline::Money{}).pico);
  }
  if (out.step.kind == NextStep::Kind::settle && !end.from_cache) {
    add(metrics.model_answers, 1);
    add(metrics.cost_unknown, end.cost ? 0 : 1);
  }
  if (out.step.kind == NextStep::Kind::backlog) {
    add(metrics.requests_degraded, 1);
  }
  if (!end.error.empty()) {
    spdlog::warn("request {} to {} ({}): {}", end.request, end.endpoint, end.model, end.error);
  }
}

}  // namespace alluvium::actors
