// SPDX-License-Identifier: Apache-2.0
// alluvium budget: what models have cost this month, and the limits on it.
#include "pipeline/budget.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/engine_run.hpp"
#include "app/listing.hpp"
#include "app/output.hpp"
#include "connectors/sqlite_usage.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

using connectors::AccountRow;
using pipeline::BudgetScope;
using pipeline::Money;

struct Options {
  StoreChoice store;
  std::string action;
  std::vector<std::string> words;  ///< AGENT and USD, as far as the action takes them.
  std::string org;
  bool global = false;
  std::string month;  ///< Empty: the current one.
  std::int64_t limit = Listing::rows_default;
  bool json = false;
};

/// Whose budget: the options say, else the first word is an agent.
struct Whose {
  BudgetScope scope = BudgetScope::global;
  std::string key;
};

/// An account, with what a config says where the store has no limit of its own.
struct Standing {
  AccountRow account;
  std::optional<Money> limit;
  const char* limit_from = "";  ///< store, config, or empty.

  [[nodiscard]] Money left() const {
    return limit.value_or(Money{}) - account.spent - account.reserved;
  }
  [[nodiscard]] bool alerted() const {
    return limit && account.alerted == limit;
  }
};

Standing standing_of(AccountRow account, const pipeline::BudgetOptions& config) {
  Standing standing{.account = std::move(account), .limit = {}};
  const auto scope = standing.account.scope;
  const auto& of_config = scope == BudgetScope::agent ? config.per_agent
                          : scope == BudgetScope::org ? config.per_org
                                                      : config.global;
  standing.limit = standing.account.limit ? standing.account.limit : of_config;
  standing.limit_from = standing.account.limit ? "store" : of_config ? "config" : "";
  return standing;
}

std::string name_of(const AccountRow& account) {
  return account.scope == BudgetScope::global ? "all agents"
                                              : std::string{pipeline::name(account.scope)} + " " + account.key;
}

std::string standing_json(const Standing& standing, const std::string& month) {
  const auto& account = standing.account;
  pipeline::JsonText json;
  json.object().field("scope", pipeline::name(account.scope)).key("key");
  account.scope == BudgetScope::global ? json.null() : json.value(account.key);
  json.field("month", month).key("limit_usd").raw(standing.limit ? dollars_number(*standing.limit) : "null");
  json.key("limit_from");
  standing.limit ? json.value(standing.limit_from) : json.null();
  json.key("spent_usd").raw(dollars_number(account.spent));
  json.key("reserved_usd").raw(dollars_number(account.reserved));
  json.key("left_usd").raw(standing.limit ? dollars_number(standing.left()) : "null");
  json.field("unknown_price_calls", account.unknown_calls).field("alerted", standing.alerted());
  return json.end().text();
}

std::string standing_text(const Standing& standing, const std::string& month) {
  const auto& account = standing.account;
  std::vector<std::pair<std::string, std::string>> fields = {{"account", name_of(account)}, {"month", month}};
  fields.emplace_back("limit",
                      standing.limit ? dollars_text(*standing.limit) + ", set in the " + standing.limit_from : "none");
  fields.emplace_back("spent", dollars_text(account.spent));
  fields.emplace_back("reserved", dollars_text(account.reserved));
  if (standing.limit) {
    fields.emplace_back("left", dollars_text(standing.left()));
    fields.emplace_back("alert", standing.alerted() ? "raised: calls were refused" : "none");
  }
  if (account.unknown_calls > 0) {
    fields.emplace_back("unknown", with_commas(account.unknown_calls) + " calls whose price nobody knows");
  }
  return aligned(fields);
}

int show(connectors::SqliteUsage& usage, const Options& options, const Whose& whose,
         const pipeline::BudgetOptions& config) {
  const auto account = usage.account(whose.scope, whose.key, options.month);
  if (!account) {
    return report(account.error());
  }
  const auto standing = standing_of(*account, config);
  print(options.json ? standing_json(standing, options.month) + "\n" : standing_text(standing, options.month));
  return done;
}

