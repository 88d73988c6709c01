// SPDX-License-Identifier: Apache-2.0
#include "pipeline/savings.hpp"

#include <cmath>

namespace alluvium::pipeline {
namespace {

/// What there is, and what it came to.
struct Totals {
  std::int64_t calls = 0, memories = 0, first_asked = 0;
  std::optional<Money> cost = Money{};
};

Totals totals_of(const std::vector<ModelUse>& uses) {
  Totals all;
  std::int64_t small = 0, premium = 0;
  for (const auto& use : uses) {
    all.calls += use.calls;
    all.memories += use.memories;
    (use.tier == name(Tier::small) ? small : premium) += use.messages;
    if (!use.cost) {
      all.cost.reset();
    } else if (all.cost) {
      *all.cost += *use.cost;
    }
  }
  all.first_asked = small > 0 ? small : premium;  // What went on to the premium tier was counted before.
  return all;
}

/// `cost` for `part` of `whole`; unknown if there is nothing to judge by.
std::optional<Money> in_proportion(const std::optional<Money>& cost, std::int64_t part, double whole) {
  if (part == 0) {
    return Money{};
  }
  if (!cost || !(whole > 0)) {
    return std::nullopt;
  }
  return Money{std::llround(static_cast<double>(cost->pico) * static_cast<double>(part) / whole)};
}

/// The sum of what `each` says of the uses; unknown as soon as one is.
template <class Each>
std::optional<Money> sum(const std::vector<ModelUse>& uses, const Each& each) {
  Money all;
  for (const auto& use : uses) {
    const std::optional<Money> one = each(use);
    if (!one) {
      return std::nullopt;
    }
    all += *one;
  }
  return all;
}

}  // namespace

std::vector<Saving> savings(const std::vector<ModelUse>& uses, const StreamShare& stream) {
  const auto totals = totals_of(uses);
  const auto answered_share = totals.first_asked == 0 ? 0.0
                                                      : static_cast<double>(totals.first_asked) /
                                                            static_cast<double>(totals.first_asked + stream.waiting);
  const auto asked_bytes = static_cast<double>(stream.chosen) * answered_share;
  const auto unchosen = stream.bytes - stream.noise - stream.chosen;
  std::int64_t alone = 0, cached = 0, reused = 0, in_jobs = 0;
  for (const auto& use : uses) {
    alone += use.messages - use.calls;
    cached += use.usage.cached;
    reused += use.reused;
    in_jobs += use.mode == CallMode::batch ? use.calls : 0;
  }
  const auto batching = sum(uses, [](const ModelUse& use) -> std::optional<Money> {
    const auto spared = (use.messages - use.calls) * use.instruction_tokens;
    if (spared == 0) {
      return Money{};
    }
    if (use.price == nullptr) {
      return std::nullopt;
    }
    const bool job = use.mode == CallMode::batch;
    return (job ? use.price->batch_input.value_or(use.price->input) : use.price->input) * spared;
  });
  const auto caching = sum(uses, [](const ModelUse& use) -> std::optional<Money> {
    if (use.usage.cached == 0) {
      return Money{};
    }
    if (use.price == nullptr) {
      return std::nullopt;
    }
    const bool job = use.mode == CallMode::batch;
    auto fresh = use.usage;
    fresh.cached = 0;
    return cost_of(*use.price, fresh, job) - cost_of(*use.price, use.usage, job);
  });
  const auto jobs = sum(uses, [](const ModelUse& use) -> std::optional<Money> {
    if (use.mode != CallMode::batch || use.calls == 0) {
      return Money{};
    }
    if (use.price == nullptr) {
      return std::nullopt;
    }
    return cost_of(*use.price, use.usage, false) - cost_of(*use.price, use.usage, true);
  });
  return {{.by = "rules",
           .unit = "memories",
           .count = stream.rule_memories,
           .money = in_proportion(totals.cost, stream.rule_memories, static_cast<double>(totals.memories))},
          {.by = "filters",
           .unit = "bytes of noise",
           .count = stream.noise,
           .money = in_proportion(totals.cost, stream.noise, asked_bytes)},
          {.by = "selection",
           .unit = "bytes not chosen",
           .count = unchosen,
           .money = in_proportion(totals.cost, unchosen, asked_bytes)},
          {.by = "batching", .unit = "calls not made", .count = alone, .money = batching},
          {.by = "caching", .unit = "cached tokens", .count = cached, .money = caching},
          {.by = "answers kept",
           .unit = "calls not repeated",
           .count = reused,
           .money = in_proportion(totals.cost, reused, static_cast<double>(totals.calls))},
          {.by = "batch jobs", .unit = "calls in jobs", .count = in_jobs, .money = jobs}};
}

}  // namespace alluvium::pipeline
