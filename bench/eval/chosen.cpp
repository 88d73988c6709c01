// SPDX-License-Identifier: Apache-2.0
#include "bench/eval/chosen.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <string_view>
#include <unordered_map>

#include "pipeline/selection.hpp"
#include "pipeline/stream_selection.hpp"

namespace alluvium::bench {
namespace {

std::uint64_t tokens_of(const Values& values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& value) { return sum + value.tokens; });
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Values values_of(const Conversations& conversations) {
  const auto scorer = pipeline::ValueScorer::make();
  pipeline::ValueScorer::Scratch scratch;
  Values values;
  values.reserve(conversations.messages.size());
  for (const auto& message : conversations.messages) {
    values.push_back(scorer->score(message.content, message.role, scratch));
  }
  return values;
}

Chosen chosen_at_random(const Values& values, double rate, std::uint64_t seed) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random{seed};
  for (auto left = order.size(); left > 1; --left) {  // Not std::shuffle: the same order everywhere.
    std::swap(order[left - 1], order[random() % left]);
  }
  const double budget = rate * static_cast<double>(tokens_of(values));
  std::uint64_t spent = 0;
  Chosen chosen(values.size());
  for (const auto i : order) {
    if (static_cast<double>(spent + values[i].tokens) > budget) {
      break;
    }
    spent += values[i].tokens;
    chosen[i] = true;
  }
  return chosen;
}

Chosen chosen_by_hash(const Conversations& conversations, double rate) {
  constexpr std::int64_t batch_messages = 20;
  std::unordered_map<std::string_view, std::int64_t> seen;
  Chosen chosen;
  chosen.reserve(conversations.messages.size());
  for (const auto& message : conversations.messages) {
    chosen.push_back(pipeline::is_selected({rate}, message.agent_id, seen[message.agent_id]++ / batch_messages));
  }
  return chosen;
}

Chosen chosen_by_value(const Conversations& conversations, double rate) {
  const pipeline::StreamSelectionOptions options{
      .rates = {.rate = rate, .agent_rates = {}}, .filters = {}, .scorer = pipeline::ValueScorer::make()};
  pipeline::StreamSelection selection{options, {}};
  pipeline::ValueScorer::Scratch scratch;
  Chosen chosen;
  chosen.reserve(conversations.messages.size());
  for (const auto& message : conversations.messages) {
    chosen.push_back(selection.judge(message, scratch).is_chosen());
  }
  return chosen;
}

Reached reached(const Chosen& chosen, const Values& values, const Labels& labels) {
  const auto is_chosen = [&](std::size_t i) { return bool{chosen[i]}; };
  const auto messages = std::ranges::count_if(labels.evidence, is_chosen);
  const auto items =
      std::ranges::count_if(labels.items, [&](const auto& item) { return std::ranges::all_of(item, is_chosen); });
  std::uint64_t spent = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    spent += chosen[i] ? values[i].tokens : 0U;
  }
  return {.evidence = share(static_cast<std::uint64_t>(messages), labels.evidence.size()),
          .questions = share(static_cast<std::uint64_t>(items), labels.items.size()),
          .realised = share(spent, tokens_of(values))};
}

}  // namespace alluvium::bench
