// SPDX-License-Identifier: Apache-2.0
#include "app/measured.hpp"

#include <utility>

namespace alluvium::app {
namespace {

std::optional<double> ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? std::optional{static_cast<double>(part) / static_cast<double>(whole)} : std::nullopt;
}

void add_figure(pipeline::JsonText& json, std::string_view name, const std::optional<double>& figure) {
  json.key(name);
  figure ? json.value(*figure) : json.null();
}

}  // namespace

std::optional<double> Measured::rate() const {
  return byte_rate ? byte_rate : ratio(shape.selected, shape.selected + shape.skipped);
}

std::optional<double> Measured::memories_per_1000() const {
  return ratio(shape.memories * 1000, shape.messages);
}

std::optional<double> Measured::tokens_per_memory() const {
  const auto* all = find("all");
  return all == nullptr ? std::nullopt : ratio(all->prompt_tokens + all->completion_tokens, all->memories);
}

const connectors::TierWork* Measured::find(std::string_view tier) const {
  for (const auto& one : work) {
    if (one.tier == tier) {
      return &one;
    }
  }
  return nullptr;
}

std::optional<pipeline::Money> Measured::cost_of(std::string_view tier, std::int64_t processed) const {
  const auto* all = find("all");
  const auto* one = find(tier);
  if (all == nullptr || all->batches == 0) {
    return std::nullopt;
  }
  if (one == nullptr) {
    return pipeline::Money{};
  }
  if (!one->cost) {
    return std::nullopt;
  }
  const auto dollars = static_cast<double>(one->cost->pico) / static_cast<double>(pipeline::pico_per_dollar);
  return pipeline::money_of(dollars * static_cast<double>(processed) / static_cast<double>(all->batches));
}

void add_measured_options(CLI::App& command, StoreChoice& choice) {
  choice.store_path.clear();
  auto* config =
      command.add_option("-c,--config", choice.config_path, "Also say what the store of this config measured");
  command.add_option("--store", choice.store_path, "Also say what this store measured")->excludes(config);
}

pipeline::Result<std::optional<Measured>> measure(const StoreChoice& choice) {
  if (choice.config_path.empty() && choice.store_path.empty()) {
    return std::nullopt;
  }
  const auto chosen = chosen_store(choice);
  if (!chosen) {
    return tl::unexpected{chosen.error()};
  }
  const auto usage = connectors::SqliteUsage::open(chosen->path);
  if (!usage) {
    return tl::unexpected{usage.error()};
  }
  auto shape = (*usage)->shape();
  if (!shape) {
    return tl::unexpected{shape.error()};
  }
  auto work = (*usage)->work({});
  if (!work) {
    return tl::unexpected{work.error()};
  }
  return Measured{.shape = *shape, .work = std::move(*work)};
}

void add_measured(pipeline::JsonText& json, const Measured& measured) {
  const auto& shape = measured.shape;
  json.key("measured").object().field("messages", shape.messages).field("batches", shape.batches);
  json.field("memories", shape.memories);
  add_figure(json, "rate", measured.rate());
  add_figure(json, "memories_per_1000_messages", measured.memories_per_1000());
  add_figure(json, "tokens_per_memory", measured.tokens_per_memory());
  const connectors::TierWork nothing{.tier = "all", .cost = pipeline::Money{}};
  const auto* found = measured.find("all");
  const auto& all = found == nullptr ? nothing : *found;
  json.field("batches_of_models", all.batches).field("calls", all.calls);
  json.key("tokens_used").object().field("prompt", all.prompt_tokens).field("completion", all.completion_tokens).end();
  json.key("cost").raw(all.cost ? dollars_number(*all.cost) : "\"unknown\"").end();
}

}  // namespace alluvium::app