int list(connectors::SqliteUsage& usage, const Options& options, const pipeline::BudgetOptions& config) {
  const auto limit = std::min(options.limit, static_cast<std::int64_t>(table_rows_max));
  auto accounts = usage.accounts(options.month, limit + 1);  // One more tells whether there is more.
  if (!accounts) {
    return report(accounts.error());
  }
  const bool more = std::cmp_greater(accounts->size(), limit);
  if (more) {
    accounts->pop_back();
  }
  Table table{{{.title = "ACCOUNT", .gives_way = true},
               {.title = "SPENT", .align = Align::right},
               {.title = "RESERVED", .align = Align::right},
               {.title = "LIMIT", .align = Align::right},
               {.title = "LEFT", .align = Align::right},
               {.title = "ALERT"}}};
  for (auto& account : *accounts) {
    const auto standing = standing_of(std::move(account), config);
    if (options.json) {
      print(standing_json(standing, options.month) + "\n");
      continue;
    }
    table.add({name_of(standing.account), dollars_text(standing.account.spent), dollars_text(standing.account.reserved),
               standing.limit ? dollars_text(*standing.limit) : "none",
               standing.limit ? dollars_text(standing.left()) : "", standing.alerted() ? "raised" : ""});
  }
  if (!options.json && table.rows() > 0) {
    print(table.text(table_width(), stdout_is_terminal() && may_style()));
  } else if (accounts->empty()) {
    complain("nothing was spent in " + options.month + ", and no account has a limit of its own");
  }
  if (more) {
    complain("these are the " + std::to_string(limit) + " that spent most; --limit N shows more");
  }
  return done;
}

int set(const std::string& path, const Options& options, const Whose& whose, std::optional<Money> limit) {
  const auto due = connectors::set_budget(path, whose.scope, whose.key, limit, utc_ms());
  if (!due) {
    return report(due.error());
  }
  if (options.json) {
    const AccountRow account{.scope = whose.scope, .key = whose.key};
    pipeline::JsonText json;
    json.object().field("scope", pipeline::name(whose.scope)).key("key");
    whose.scope == BudgetScope::global ? json.null() : json.value(whose.key);
    json.key("limit_usd").raw(limit ? dollars_number(*limit) : "null").field("requests_due", *due);
    print(json.end().text() + "\n");
    return done;
  }
  const auto who = name_of({.scope = whose.scope, .key = whose.key});
  print(limit ? who + ": " + dollars_text(*limit) + " a month\n" : who + ": no limit of its own\n");
  if (*due > 0) {
    print(with_commas(*due) + " parked requests are tried again now\n");
  }
  return done;
}

int wrong(const std::string& why) {
  complain("budget: " + why);
  return wrong_usage;
}

/// Whom the words and options name; nothing if they do not fit the action.
std::optional<Whose> whose_of(const Options& options) {
  const bool named = options.global || !options.org.empty();
  const std::size_t wanted = (options.action == "set" ? 1U : 0U) + (named || options.action == "list" ? 0U : 1U);
  const auto given = options.words.size();
  if (given > wanted || (given < wanted && options.action != "show") || (named && options.action == "list")) {
    return std::nullopt;
  }
  if (!options.org.empty()) {
    return Whose{BudgetScope::org, options.org};
  }
  if (options.action == "list" || named || given == 0) {
    return Whose{};
  }
  return Whose{BudgetScope::agent, options.words.front()};
}

int budget(Options& options) {
  const auto whose = whose_of(options);
  if (!whose) {
    return wrong(options.action == "list"  ? "list takes no agent"
                 : options.action == "set" ? "want AGENT USD, or USD with --org NAME or --global"
                                           : "want AGENT, or --org NAME, or --global");
  }
  if (options.month.empty()) {
    options.month = pipeline::month_of(utc_ms());
  }
  const auto chosen = chosen_store(options.store);
  if (!chosen) {
    return report(chosen.error());
  }
  if (options.action == "set" || options.action == "clear") {
    std::optional<Money> limit;
    if (options.action == "set") {
      const auto money = pipeline::parse_money(options.words.back());
      if (!money) {
        return wrong("\"" + options.words.back() + "\": want an amount in USD, such as 25.00");
      }
      limit = *money;
    }
    return set(chosen->path, options, *whose, limit);
  }
  const auto usage = connectors::SqliteUsage::open(chosen->path);
  if (!usage) {
    return report(usage.error());
  }
  return options.action == "list" ? list(**usage, options, chosen->budget)
                                  : show(**usage, options, *whose, chosen->budget);
}

}  // namespace

void add_budget(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("budget", "What models have cost this month, and the limits on it");
  auto options = std::make_shared<Options>();
  command->add_option("action", options->action, "list; show [AGENT]; set AGENT USD; clear AGENT")
      ->required()
      ->check(CLI::IsMember({"list", "show", "set", "clear"}));
  command->add_option("words", options->words, "AGENT, and USD a month for set")->type_name("[AGENT] [USD]");
  auto* org = command->add_option("--org", options->org, "This organisation (org_id) instead of an agent");
  command->add_flag("--global", options->global, "All agents together, instead of one")->excludes(org);
  command->add_option("--month", options->month, "YYYY-MM (UTC); the current one if not said")
      ->check([](const std::string& text) { return is_month(text) ? std::string{} : "want YYYY-MM"; });
  command->add_option("--limit", options->limit, "list: at most this many accounts")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--json", options->json, "One JSON object per account");
  add_store_options(*command, options->store);
  command->callback([options, &exit_code] { exit_code = budget(*options); });
}

}  // namespace alluvium::app
