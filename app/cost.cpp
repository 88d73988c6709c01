// SPDX-License-Identifier: Apache-2.0
// alluvium cost: what a deployment would cost, by the documents' plan and at real token prices.
#include <array>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/listing.hpp"
#include "app/measured.hpp"
#include "app/number_argument.hpp"
#include "app/output.hpp"
#include "config/expand.hpp"
#include "pipeline/cost_plan.hpp"
#include "pipeline/json_text.hpp"
#include "pipeline/presets.hpp"
#include "pipeline/prices.hpp"

namespace alluvium::app {
namespace {

using pipeline::CostPlan;
using pipeline::CostQuestion;
using pipeline::JsonText;
using pipeline::Money;
using pipeline::Preset;
using pipeline::PriceList;

// What can be asked for: beyond it, it was a slip of the finger.
constexpr std::int64_t per_day_max = 1'000'000'000;
constexpr std::int64_t agents_max = 1'000'000'000;
constexpr std::int64_t days_max = 36'500;
constexpr std::int64_t batch_max = 10'000;

struct Options {
  StoreChoice store;
  std::int64_t per_day = 0, agents = 0, days = 30;
  std::string preset = "customer-support";
  std::optional<std::size_t> batch;
  std::optional<double> rate;
  std::string model = "mistral-small-3.1";
  std::string premium_model = "gpt-4o";
  bool premium_model_said = false;
  std::string prices;  ///< Empty: the shipped ones.
  bool json = false;
};

/// One tier at token prices. Without a price the cost is unknown, which is not 0.
struct TierCost {
  std::string tier, model;
  std::int64_t completion_tokens = 0;
  Money planned;
  std::optional<Money> called, in_jobs;
  std::optional<Money> measured;  ///< At what such a batch has cost in the store.
  bool job_price_is_assumed = false;
};

struct Answer {
  const Preset* preset = nullptr;
  CostQuestion question;
  CostPlan plan;
  std::vector<TierCost> tiers;
  std::string prices_from;  ///< For people.
  std::optional<Measured> store;

