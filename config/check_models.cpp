// SPDX-License-Identifier: Apache-2.0
#include "config/check_models.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "connectors/url.hpp"
#include "pipeline/glob.hpp"
#include "pipeline/presets.hpp"
#include "pipeline/prompt.hpp"

namespace alluvium::config {
namespace {

using pipeline::Tier;

void read_instructions(Reader& reader, const std::string& path, Tier which, TierOptions& tier) {
  if (tier.prompt_file.empty()) {
    tier.instructions = pipeline::default_instructions(which);
    return;
  }
  auto text = reader.file(tier.prompt_file, pipeline::instructions_bytes_max);
  if (!text) {
    reader.fault(reader.line_of(path + ".prompt_file"), path + ".prompt_file", text.error().detail);
  } else if (text->find_first_not_of(" \t\r\n") == std::string::npos) {
    reader.fault(reader.line_of(path + ".prompt_file"), path + ".prompt_file", "the file is empty");
  } else {
    tier.instructions = std::move(*text);
  }
}

/// False if the tier stays off.
bool check_tier(Reader& reader, Config& config, Tier which, TierOptions& tier) {
  const auto path = "tiers." + std::string{pipeline::name(which)};
  if (!tier.enabled) {
    return false;
  }
  read_instructions(reader, path, which, tier);
  const auto found = config.endpoints.find(tier.endpoint);
  if (found != config.endpoints.end()) {
    return true;
  }
  if (reader.given(path + ".enabled")) {
    reader.fault(reader.line_of(path + ".enabled"), path + ".endpoint",
                 "there is no \"" + tier.endpoint + "\" under endpoints");
  }
  tier.enabled = false;  // The preset would like it, and nobody has said where it is.
  return false;
}

void check_price(Reader& reader, const std::string& path, const std::string& name, const std::string& text) {
  if (!text.empty() && !pipeline::parse_money(text)) {
    reader.fault(reader.line_of(path + "." + name), path + "." + name, "want an amount in USD, such as 0.15");
  }
}

void check_endpoint(Reader& reader, const std::string& name, const EndpointConfig& endpoint, bool used) {
  const auto path = "endpoints." + name;
  const auto& model = endpoint.model;
  check_price(reader, path, "input_price", endpoint.input_price);
  check_price(reader, path, "output_price", endpoint.output_price);
  if (endpoint.input_price.empty() != endpoint.output_price.empty()) {
    reader.fault(reader.line_of(path), path, "give input_price and output_price, or neither");
  }
  if (!used) {
    return;
  }
  if (const auto url = connectors::parse_url(model.base_url); !url) {
    reader.fault(reader.line_of(path + ".base_url"), path + ".base_url", url.error().detail);
  } else if (model.model.empty()) {
    reader.fault(reader.line_of(path), path + ".model", "missing");
  } else if (model.api_key.empty() && !connectors::is_loopback(model.base_url)) {
    reader.fault(reader.line_of(path), path + ".api_key",
                 reader.unset(path + ".api_key").value_or("want a key: give it as ${VAR} or ${file:PATH}"));
  }
}

std::optional<pipeline::Money> budget_of(Reader& reader, const std::string& path, const std::string& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  auto money = pipeline::parse_money(text);
  if (!money) {
    reader.fault(reader.line_of(path), path, "want an amount in USD, such as 25.00");
    return std::nullopt;
  }
  return *money;
}

void apply_concurrency(const Reader& reader, Config& config) {
  const auto* profile = pipeline::find_profile(config.profile);
  if (profile == nullptr) {
    return;
  }
  for (auto& [name, endpoint] : config.endpoints) {
    if (!reader.given("endpoints." + name + ".max_concurrent")) {
      endpoint.model.concurrent_max = profile->concurrent;
    }
  }
}

/// The rates by agent, those with the most plain characters first.
pipeline::ValueSelection rates_of(Reader& reader, const SelectionOptions& options) {
  pipeline::ValueSelection selection{.rate = options.rate, .agent_rates = {}};
  const std::string path = "selection.agents";
  if (options.agents.size() > pipeline::agent_rates_max) {
    reader.fault(reader.line_of(path), path, "want at most " + std::to_string(pipeline::agent_rates_max));
  }
  for (const auto& [agents, text] : options.agents) {
    double rate = -1;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, rate);
    if (error != std::errc{} || stop != end || !(rate >= 0 && rate <= 1)) {
      reader.fault(reader.line_of(path), path, agents + ": want a number from 0 to 1, not " + text);
    } else if (agents.empty() || agents.size() > pipeline::glob_bytes_max) {
      reader.fault(reader.line_of(path), path,
                   "want names of 1 to " + std::to_string(pipeline::glob_bytes_max) + " bytes");
    } else {
      selection.agent_rates.push_back({.agents = {agents}, .rate = rate});
    }
  }
  const auto plain = [](const pipeline::AgentRate& one) {
    return std::ranges::count_if(one.agents.front(), [](char c) { return c != '*' && c != '?'; });
  };
  std::ranges::stable_sort(selection.agent_rates, std::ranges::greater{}, plain);
  return selection;
}

}  // namespace

