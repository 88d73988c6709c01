// SPDX-License-Identifier: Apache-2.0
// The documents' planning formulas, as they are; what real token prices make of them stands beside.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pipeline/money.hpp"
#include "pipeline/prices.hpp"

namespace alluvium::pipeline {

// The documents' planning constants, per processed batch.
inline constexpr Money planned_small_batch{20'000'000'000};     ///< $0.02
inline constexpr Money planned_premium_batch{150'000'000'000};  ///< $0.15
// And the tokens they reckon a batch with.
inline constexpr std::int64_t planned_prompt_tokens = 1000;
inline constexpr std::int64_t planned_small_completion_tokens = 300;
inline constexpr std::int64_t planned_premium_completion_tokens = 800;

struct CostQuestion {
  std::int64_t messages_per_day = 0;  ///< Per agent; >= 0, like the next two.
  std::int64_t agents = 0;
  std::int64_t days = 30;
  std::size_t batch_size = 20;
  double rate = 0.3;
  bool small = true;
  bool premium = false;
};
struct CostPlan {
  std::int64_t messages = 0, batches = 0,
               processed = 0;                     ///< batches = ceil(messages/size), processed = ceil(batches*rate)
  Money rules, small, premium, total, per_agent;  ///< At the planning constants.
};
/// No overflow, no NaN; zero agents cost $0 each.
[[nodiscard]] CostPlan plan_cost(const CostQuestion& question);
/// What `processed` batches cost at token prices, with the tokens given.
[[nodiscard]] Money cost_at_prices(const ModelPrice& price, std::int64_t processed, std::int64_t prompt_tokens,
                                   std::int64_t completion_tokens, bool in_batch_job);

/// The documents' table of extraction rates: what to expect of 1,000 messages.
struct PlannedRate {
  double rate;
  std::int64_t memories;           ///< Of 1,000 messages.
  std::int64_t tokens_per_memory;  ///< About.
  std::string_view preset;         ///< The one that is planned with it.
};
inline constexpr std::array<PlannedRate, 4> planned_rates{{{0.2, 200, 25, "conservative"},
                                                           {0.4, 400, 100, "balanced"},
                                                           {0.6, 600, 160, "comprehensive"},
                                                           {0.8, 800, 200, "maximum"}}};

/// Individual against batched, per the documents. One by one, a message makes .8 memories with 50 tokens, for $0.005;
/// in batches it makes .2, and a batch takes 200 tokens and $0.02. Latency and quality do not depend on how many.
struct Approach {
  double memories = 0, tokens = 0, latency_ms = 0, quality = 0;
  std::int64_t calls = 0;
  Money cost;
};
struct Efficiency {
  Approach individual, batched;
  double cost_saved = 0, latency_saved = 0, quality_gained = 0, tokens_saved = 0, memories_saved = 0;  ///< Percent.
};
[[nodiscard]] Efficiency compare_batching(std::int64_t messages, std::size_t batch_size);

/// The documents' look at what was made: nothing divides by zero.
struct CreationAnalysis {
  double efficiency = 0;                 ///< Memories per batch.
  std::optional<Money> cost_per_memory;  ///< Absent without memories or with unknown cost.
  double tokens_per_memory = 0;
  const char* token_efficiency = "good";                ///< good if < 150, else review.
  const char* recommendation = "current_rate_optimal";  ///< reduce_extraction_rate if > 200.
};
[[nodiscard]] CreationAnalysis analyze_creation(std::int64_t batches, std::int64_t memories, std::int64_t tokens,
                                                std::optional<Money> cost);

}  // namespace alluvium::pipeline
