// SPDX-License-Identifier: Apache-2.0
// alluvium preset: the named starting points, deployment profiles and rates by use.
#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/listing.hpp"
#include "app/output.hpp"
#include "pipeline/json_text.hpp"
#include "pipeline/presets.hpp"

namespace alluvium::app {
namespace {

using pipeline::JsonText;
using pipeline::Preset;

struct Options {
  std::string action;
  std::string name;
  bool json = false;
};

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

std::string minutes(const Preset& preset) {
  return std::to_string(preset.idle_timeout.count()) + "m";
}

std::string tiers(const Preset& preset) {
  return std::string{"rules"} + (preset.small_model ? ", small" : "") + (preset.premium_model ? ", premium" : "");
}

std::string yes_no(bool truth) {
  return truth ? "yes" : "no";
}

std::vector<std::string> focus(const Preset& preset) {
  return {preset.expected.focus.begin(), preset.expected.focus.end()};
}

void add_strings(JsonText& json, std::string_view name, const std::vector<std::string>& items) {
  json.key(name).array();
  for (const auto& item : items) {
    json.value(item);
  }
  json.end();
}

std::string rule_json(const pipeline::Rule& rule) {
  JsonText json;
  json.object().field("id", rule.id).field("name", rule.name).field("pattern", rule.pattern);
  json.field("kind", rule.kind == pipeline::RuleKind::regex ? "regex" : "simple");
  json.field("scope", rule.scope == pipeline::RuleScope::message ? "message" : "batch");
  json.field("memory_type", pipeline::name(rule.memory_type)).field("importance", rule.importance);
  add_strings(json, "keywords", rule.keywords);
  json.field("active", rule.active);
  add_strings(json, "agents", rule.agents);
  return json.end().text();
}

std::string preset_json(const Preset& preset) {
  JsonText json;
  json.object().field("name", preset.name).field("description", preset.description);
  json.key("buffer")
      .object()
      .field("max_messages", preset.max_messages)
      .field("min_messages", preset.min_messages)
      .field("idle_timeout", minutes(preset))
      .end();
  json.key("selection").object().field("rate", preset.rate).end();
  json.key("tiers").object().field("small", preset.small_model).field("premium", preset.premium_model).end();
  json.key("filters")
      .object()
      .field("min_message_length", preset.filters.min_message_length)
      .field("skip_greetings", preset.filters.skip_greetings)
      .field("skip_confirmations", preset.filters.skip_confirmations)
      .field("include_emotions", preset.filters.include_emotions)
      .field("capture_everything", preset.filters.capture_everything)
      .field("no_filtering", preset.filters.no_filtering)
      .end();
  json.key("rules").array();
  for (const auto& rule : preset.rules) {
    json.raw(rule_json(rule));
  }
  json.end();
  json.key("expected_output")
      .object()
      .field("memories_per_batch", preset.expected.memories_per_batch)
      .field("tokens_per_memory", preset.expected.tokens_per_memory);
  add_strings(json, "focus", focus(preset));
  return json.end().end().text();
}

std::string preset_text(const Preset& preset) {
  std::string out = aligned({{"preset", std::string{preset.name}},
                             {"for", std::string{preset.description}},
                             {"max_messages", std::to_string(preset.max_messages)},
                             {"min_messages", std::to_string(preset.min_messages)},
                             {"idle_timeout", minutes(preset)},
                             {"rate", number(preset.rate)},
                             {"tiers", tiers(preset)},
                             {"min_message_length", std::to_string(preset.filters.min_message_length)},
                             {"skip_greetings", yes_no(preset.filters.skip_greetings)},
                             {"skip_confirmations", yes_no(preset.filters.skip_confirmations)},
                             {"include_emotions", yes_no(preset.filters.include_emotions)},
                             {"capture_everything", yes_no(preset.filters.capture_everything)},
                             {"no_filtering", yes_no(preset.filters.no_filtering)}});
  if (preset.expected.memories_per_batch > 0) {
    out += "\nexpected of a batch: " + std::to_string(preset.expected.memories_per_batch) + " memories of " +
           std::to_string(preset.expected.tokens_per_memory) + " tokens; focus: " + joined(focus(preset), ", ") + "\n";
  }
  for (const auto& rule : preset.rules) {
    out += "\n" + aligned({{"rule", rule.id},
                           {"name", rule.name},
                           {"pattern", rule.pattern},
                           {"memory_type", std::string{pipeline::name(rule.memory_type)}},
                           {"importance", number(rule.importance)},
                           {"keywords", joined(rule.keywords, ", ")}});
  }
  return out;
}

std::string all_text() {
  const bool styled = stdout_is_terminal() && may_style();
  const auto right = Align::right;
  Table presets{{{.title = "PRESET"},
                 {.title = "MAX", .align = right},
                 {.title = "MIN", .align = right},
                 {.title = "IDLE", .align = right},
                 {.title = "RATE", .align = right},
                 {.title = "TIERS"},
                 {.title = "RULES", .align = right},
                 {.title = "FOR", .gives_way = true}}};
  for (const auto& preset : pipeline::presets()) {
    presets.add({std::string{preset.name}, std::to_string(preset.max_messages), std::to_string(preset.min_messages),
                 minutes(preset), number(preset.rate), tiers(preset), std::to_string(preset.rules.size()),
                 std::string{preset.description}});
  }
  Table profiles{{{.title = "PROFILE"},
                  {.title = "BATCH", .align = right},
                  {.title = "CONCURRENT", .align = right},
                  {.title = "MEMORY MB", .align = right},
                  {.title = "CHECKPOINT EVERY", .align = right}}};
  for (const auto& profile : pipeline::profiles()) {
    profiles.add({std::string{profile.name}, std::to_string(profile.batch_size), std::to_string(profile.concurrent),
                  std::to_string(profile.memory_mb), std::to_string(profile.checkpoint_every)});
  }
  Table rates{{{.title = "USE"}, {.title = "RATE", .align = right}}};
  for (const auto& use : pipeline::use_rates()) {
    rates.add({std::string{use.use}, number(use.rate)});
  }
  rates.add({"any other", number(pipeline::rate_for_use(""))});
  const auto width = table_width();
  return presets.text(width, styled) + "\n" + profiles.text(width, styled) + "\n" + rates.text(width, styled);
}

std::string all_json() {
  std::string out;
  for (const auto& preset : pipeline::presets()) {
    out += preset_json(preset) + "\n";
  }
  for (const auto& profile : pipeline::profiles()) {
    JsonText json;
    json.object()
        .field("profile", profile.name)
        .field("batch_size", profile.batch_size)
        .field("concurrent", profile.concurrent)
        .field("memory_mb", profile.memory_mb)
        .field("checkpoint_every", profile.checkpoint_every);
    out += json.end().text() + "\n";
  }
  for (const auto& use : pipeline::use_rates()) {
    out += JsonText().object().field("use", use.use).field("rate", use.rate).end().text() + "\n";
  }
  return out;
}

int preset(const Options& options) {
  if (options.action == "list") {
    print(options.json ? all_json() : all_text());
    return done;
  }
  const auto* found = pipeline::find_preset(options.name);
  if (found == nullptr) {
    complain(options.name.empty() ? "preset show NAME: which one?"
                                  : "no preset " + options.name + "; `alluvium preset list` has them all");
    return wrong_usage;
  }
  print(options.json ? preset_json(*found) + "\n" : preset_text(*found));
  return done;
}

}  // namespace

void add_preset(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("preset", "Lists the presets, profiles and rates, or shows one preset");
  auto options = std::make_shared<Options>();
  command->add_option("action", options->action, "list or show")->required()->check(CLI::IsMember({"list", "show"}));
  command->add_option("name", options->name, "The preset to show");
  command->add_flag("--json", options->json, "One JSON object per line");
  command->callback([options, &exit_code] { exit_code = preset(*options); });
}

}  // namespace alluvium::app
