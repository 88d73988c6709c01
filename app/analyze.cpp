// SPDX-License-Identifier: Apache-2.0
// alluvium analyze: what the models' memories took, by the documents' measure: of this store, or of given figures.
#include <array>
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
#include "connectors/sqlite_usage.hpp"
#include "pipeline/cost_plan.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

using pipeline::Money;

struct Options {
  StoreChoice store;
  std::string month;  ///< Empty: all.
  bool json = false;
  std::optional<std::int64_t> batches, memories, tokens;
  std::string cost;  ///< Empty: unknown.
};

/// What is looked at, and what is found.
struct Analysis {
  std::string tier;  ///< Empty: figures given by hand.
  std::int64_t batches = 0, memories = 0, tokens = 0;
  std::optional<Money> cost;
  pipeline::CreationAnalysis found;
};

Analysis analysis_of(std::string tier, std::int64_t batches, std::int64_t memories, std::int64_t tokens,
                     std::optional<Money> cost) {
  return {.tier = std::move(tier),
          .batches = batches,
          .memories = memories,
          .tokens = tokens,
          .cost = cost,
          .found = pipeline::analyze_creation(batches, memories, tokens, cost)};
}

Analysis analysis_of(const connectors::TierWork& work) {
  return analysis_of(work.tier, work.batches, work.memories, work.prompt_tokens + work.completion_tokens, work.cost);
}

std::string number(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

std::string dollars_or_unknown(const std::optional<Money>& money) {
  return money ? dollars_text(*money) : "unknown";
}

std::string json_of(const Analysis& analysis) {
  const auto& found = analysis.found;
  pipeline::JsonText json;
  json.object();
  if (!analysis.tier.empty()) {
    json.field("tier", analysis.tier);
  }
  json.field("batches", analysis.batches).field("memories", analysis.memories).field("tokens", analysis.tokens);
  json.key("cost_usd").raw(analysis.cost ? dollars_number(*analysis.cost) : "\"unknown\"");
  json.field("efficiency", found.efficiency).key("cost_per_memory");
  json.raw(found.cost_per_memory ? dollars_number(*found.cost_per_memory) : "\"unknown\"");
  json.field("tokens_per_memory", found.tokens_per_memory).field("token_efficiency", found.token_efficiency);
  return json.field("recommendation", found.recommendation).end().text();
}

std::string text_of(const Analysis& analysis) {
  const auto& found = analysis.found;
  return aligned({{"batches", with_commas(analysis.batches)},
                  {"memories", with_commas(analysis.memories)},
                  {"tokens", with_commas(analysis.tokens)},
                  {"cost", dollars_or_unknown(analysis.cost)},
                  {"efficiency", number(found.efficiency) + " memories a batch"},
                  {"cost per memory", dollars_or_unknown(found.cost_per_memory)},
                  {"tokens per memory", number(found.tokens_per_memory)},
                  {"token efficiency", found.token_efficiency},
                  {"recommendation", found.recommendation}});
}

int analyze_figures(const Options& options) {
  if (!options.batches || !options.memories || !options.tokens) {
    complain("analyze: want --batches, --memories and --tokens, and --cost if it is known");
    return wrong_usage;
  }
  std::optional<Money> cost;
  if (!options.cost.empty()) {
    const auto money = pipeline::parse_money(options.cost);
    if (!money) {
      complain("analyze: --cost: want an amount in USD, such as 0.45");
      return wrong_usage;
    }
    cost = *money;
  }
  const auto analysis = analysis_of("", *options.batches, *options.memories, *options.tokens, cost);
  print(options.json ? json_of(analysis) + "\n" : text_of(analysis));
  return done;
}

int analyze_store(const Options& options) {
  const auto chosen = chosen_store(options.store);
  if (!chosen) {
    return report(chosen.error());
  }
  const auto usage = connectors::SqliteUsage::open(chosen->path);
  if (!usage) {
    return report(usage.error());
  }
  const auto work = (*usage)->work(options.month);
  if (!work) {
    return report(work.error());
  }
  if (work->empty()) {
    complain("no model was called" + (options.month.empty() ? "" : " in " + options.month));
  } else if (options.json) {
    for (const auto& one : *work) {
      print(json_of(analysis_of(one)) + "\n");
    }
  } else {
    print(creation_text(*work));
  }
  return done;
}

}  // namespace

std::string creation_text(const std::vector<connectors::TierWork>& work) {
  Table table{{{.title = "TIER"},
               {.title = "BATCHES", .align = Align::right},
               {.title = "MEMORIES", .align = Align::right},
               {.title = "PER BATCH", .align = Align::right},
               {.title = "TOKENS", .align = Align::right},
               {.title = "PER MEMORY", .align = Align::right},
               {.title = "EFFICIENCY"},
               {.title = "COST", .align = Align::right},
               {.title = "PER MEMORY", .align = Align::right},
               {.title = "RECOMMENDATION"}}};
  for (const auto& one : work) {
    const auto analysis = analysis_of(one);
    const auto& found = analysis.found;
    table.add({analysis.tier, with_commas(analysis.batches), with_commas(analysis.memories), number(found.efficiency),
               with_commas(analysis.tokens), number(found.tokens_per_memory), found.token_efficiency,
               dollars_or_unknown(analysis.cost), dollars_or_unknown(found.cost_per_memory), found.recommendation});
  }
  return table.text(table_width(), stdout_is_terminal() && may_style());
}

void add_creation(pipeline::JsonText& json, const std::vector<connectors::TierWork>& work) {
  json.key("analysis").array();
  for (const auto& one : work) {
    json.raw(json_of(analysis_of(one)));
  }
  json.end();
}

void add_analyze(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("analyze", "What the models' memories took: tokens and dollars a memory");
  auto options = std::make_shared<Options>();
  add_store_options(*command, options->store);
  command->add_option("--month", options->month, "YYYY-MM (UTC): only calls of this month")
      ->check([](const std::string& text) { return is_month(text) ? std::string{} : "want YYYY-MM"; });
  const auto by_hand = [&](CLI::Option* option) { return option->group("Figures given by hand, not the store's"); };
  by_hand(command->add_option("--batches", options->batches, "Batches that models were called for"))
      ->check(CLI::NonNegativeNumber);
  by_hand(command->add_option("--memories", options->memories, "Memories made"))->check(CLI::NonNegativeNumber);
  by_hand(command->add_option("--tokens", options->tokens, "Tokens, in and out"))->check(CLI::NonNegativeNumber);
  by_hand(command->add_option("--cost", options->cost, "USD; not said: unknown"));
  command->add_flag("--json", options->json, "One JSON object per tier");
  command->callback([options, &exit_code] {
    const bool figures = options->batches || options->memories || options->tokens || !options->cost.empty();
    exit_code = figures ? analyze_figures(*options) : analyze_store(*options);
  });
}

}  // namespace alluvium::app
