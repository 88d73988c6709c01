// SPDX-License-Identifier: Apache-2.0
// What was not paid, and thanks to what: by the prices and tokens of what was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/money.hpp"
#include "pipeline/prices.hpp"
#include "pipeline/tier.hpp"

namespace alluvium::pipeline {

/// What one model did for one tier, in one mode.
struct ModelUse {
  std::string tier, model;
  CallMode mode = CallMode::call;
  std::int64_t calls = 0;     ///< That were made and answered.
  std::int64_t messages = 0;  ///< That those were about.
  std::int64_t reused = 0;    ///< Answers that were there already: no call was made.
  std::int64_t memories = 0;
  TokenUsage usage;
  std::optional<Money> cost;            ///< Nothing: a price is unknown.
  const ModelPrice* price = nullptr;    ///< Null: unknown.
  std::int64_t instruction_tokens = 0;  ///< Of a prompt, beside its messages.
};

/// What came in, in bytes of content.
struct StreamShare {
  std::int64_t bytes = 0, noise = 0, chosen = 0;  ///< chosen: models were or will be asked about it.
  std::int64_t waiting = 0;                       ///< Messages of it that have no answer yet.
  std::int64_t rule_memories = 0;
};

struct Saving {
  std::string_view by;    ///< rules, filters, selection, batching, caching, answers kept, batch jobs
  std::string_view unit;  ///< Of `count`.
  std::int64_t count = 0;
  std::optional<Money> money;  ///< Nothing: nobody knows.
};

/// One of each, in this order.
/// - rules: their memories, at what a memory of the models cost;
/// - filters, selection: bytes of noise, and of what was not chosen, at what a byte that was asked about cost;
/// - batching: the instructions that each message would have had to be sent with, less those that were;
/// - caching: cached tokens, at what they would have cost as fresh ones;
/// - answers kept: at the mean cost of a call;
/// - batch jobs: their tokens at the price of calls, less what they cost.
/// Unknown if a price that it takes is unknown; zero where nothing was done, whatever the price.
[[nodiscard]] std::vector<Saving> savings(const std::vector<ModelUse>& uses, const StreamShare& stream);

}  // namespace alluvium::pipeline
