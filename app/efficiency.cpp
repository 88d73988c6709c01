// SPDX-License-Identifier: Apache-2.0
// alluvium efficiency: messages one by one against messages in batches, by the documents' figures.
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
#include "app/number_argument.hpp"
#include "app/output.hpp"
#include "pipeline/cost_plan.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

using pipeline::Approach;
using pipeline::Efficiency;
using pipeline::JsonText;
using pipeline::Money;

constexpr std::int64_t messages_max = 100'000'000;  // $2,000,000 in batches of one: all of it can be counted.
constexpr std::int64_t batch_max = 10'000;

struct Options {
  StoreChoice store;
  std::int64_t messages = 1000;
  std::size_t batch = 20;
  bool json = false;
};

std::string number(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}

/// 666.7: a percentage, or a count of memories, needs no more.
std::string tenths(double value) {
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  std::string out = text.data();
  return out.ends_with(".0") ? out.substr(0, out.size() - 2) : out;
}

/// With commas before the point.
std::string amount(double value) {
  const auto text = tenths(value);
  const auto point = text.find('.');
  return with_commas(std::stoll(text)) + (point == std::string::npos ? "" : text.substr(point));
}

std::string saved(double percent) {
  return percent < 0 ? tenths(-percent) + " % more" : tenths(percent) + " % less";
}

void add_approach(JsonText& json, std::string_view name, const Approach& approach) {
  json.key(name).object().field("memories", approach.memories).field("calls", approach.calls);
  json.field("tokens", approach.tokens).key("cost").raw(dollars_number(approach.cost));
  json.field("latency_ms", approach.latency_ms).field("quality", approach.quality).end();
}

std::string json_of(const Efficiency& found, const Options& options, const std::optional<Measured>& measured) {
  JsonText json;
  json.object().field("messages", options.messages).field("batch_size", options.batch);
  add_approach(json, "individual", found.individual);
  add_approach(json, "batched", found.batched);
  json.key("improvement").object().field("cost_saved_percent", found.cost_saved);
  json.field("latency_saved_percent", found.latency_saved).field("quality_gained_percent", found.quality_gained);
  json.field("tokens_saved_percent", found.tokens_saved).field("memories_saved_percent", found.memories_saved);
  json.end();
  if (measured) {
    add_measured(json, *measured);
  }
  return json.end().text() + "\n";
}

/// What so many messages take by the store's own figures: dollars, tokens, memories, calls.
std::vector<std::string> measured_cells(const Measured& measured, std::int64_t messages) {
  const auto* all = measured.find("all");
  if (measured.shape.messages == 0) {
    return {"-", "", "", "-", "-", "-"};
  }
  const double scale = static_cast<double>(messages) / static_cast<double>(measured.shape.messages);
  const auto scaled = [&](std::int64_t count) { return static_cast<double>(count) * scale; };
  std::string cost = "$0.00";
  if (all != nullptr) {
    cost = all->cost ? dollars_text(Money{std::llround(scaled(all->cost->pico))}) : "unknown";
  }
  return {cost,
          "",
          "",
          amount(all == nullptr ? 0 : scaled(all->prompt_tokens + all->completion_tokens)),
          amount(scaled(measured.shape.memories)),
          amount(all == nullptr ? 0 : scaled(all->calls))};
}

std::string text_of(const Efficiency& found, const Options& options, const std::optional<Measured>& measured) {
  constexpr auto right = Align::right;
  const auto& alone = found.individual;
  const auto& batched = found.batched;
  std::vector<Column> columns = {{.title = with_commas(options.messages) + " MESSAGES"},
                                 {.title = "ONE BY ONE", .align = right},
                                 {.title = "IN BATCHES OF " + std::to_string(options.batch), .align = right},
                                 {.title = "CHANGE", .align = right}};
  std::vector<std::vector<std::string>> rows = {
      {"cost", dollars_text(alone.cost), dollars_text(batched.cost), saved(found.cost_saved)},
      {"latency", number(alone.latency_ms) + " ms", number(batched.latency_ms) + " ms", saved(found.latency_saved)},
      {"quality", number(alone.quality), number(batched.quality), tenths(found.quality_gained) + " % more"},
      {"tokens", amount(alone.tokens), amount(batched.tokens), saved(found.tokens_saved)},
      {"memories", amount(alone.memories), amount(batched.memories), saved(found.memories_saved)},
      {"calls", with_commas(alone.calls), with_commas(batched.calls), ""}};
  if (measured) {
    columns.push_back({.title = "MEASURED", .align = right});
    const auto cells = measured_cells(*measured, options.messages);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].push_back(cells[i]);
    }
  }
  Table table{columns};
  for (auto& row : rows) {
    table.add(std::move(row));
  }
  return table.text(table_width(), stdout_is_terminal() && may_style());
}

int efficiency(const Options& options) {
  const auto measured = measure(options.store);
  if (!measured) {
    return report(measured.error());
  }
  const auto found = pipeline::compare_batching(options.messages, options.batch);
  print(options.json ? json_of(found, options, *measured) : text_of(found, options, *measured));
  return done;
}

}  // namespace

void add_efficiency(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("efficiency", "What batches save against one call per message, as planned");
  auto options = std::make_shared<Options>();
  command->add_option("--messages", options->messages, "Messages")
      ->check(whole_number(0, messages_max))
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Messages in a batch")
      ->check(whole_number(1, batch_max))
      ->capture_default_str();
  command->add_flag("--json", options->json, "As one JSON object");
  add_measured_options(*command, options->store);
  command->callback([options, &exit_code] { exit_code = efficiency(*options); });
}

}  // namespace alluvium::app
