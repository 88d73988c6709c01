// SPDX-License-Identifier: Apache-2.0
// alluvium rates: what to expect of an extraction rate, and which one a kind of use asks for.
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/listing.hpp"
#include "app/measured.hpp"
#include "app/output.hpp"
#include "pipeline/cost_plan.hpp"
#include "pipeline/json_text.hpp"
#include "pipeline/presets.hpp"

namespace alluvium::app {
namespace {

struct Options {
  StoreChoice store;
  std::string use;
  bool use_said = false;
  bool json = false;
};

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

std::string percent(double rate) {
  return number(rate * 100) + " %";
}

std::string tenths_of_percent(double rate) {
  return number(std::round(rate * 1000) / 10) + " %";
}

std::string use_json(std::string_view use, double rate) {
  return pipeline::JsonText().object().field("use", use).field("rate", rate).end().text() + "\n";
}

std::string planned_json(const pipeline::PlannedRate& planned) {
  pipeline::JsonText json;
  json.object().field("rate", planned.rate).field("memories_per_1000_messages", planned.memories);
  return json.field("tokens_per_memory", planned.tokens_per_memory).field("preset", planned.preset).end().text();
}

std::string rates_json(const std::optional<Measured>& measured) {
  std::string out;
  for (const auto& planned : pipeline::planned_rates) {
    out += planned_json(planned) + "\n";
  }
  if (measured) {
    pipeline::JsonText json;
    add_measured(json.object(), *measured);
    out += json.end().text() + "\n";
  }
  for (const auto& use : pipeline::use_rates()) {
    out += use_json(use.use, use.rate);
  }
  return out;
}

std::string uses_text() {
  Table uses{{{.title = "USE"}, {.title = "RATE", .align = Align::right}}};
  for (const auto& use : pipeline::use_rates()) {
    uses.add({std::string{use.use}, number(use.rate)});
  }
  uses.add({"any other", number(pipeline::rate_for_use(""))});
  return uses.text(table_width(), stdout_is_terminal() && may_style());
}

int rates(const Options& options) {
  if (options.use_said) {
    const double rate = pipeline::rate_for_use(options.use);
    print(options.json ? use_json(options.use, rate) : number(rate) + "\n");
    return done;
  }
  const auto measured = measure(options.store);
  if (!measured) {
    return report(measured.error());
  }
  print(options.json ? rates_json(*measured) : planned_rates_text(*measured) + "\n" + uses_text());
  return done;
}

}  // namespace

std::string planned_rates_text(const std::optional<Measured>& measured) {
  constexpr auto right = Align::right;
  Table planned{{{.title = "RATE", .align = right},
                 {.title = "MEMORIES PER 1,000 MESSAGES", .align = right},
                 {.title = "TOKENS EACH", .align = right},
                 {.title = "PRESET"}}};
  for (const auto& row : pipeline::planned_rates) {
    planned.add({percent(row.rate), with_commas(row.memories), "~" + with_commas(row.tokens_per_memory),
                 std::string{row.preset}});
  }
  if (measured) {
    const auto figure = [](const std::optional<double>& value, const auto& text) { return value ? text(*value) : "-"; };
    const auto whole = [](double value) { return with_commas(std::llround(value)); };
    planned.add({figure(measured->rate(), tenths_of_percent), figure(measured->memories_per_1000(), whole),
                 figure(measured->tokens_per_memory(), whole), "(measured)"});
  }
  return planned.text(table_width(), stdout_is_terminal() && may_style());
}

void add_planned_rates(pipeline::JsonText& json) {
  json.key("rates").array();
  for (const auto& planned : pipeline::planned_rates) {
    json.raw(planned_json(planned));
  }
  json.end();
}

void add_rates(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("rates", "What to expect of an extraction rate, and rates by kind of use");
  auto options = std::make_shared<Options>();
  auto* use = command->add_option("--use", options->use, "Prints the rate for this kind of use only");
  command->add_flag("--json", options->json, "One JSON object per line");
  add_measured_options(*command, options->store);
  command->callback([options, use, &exit_code] {
    options->use_said = use->count() > 0;
    exit_code = rates(*options);
  });
}

}  // namespace alluvium::app
