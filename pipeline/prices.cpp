// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prices.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <simdjson.h>

#include "pipeline/json_reader.hpp"
#include "pipeline/timestamp.hpp"

namespace alluvium::pipeline {

namespace {

constexpr std::size_t depth_max = 32;  // The real file nests 4 deep.
constexpr double token_price_max = 1;  // Dollars: 1,600 times the dearest model there is. Beyond is a mistake.
constexpr std::string_view sample_entry = "sample_spec";
constexpr std::array<std::string_view, 3> halving_providers{"openai", "anthropic", "mistral"};

/// The entry's price under `key`, if it is one.
std::optional<Money> price_at(simdjson::dom::object entry, std::string_view key) {
  double dollars = 0;
  simdjson::dom::element value;
  if (entry.at_key(key).get(value) != simdjson::SUCCESS || !value.is_number() ||
      value.get_double().get(dollars) != simdjson::SUCCESS || !(dollars >= 0) || dollars > token_price_max) {
    return std::nullopt;
  }
  const auto price = money_of(dollars);
  return dollars > 0 ? std::max(price, Money{1}) : price;
}

std::string_view text_at(simdjson::dom::object entry, std::string_view key) {
  std::string_view text;
  return entry.at_key(key).get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

Money half(Money price) {
  return {price.pico / 2 + price.pico % 2};
}

std::optional<ModelPrice> price_of(simdjson::dom::object entry) {
  const auto input = price_at(entry, "input_cost_per_token");
  auto output = price_at(entry, "output_cost_per_token");
  if (!output && text_at(entry, "mode") == "embedding") {
    output = Money{};
  }
  if (!input || !output) {
    return std::nullopt;
  }
  ModelPrice price;
  price.input = *input;
  price.output = *output;
  price.cache_read = price_at(entry, "cache_read_input_token_cost");
  price.cache_write = price_at(entry, "cache_creation_input_token_cost");
  price.batch_input = price_at(entry, "input_cost_per_token_batches");
  price.batch_output = price_at(entry, "output_cost_per_token_batches");
  price.provider = text_at(entry, "litellm_provider");
  if ((!price.batch_input || !price.batch_output) &&
      std::ranges::find(halving_providers, price.provider) != halving_providers.end()) {
    price.batch_input = price.batch_input.value_or(half(price.input));
    price.batch_output = price.batch_output.value_or(half(price.output));
    price.batch_is_assumed = true;
  }
  return price;
}

bool is_date(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() == 8 && std::ranges::all_of(text, is_digit)) {
    const auto extended =
        std::string{text.substr(0, 4)}.append("-").append(text.substr(4, 2)).append("-").append(text.substr(6));
    return parse_timestamp(extended).has_value();
  }
  return text.size() == 10 && text[4] == '-' && text[7] == '-' && parse_timestamp(text).has_value();
}

/// The name without the date or tag at its end; empty if it has none.
std::string_view untagged(std::string_view model) {
  if (const auto colon = model.rfind(':'); colon != std::string_view::npos) {
    return model.substr(0, colon);
  }
  for (const std::size_t digits : {std::size_t{8}, std::size_t{10}}) {
    if (model.size() > digits + 1 && is_date(model.substr(model.size() - digits))) {
      const auto name = model.substr(0, model.size() - digits);
      return name.ends_with('-') || name.ends_with('@') ? name.substr(0, name.size() - 1) : std::string_view{};
    }
  }
  return {};
}

std::int64_t not_negative(std::int64_t tokens) {
  return std::max<std::int64_t>(tokens, 0);
}

}  // namespace

Money cost_of(const ModelPrice& price, const TokenUsage& usage, bool in_batch_job) {
  auto input = price.input;
  auto output = price.output;
  auto read = price.cache_read.value_or(input);
  auto write = price.cache_write.value_or(input);
  if (in_batch_job && price.batch_input && price.batch_output) {
    const bool halves = *price.batch_input <= half(input);
    read = halves ? half(read) : read;
    write = halves ? half(write) : write;
    input = *price.batch_input;
    output = *price.batch_output;
  }
  const auto cached = not_negative(usage.cached);
  const auto written = not_negative(usage.cache_write);
  // Bounded first: a provider that counts nonsense must not make the subtraction overflow.
  const auto rest = not_negative(not_negative(not_negative(usage.prompt) - cached) - written);
  return input * rest + read * cached + write * written + output * not_negative(usage.completion);
}

Result<PriceList> PriceList::parse(std::string_view json) {
  const auto refuse = [](const std::string& why) { return fail(Errc::invalid_config, "prices: " + why); };
  if (json.empty()) {
    return refuse("the file is empty");
  }
  if (json.size() > price_file_bytes_max) {
    return refuse("the file is larger than " + std::to_string(price_file_bytes_max >> 20) + " MiB");
  }
  JsonReader reader{depth_max};
  const auto root = reader.parse(json);
  if (!root) {
    return refuse(root.error().detail);
  }
  simdjson::dom::object models;
  if (root->get(models) != simdjson::SUCCESS) {
    return refuse("want one JSON object with a key for each model");
  }
  PriceList list;
  for (const auto& [model, value] : models) {
    simdjson::dom::object entry;
    if (model.empty() || model == sample_entry || value.get(entry) != simdjson::SUCCESS) {
      continue;
    }
    if (auto price = price_of(entry)) {
      list.prices_.insert_or_assign(std::string{model}, *std::move(price));
    }
  }
  if (list.prices_.empty()) {
    return refuse("no model in it has input_cost_per_token and output_cost_per_token");
  }
  return list;
}

const PriceList& PriceList::shipped() {
  static const PriceList list = parse(default_prices_json()).value_or(PriceList{});  // Its test sees that it parses.
  return list;
}

const ModelPrice* PriceList::find(std::string_view model) const {
  for (; !model.empty(); model = untagged(model)) {
    if (const auto exact = prices_.find(model); exact != prices_.end()) {
      return &exact->second;
    }
    const auto ends_so = [&](const auto& entry) {
      const std::string_view name = entry.first;
      return name.size() > model.size() && name.ends_with(model) && name[name.size() - model.size() - 1] == '/';
    };
    const auto first = std::ranges::find_if(prices_, ends_so);
    if (first != prices_.end()) {
      // Two providers may ask different prices: then it is unknown which is meant, whatever the tag.
      return std::find_if(std::next(first), prices_.end(), ends_so) == prices_.end() ? &first->second : nullptr;
    }
  }
  return nullptr;
}

}  // namespace alluvium::pipeline
