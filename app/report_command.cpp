// SPDX-License-Identifier: Apache-2.0
// alluvium report: what the store of a config measured beside what was planned and expected, and what was saved.
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/cost_report.hpp"
#include "app/listing.hpp"
#include "app/measured.hpp"
#include "app/message_texts.hpp"
#include "app/output.hpp"
#include "pipeline/presets.hpp"
#include "pipeline/savings.hpp"

namespace alluvium::app {
namespace {

using pipeline::JsonText;
using pipeline::Saving;

struct Options {
  std::string config_path = "alluvium.yaml";
  bool json = false;
};

/// What a preset expects of a batch, and what came of one.
struct Expected {
  std::string preset;
  pipeline::ExpectedOutput output;
  double rate = 0;
  std::optional<double> memories_per_batch;
};

struct Report {
  Measured measured;
  std::optional<Expected> expected;  ///< Without a preset there is none.
  std::vector<Saving> savings;
};

pipeline::Result<std::vector<pipeline::ModelUse>> uses_of(connectors::SqliteUsage& store, const Outlook& outlook) {
  auto rows = store.models();
  if (!rows) {
    return tl::unexpected{rows.error()};
  }
  std::vector<pipeline::ModelUse> uses;
  for (auto& row : *rows) {
    const bool small = row.tier == pipeline::name(pipeline::Tier::small);
    const auto tier = static_cast<std::size_t>(small ? pipeline::Tier::small : pipeline::Tier::premium);
    const auto& now = outlook.tiers[tier];
    // What the config says of another model that was asked earlier, nobody knows any more.
    const bool known = outlook.notes[tier].model == row.model && now.price;
    uses.push_back(
        {.tier = std::move(row.tier),
         .model = std::move(row.model),
         .mode = row.mode == "batch" ? pipeline::CallMode::batch : pipeline::CallMode::call,
         .calls = row.calls,
         .messages = row.messages,
         .reused = row.reused,
         .memories = row.memories,
         .usage = row.usage,
         .cost = row.cost,
         .price = known ? &*now.price : pipeline::PriceList::shipped().find(row.model),
         .instruction_tokens = now.calibration.prompt_tokens(static_cast<std::int64_t>(now.instructions.size()))});
  }
  return uses;
}

pipeline::Result<Report> report_of(const config::Config& config) {
  auto measured = measure({.config_path = {}, .store_path = config.sqlite.path});
  if (!measured) {
    return tl::unexpected{measured.error()};
  }
  const auto outlook = outlook_of(config);
  if (!outlook) {
    return tl::unexpected{outlook.error()};
  }
  const auto store = connectors::SqliteUsage::open(config.sqlite.path);
  if (!store) {
    return tl::unexpected{store.error()};
  }
  const auto uses = uses_of(**store, *outlook);
  const auto share = (*store)->stream_share();
  if (!uses || !share) {
    return tl::unexpected{uses ? share.error() : uses.error()};
  }
  Report report{.measured = std::move(**measured),
                .expected = {},
                .savings = pipeline::savings(*uses, {.bytes = share->bytes,
                                                     .noise = share->noise,
                                                     .chosen = share->chosen,
                                                     .waiting = share->waiting,
                                                     .rule_memories = share->rule_memories})};
  report.measured.byte_rate =
      share->bytes > 0 && share->chosen > 0
          ? std::optional{static_cast<double>(share->chosen) / static_cast<double>(share->bytes)}
          : std::nullopt;
  if (const auto* preset = pipeline::find_preset(config.preset)) {
    const auto& shape = report.measured.shape;
    report.expected = {.preset = config.preset,
                       .output = preset->expected,
                       .rate = config.selection.rate,
                       .memories_per_batch = shape.batches > 0 ? std::optional{static_cast<double>(shape.memories) /
                                                                               static_cast<double>(shape.batches)}
                                                               : std::nullopt};
  }
  return report;
}

std::string money_text(const std::optional<pipeline::Money>& money) {
  return money ? dollars_text(*money) : "unknown";
}

std::string decimal_text(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

std::string figure(const std::optional<double>& value) {
  return value ? decimal_text(*value) : "-";
}

std::string said(int value) {
  return value == 0 ? "-" : std::to_string(value);
}

std::string text_of(const Report& report) {
  const bool styled = stdout_is_terminal() && may_style();
  const auto& [measured, expected, saved] = report;
  std::string out = "PLANNED AND MEASURED\n" + planned_rates_text(measured);
  if (expected) {
    Table table{{{.title = "PRESET " + expected->preset},
                 {.title = "EXPECTED", .align = Align::right},
                 {.title = "ACTUAL", .align = Align::right}}};
    table.add({"memories a batch", said(expected->output.memories_per_batch), figure(expected->memories_per_batch)});
    table.add({"tokens a memory", said(expected->output.tokens_per_memory), figure(measured.tokens_per_memory())});
    table.add({"rate", decimal_text(expected->rate), figure(measured.rate())});
    out += "\nEXPECTED AND ACTUAL\n" + table.text(table_width(), styled);
    if (!expected->output.focus.empty()) {
      out += "its focus: " + joined({expected->output.focus.begin(), expected->output.focus.end()}, ", ") + "\n";
    }
  }
  if (!measured.work.empty()) {
    out += "\nWHAT MODELS MADE\n" + creation_text(measured.work);
  }
  Table table{{{.title = "SAVED BY"},
               {.title = "WHAT", .align = Align::right},
               {.title = ""},
               {.title = "AT WHAT MODELS COST HERE", .align = Align::right}}};
  for (const auto& one : saved) {
    table.add({std::string{one.by}, with_commas(one.count), std::string{one.unit}, money_text(one.money)});
  }
  const auto* all = measured.find("all");
  return out + "\nSAVED\n" + table.text(table_width(), styled) +
         "spent: " + (all == nullptr ? "$0.00, no model was called" : money_text(all->cost)) + "\n";
}

std::string json_of(const Report& report) {
  JsonText json;
  add_planned_rates(json.object());
  add_measured(json, report.measured);
  json.key("preset");
  if (const auto& expected = report.expected) {
    const auto number = [&](std::string_view name, const std::optional<double>& value) {
      json.key(name);
      value ? json.value(*value) : json.null();
    };
    json.object().field("name", expected->preset).key("expected").object();
    json.field("memories_per_batch", expected->output.memories_per_batch);
    json.field("tokens_per_memory", expected->output.tokens_per_memory).field("rate", expected->rate);
    json.key("focus").array();
    for (const auto& focus : expected->output.focus) {
      json.value(focus);
    }
    json.end().end().key("actual").object();
    number("memories_per_batch", expected->memories_per_batch);
    number("tokens_per_memory", report.measured.tokens_per_memory());
    number("rate", report.measured.rate());
    json.end().end();
  } else {
    json.null();
  }
  add_creation(json, report.measured.work);
  json.key("saved").array();
  for (const auto& one : report.savings) {
    json.object().field("by", one.by).field("unit", one.unit).field("count", one.count).key("usd");
    one.money ? json.raw(dollars_number(*one.money)) : json.null();
    json.end();
  }
  return json.end().end().text() + "\n";
}

int tell(const Options& options) {
  const auto config = stream_config(options.config_path);
  if (!config) {
    return report(config.error());
  }
  const auto found = report_of(*config);
  if (!found) {
    return report(found.error());
  }
  print(options.json ? json_of(*found) : text_of(*found));
  return done;
}

}  // namespace

void add_report(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("report", "What was planned, what came of it, and what was saved by what");
  auto options = std::make_shared<Options>();
  command->add_option("-c,--config", options->config_path, "The config, for its preset, its store and its prices")
      ->capture_default_str();
  command->add_flag("--json", options->json, "As one JSON object");
  command->callback([options, &exit_code] { exit_code = tell(*options); });
}

}  // namespace alluvium::app
