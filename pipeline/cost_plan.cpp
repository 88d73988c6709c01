// SPDX-License-Identifier: Apache-2.0
// The documents' formulas. Whole numbers wherever they have decimals: 0.6 / 0.3 is not quite 2.
#include "pipeline/cost_plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace alluvium::pipeline {

namespace {

// The documents' figures for one message asked about alone ...
constexpr std::int64_t alone_memories_tenths = 8;  // Of a memory.
constexpr std::int64_t alone_tokens = 50;
constexpr Money alone_cost{5'000'000'000};  // $0.005
constexpr double alone_latency_ms = 300;
constexpr std::int64_t alone_quality_tenths = 3;
// ... and for messages in a batch: memories for each message, the rest for the batch. A batch costs what a small one
// is planned with.
constexpr std::int64_t batched_memories_tenths = 2;
constexpr std::int64_t batched_tokens = 200;
constexpr double batched_latency_ms = 150;
constexpr std::int64_t batched_quality_tenths = 9;

// Where the documents draw the lines, in tokens per memory.
constexpr double good_below = 150;
constexpr double reduce_above = 200;

std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::int64_t>::max() : result;
}

std::int64_t not_negative(std::int64_t number) {
  return std::max<std::int64_t>(number, 0);
}

std::int64_t batches_of(std::int64_t messages, std::size_t batch_size) {
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  const auto size = static_cast<std::int64_t>(std::clamp<std::size_t>(batch_size, 1, most));
  return messages / size + (messages % size > 0 ? 1 : 0);
}

/// ceil(count * rate) with the rate as it was written: 100 * 0.07 is 7, though the double above it makes 8 of it.
std::int64_t share_of(std::int64_t count, double rate) {
  constexpr std::int64_t scale = 1'000'000'000;
  const auto scaled = rate > 0 ? std::llround(std::min(rate, 1.0) * static_cast<double>(scale)) : 0;  // NaN is 0.
  const auto rest = count % scale * scaled;
  return count / scale * scaled + rest / scale + (rest % scale > 0 ? 1 : 0);
}

/// `part` is so many percent of `whole`; of nothing it is 0.
double percent(double part, double whole) {
  return whole == 0 ? 0 : 100 * part / whole;
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole <= 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Rounded to the nearest picodollar.
Money divided(Money money, std::int64_t count) {
  if (count <= 0) {
    return {};
  }
  const auto rest = money.pico % count;
  return {money.pico / count + (rest >= count - rest ? 1 : 0)};
}

}  // namespace

CostPlan plan_cost(const CostQuestion& question) {
  CostPlan plan;
  const auto agents = not_negative(question.agents);
  const auto per_agent = product(not_negative(question.messages_per_day), not_negative(question.days));
  plan.messages = product(per_agent, agents);
  plan.batches = batches_of(plan.messages, question.batch_size);
  plan.processed = share_of(plan.batches, question.rate);
  plan.small = question.small ? planned_small_batch * plan.processed : Money{};
  plan.premium = question.premium ? planned_premium_batch * plan.processed : Money{};
  plan.total = plan.rules + plan.small + plan.premium;
  plan.per_agent = divided(plan.total, agents);
  return plan;
}

Money cost_at_prices(const ModelPrice& price, std::int64_t processed, std::int64_t prompt_tokens,
                     std::int64_t completion_tokens, bool in_batch_job) {
  return cost_of(price, {.prompt = prompt_tokens, .completion = completion_tokens}, in_batch_job) *
         not_negative(processed);
}

Efficiency compare_batching(std::int64_t messages, std::size_t batch_size) {
  messages = not_negative(messages);
  const auto batches = batches_of(messages, batch_size);
  const auto many = static_cast<double>(messages);
  Efficiency found;
  found.individual = {.memories = many * alone_memories_tenths / 10,
                      .tokens = many * alone_tokens,
                      .latency_ms = alone_latency_ms,
                      .quality = alone_quality_tenths / 10.0,
                      .calls = messages,
                      .cost = alone_cost * messages};
  found.batched = {.memories = many * batched_memories_tenths / 10,
                   .tokens = static_cast<double>(batches) * batched_tokens,
                   .latency_ms = batched_latency_ms,
                   .quality = batched_quality_tenths / 10.0,
                   .calls = batches,
                   .cost = planned_small_batch * batches};
  const auto saved = [](double alone, double batched) { return percent(alone - batched, alone); };
  found.cost_saved =
      saved(static_cast<double>(found.individual.cost.pico), static_cast<double>(found.batched.cost.pico));
  found.latency_saved = saved(alone_latency_ms, batched_latency_ms);
  found.quality_gained = percent(batched_quality_tenths - alone_quality_tenths, alone_quality_tenths);
  found.tokens_saved = saved(found.individual.tokens, found.batched.tokens);
  found.memories_saved = messages == 0 ? 0 : saved(double{alone_memories_tenths}, double{batched_memories_tenths});
  return found;
}

CreationAnalysis analyze_creation(std::int64_t batches, std::int64_t memories, std::int64_t tokens,
                                  std::optional<Money> cost) {
  CreationAnalysis found;
  found.efficiency = ratio(memories, batches);
  found.tokens_per_memory = ratio(tokens, memories);
  if (cost && memories > 0) {
    found.cost_per_memory = divided(*cost, memories);
  }
  found.token_efficiency = found.tokens_per_memory < good_below ? "good" : "review";
  found.recommendation = found.tokens_per_memory > reduce_above ? "reduce_extraction_rate" : "current_rate_optimal";
  return found;
}

}  // namespace alluvium::pipeline