void check_models(Reader& reader, Config& config) {
  const bool small = check_tier(reader, config, Tier::small, config.small);
  const bool premium = check_tier(reader, config, Tier::premium, config.premium);
  std::set<std::string> used;
  if (small) {
    used.insert(config.small.endpoint);
  }
  if (premium) {
    used.insert(config.premium.endpoint);
  }
  for (auto& [name, endpoint] : config.endpoints) {
    endpoint.model.name = name;
    endpoint.model.http.base_url = endpoint.model.base_url;
    check_endpoint(reader, name, endpoint, used.contains(name));
  }
  apply_concurrency(reader, config);
  config.budget.global = budget_of(reader, "budget.monthly", config.budget_texts.monthly);
  config.budget.per_agent = budget_of(reader, "budget.per_agent", config.budget_texts.per_agent);
  config.budget.per_org = budget_of(reader, "budget.per_org", config.budget_texts.per_org);
  if (config.retry.delay > config.retry.delay_max) {
    reader.fault(reader.line_of("retry.delay"), "retry.delay", "want at most retry.max_delay");
  }
  auto& models = config.sqlite.models;
  models.tiers[Tier::small] = {.enabled = small, .min_messages = config.small.min_messages, .mode = config.small.mode};
  models.tiers[Tier::premium] = {
      .enabled = premium, .min_messages = config.premium.min_messages, .mode = config.premium.mode};
  models.tiers.both = config.both_tiers;
  models.selection.rate = config.selection.rate;
  models.by_value = config.selection.by_value;
  models.gathering = {.messages_max = config.selection.batch_messages, .wait_max = config.selection.max_wait};
  models.backlog_requests_max = static_cast<std::int64_t>(config.backlog_requests_max);
  models.backlog_bytes_max = static_cast<std::int64_t>(config.backlog_bytes_max);
  if (const std::string path = "dedupe.adjudicate"; config.sqlite.adjudicate && !config.sqlite.near_dedupe) {
    reader.fault(reader.line_of(path), path, "wants dedupe.near: true, which finds what is much alike");
  } else if (config.sqlite.adjudicate && !small) {
    reader.fault(reader.line_of(path), path, "wants tiers.small.enabled: true and its endpoint: that model is asked");
  }
  config.engine.extraction.for_models = models.tiers.any();
  config.engine.extraction.near = config.sqlite.near_dedupe;
  auto rates = rates_of(reader, config.selection);
  if (models.tiers.any() && models.by_value) {
    config.engine.extraction.by_value = true;
    config.engine.selection = pipeline::StreamSelectionOptions{
        .rates = std::move(rates), .filters = config.engine.extraction.filters, .scorer = nullptr};
  }
}

}  // namespace alluvium::config