  /// The sum over all tiers; unknown if one is.
  [[nodiscard]] std::optional<Money> total(std::optional<Money> TierCost::*cost) const {
    Money sum;
    for (const auto& tier : tiers) {
      if (!(tier.*cost)) {
        return std::nullopt;
      }
      sum += *(tier.*cost);
    }
    return sum;
  }
};

std::optional<Money> per_agent(std::optional<Money> total, std::int64_t agents) {
  return total ? std::optional{agents > 0 ? Money{total->pico / agents} : Money{}} : std::nullopt;
}

TierCost tier_cost(std::string tier, const std::string& model, std::int64_t completion_tokens, Money planned,
                   std::int64_t processed, const PriceList& prices) {
  TierCost cost{.tier = std::move(tier),
                .model = model,
                .completion_tokens = completion_tokens,
                .planned = planned,
                .called = {},
                .in_jobs = {},
                .measured = {}};
  if (const auto* price = prices.find(model)) {
    const auto at = [&](bool in_job) {
      return cost_at_prices(*price, processed, pipeline::planned_prompt_tokens, completion_tokens, in_job);
    };
    cost.called = at(false);
    cost.in_jobs = price->batch_input && price->batch_output ? std::optional{at(true)} : std::nullopt;
    cost.job_price_is_assumed = price->batch_is_assumed;
  }
  return cost;
}

bool counted_out(const Answer& answer) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  bool out = answer.plan.messages == most || answer.plan.total.pico == most;
  for (const auto& tier : answer.tiers) {
    out = out || (tier.called && tier.called->pico == most);
  }
  return out;
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

std::string dollars_or_unknown(const std::optional<Money>& money) {
  return money ? dollars_text(*money) : "unknown";
}

void add_cost_field(JsonText& json, std::string_view name, const std::optional<Money>& money) {
  json.key(name).raw(money ? dollars_number(*money) : "\"unknown\"");
}

std::string json_of(const Answer& answer, const Options& options) {
  const auto& plan = answer.plan;
  JsonText json;
  json.object().field("preset", answer.preset->name).field("per_day", options.per_day).field("agents", options.agents);
  json.field("days", options.days).field("batch_size", answer.question.batch_size).field("rate", answer.question.rate);
  json.field("total_messages", plan.messages).field("total_batches", plan.batches);
  json.field("processed_batches", plan.processed);
  add_cost_field(json, "total_cost", plan.total);
  add_cost_field(json, "cost_per_agent", plan.per_agent);
  json.key("breakdown").object();
  add_cost_field(json, "rules", plan.rules);
  add_cost_field(json, "small_model", plan.small);
  add_cost_field(json, "premium_model", plan.premium);
  json.end().key("at_token_prices").object();
  json.field("prices", options.prices.empty() ? "shipped" : options.prices);
  if (options.prices.empty()) {
    json.field("prices_date", pipeline::shipped_prices_date());
  }
  for (const auto& tier : answer.tiers) {
    json.key(tier.tier + "_model").object().field("model", tier.model);
    json.field("prompt_tokens", pipeline::planned_prompt_tokens).field("completion_tokens", tier.completion_tokens);
    add_cost_field(json, "cost", tier.called);
    add_cost_field(json, "batch_job_cost", tier.in_jobs);
    json.field("batch_job_price_is_assumed", tier.job_price_is_assumed).end();
  }
  const auto called = answer.total(&TierCost::called);
  const auto in_jobs = answer.total(&TierCost::in_jobs);
  add_cost_field(json, "total_cost", called);
  add_cost_field(json, "cost_per_agent", per_agent(called, options.agents));
  add_cost_field(json, "batch_job_total_cost", in_jobs);
  add_cost_field(json, "batch_job_cost_per_agent", per_agent(in_jobs, options.agents));
  json.end();
  if (answer.store) {
    const auto as_measured = answer.total(&TierCost::measured);
    json.key("as_measured").object();
    for (const auto& tier : answer.tiers) {
      add_cost_field(json, tier.tier + "_model", tier.measured);
    }
    add_cost_field(json, "total_cost", as_measured);
    add_cost_field(json, "cost_per_agent", per_agent(as_measured, options.agents));
    add_measured(json.end(), *answer.store);
  }
  return json.end().text() + "\n";
}

std::string notes(const Answer& answer) {
  std::string out = "\nplanned:       " + dollars_text(pipeline::planned_small_batch) + " a processed batch (small), " +
                    dollars_text(pipeline::planned_premium_batch) + " (premium): the planning figures\n";
  out += "token prices:  " + answer.prices_from + "; " + with_commas(pipeline::planned_prompt_tokens) +
         " tokens in a batch, out";
  for (const auto& tier : answer.tiers) {
    out += std::string{&tier == answer.tiers.data() ? " " : ", "} + with_commas(tier.completion_tokens) + " (" +
           tier.tier + ")";
  }
  out += "\nbatch jobs:    at the provider's price for jobs that may take a day\n";
  if (answer.store) {
    const auto* all = answer.store->find("all");
    out += "measured:      " +
           (all == nullptr ? "no model was called in this store yet"
                           : "what the " + with_commas(all->batches) +
                                 " batches in the store that a model was called for have cost") +
           "\n";
  }
  if (answer.preset->premium_model) {
    out += "premium:       planned for every processed batch; it is sent only what the small tier leaves\n";
  }
  for (const auto& tier : answer.tiers) {
    if (!tier.called) {
      out += "unknown:       there is no price of " + tier.model + " in the list; give one with --prices FILE\n";
    } else if (!tier.in_jobs) {
      out += "unknown:       there is no price for batch jobs of " + tier.model + " in the list\n";
    } else if (tier.job_price_is_assumed) {
      out += "assumed:       batch jobs of " + tier.model + " at half price; the list does not say\n";
    }
  }
  return out;
}

std::string text_of(const Answer& answer, const Options& options) {
  const auto& plan = answer.plan;
  auto out =
      aligned({{"preset", std::string{answer.preset->name}},
               {"messages", with_commas(plan.messages) + " (" + with_commas(options.per_day) + " a day, " +
                                with_commas(options.agents) + " agents, " + with_commas(options.days) + " days)"},
               {"batches", with_commas(plan.batches) + " of at most " +
                               with_commas(static_cast<std::int64_t>(answer.question.batch_size))},
               {"processed", with_commas(plan.processed) + " (rate " + number(answer.question.rate) + ")"}});
  constexpr auto right = Align::right;
  std::vector<Column> columns = {{.title = "TIER"},
                                 {.title = "MODEL", .gives_way = true},
                                 {.title = "PLANNED", .align = right},
                                 {.title = "AT TOKEN PRICES", .align = right},
                                 {.title = "IN BATCH JOBS", .align = right}};
  if (answer.store) {
    columns.push_back({.title = "AS MEASURED", .align = right});
  }
  Table table{columns};
  const auto add = [&](const std::string& name, const std::string& model, Money planned, std::optional<Money> called,
                       std::optional<Money> in_jobs, std::optional<Money> measured) {
    std::vector<std::string> cells = {name, model, dollars_text(planned), dollars_or_unknown(called),
                                      dollars_or_unknown(in_jobs)};
    if (answer.store) {
      cells.push_back(dollars_or_unknown(measured));
    }
    table.add(std::move(cells));
  };
  add("rules", "", plan.rules, Money{}, Money{}, Money{});
  for (const auto& tier : answer.tiers) {
    add(tier.tier, tier.model, tier.planned, tier.called, tier.in_jobs, tier.measured);
  }
  const auto called = answer.total(&TierCost::called);
  const auto in_jobs = answer.total(&TierCost::in_jobs);
  const auto measured = answer.total(&TierCost::measured);
  add("total", "", plan.total, called, in_jobs, measured);
  add("per agent", "", plan.per_agent, per_agent(called, options.agents), per_agent(in_jobs, options.agents),
      per_agent(measured, options.agents));
  return out + "\n" + table.text(table_width(), stdout_is_terminal() && may_style()) + notes(answer);
}

/// The prices to reckon with, and where they are from.
pipeline::Result<std::pair<PriceList, std::string>> chosen_prices(const std::string& path) {
  if (path.empty()) {
    return std::pair{PriceList::shipped(), "as shipped, of " + std::string{pipeline::shipped_prices_date()}};
  }
  const auto refuse = [&](const std::string& why) {
    return pipeline::fail(pipeline::Errc::invalid_config, path + ": " + why);
  };
  const auto json = config::read_file(path, pipeline::price_file_bytes_max);
  if (!json) {
    return refuse(json.error().detail);
  }
  auto prices = PriceList::parse(*json);
  if (!prices) {
    return refuse(prices.error().detail);
  }
  return std::pair{*std::move(prices), "of " + path};
}

int cost(const Options& options) {
  Answer answer;
  answer.preset = pipeline::find_preset(options.preset);
  if (answer.preset == nullptr) {
    complain("cost: no preset " + options.preset + "; `alluvium preset list` has them all");
    return wrong_usage;
  }
  const auto prices = chosen_prices(options.prices);
  if (!prices) {
    return report(prices.error());
  }
  const auto& preset = *answer.preset;
  if (options.premium_model_said && !preset.premium_model) {
    complain("cost: preset " + std::string{preset.name} + " has no premium tier: --premium-model changes nothing");
  }
  answer.question = {.messages_per_day = options.per_day,
                     .agents = options.agents,
                     .days = options.days,
                     .batch_size = options.batch.value_or(preset.max_messages),
                     .rate = options.rate.value_or(preset.rate),
                     .small = preset.small_model,
                     .premium = preset.premium_model};
  answer.plan = plan_cost(answer.question);
  answer.prices_from = prices->second;
  const auto add = [&](const char* tier, const std::string& model, std::int64_t completion_tokens, Money planned) {
    answer.tiers.push_back(tier_cost(tier, model, completion_tokens, planned, answer.plan.processed, prices->first));
  };
  if (preset.small_model) {
    add("small", options.model, pipeline::planned_small_completion_tokens, answer.plan.small);
  }
  if (preset.premium_model) {
    add("premium", options.premium_model, pipeline::planned_premium_completion_tokens, answer.plan.premium);
  }
  auto measured = measure(options.store);
  if (!measured) {
    return report(measured.error());
  }
  answer.store = std::move(*measured);
  for (auto& tier : answer.tiers) {
    tier.measured = answer.store ? answer.store->cost_of(tier.tier, answer.plan.processed) : std::nullopt;
  }
  if (counted_out(answer)) {
    complain("cost: that is more than can be counted: 9.2 million dollars; ask for fewer messages, agents or days");
    return wrong_usage;
  }
  print(options.json ? json_of(answer, options) : text_of(answer, options));
  return done;
}

}  // namespace

void add_cost(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("cost", "What a deployment would cost, as planned and at token prices");
  auto options = std::make_shared<Options>();
  command->add_option("--per-day", options->per_day, "Messages of an agent in a day")
      ->required()
      ->check(whole_number(0, per_day_max));
  command->add_option("--agents", options->agents, "Agents")->required()->check(whole_number(0, agents_max));
  command->add_option("--days", options->days, "Days")->check(whole_number(0, days_max))->capture_default_str();
  command->add_option("--preset", options->preset, "Gives batch size, rate and tiers")->capture_default_str();
  command->add_option("--batch", options->batch, "Messages in a batch, instead of the preset's")
      ->check(whole_number(1, batch_max));
  command->add_option("--rate", options->rate, "Share of batches for models, instead of the preset's")->check(share);
  command->add_option("--model", options->model, "The small tier's model")->capture_default_str();
  auto* premium =
      command->add_option("--premium-model", options->premium_model, "The premium tier's model")->capture_default_str();
  command->add_option("--prices", options->prices,
                      "Prices in the schema of LiteLLM's file, instead of the shipped ones");
  command->add_flag("--json", options->json, "As one JSON object");
  add_measured_options(*command, options->store);
  command->callback([options, premium, &exit_code] {
    options->premium_model_said = premium->count() > 0;
    exit_code = cost(*options);
  });
}

}  // namespace alluvium::app
