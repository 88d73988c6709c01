// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_accounts.hpp"

#include <utility>

namespace alluvium::connectors {

using pipeline::BudgetScope;
using pipeline::Money;
using pipeline::Reserved;

namespace {

/// In `spend`, beside those of BudgetScope.
constexpr std::string_view run_scope = "run";

/// The account that can't pay for it: with an unknown price, the first that has a limit at all.
const pipeline::Account* out_of(const std::vector<pipeline::Account>& accounts, std::optional<Money> cost) {
  if (cost) {
    return pipeline::first_exceeded(accounts, *cost);
  }
  for (const auto& account : accounts) {
    if (account.limit) {
      return &account;
    }
  }
  return nullptr;
}

}  // namespace

AccountRows::AccountRows(Database& database, const pipeline::BudgetOptions& options, Books books)
    : options_{options},
      books_{std::move(books)},
      limit_{database.prepare("SELECT monthly FROM budgets WHERE scope = ?1 AND key = ?2")},
      read_{database.prepare("SELECT spent, reserved FROM spend WHERE scope = ?1 AND key = ?2 AND month = ?3")},
      add_{database.prepare("INSERT INTO spend(scope, key, month, spent, reserved, unknown_calls)"
                            " VALUES(?1, ?2, ?3, ?4, max(0, ?5), ?6) ON CONFLICT DO UPDATE SET spent = spent + ?4,"
                            " reserved = max(0, reserved + ?5), unknown_calls = unknown_calls + ?6")},
      alerted_{database.prepare("SELECT alerted FROM spend WHERE scope = ?1 AND key = ?2 AND month = ?3")},
      alert_{database.prepare("INSERT INTO spend(scope, key, month, alerted) VALUES(?1, ?2, ?3, ?4)"
                              " ON CONFLICT DO UPDATE SET alerted = ?4")} {}

std::vector<pipeline::Account> AccountRows::accounts(const Payer& payer) {
  std::vector<pipeline::Account> all;
  const auto look_up = [&](BudgetScope scope, const std::string& key) {
    auto& account = all.emplace_back();
    account.scope = scope;
    account.key = key;
    account.limit = limit_of(scope, key);
    read_.with(pipeline::name(scope), key, payer.month);
    if (read_.step()) {
      account.spent = {read_.integer(0)};
      account.reserved = {read_.integer(1)};
    }
    read_.reset();
  };
  look_up(BudgetScope::agent, payer.agent_id);
  if (!payer.org_id.empty()) {
    look_up(BudgetScope::org, payer.org_id);
  }
  look_up(BudgetScope::global, {});
  if (books_.run_limit) {
    auto& account = all.emplace_back();
    account.limit = books_.run_limit;
    read_.with(run_scope, books_.run, std::string_view{});
    if (read_.step()) {
      account.spent = {read_.integer(0)};
      account.reserved = {read_.integer(1)};
    }
    read_.reset();
  }
  return all;
}

std::optional<Money> AccountRows::limit_of(BudgetScope scope, const std::string& key) {
  limit_.with(pipeline::name(scope), key);
  std::optional<Money> limit;
  if (limit_.step()) {
    limit = Money{limit_.integer(0)};
  }
  limit_.reset();
  if (limit) {
    return limit;
  }
  switch (scope) {
    case BudgetScope::agent:
      return options_.per_agent;
    case BudgetScope::org:
      return options_.per_org;
    case BudgetScope::global:
      return options_.global;
  }
  return std::nullopt;
}

Reserved AccountRows::reserve(const Payer& payer, std::optional<Money> cost) {
  Reserved reserved;
  auto known = accounts(payer);
  const auto* exceeded = out_of(known, cost);
  if (exceeded == nullptr) {
    book(payer, Money{-cost.value_or(Money{}).pico}, {}, false);
    reserved.verdict = Reserved::Verdict::send;
    return reserved;
  }
  reserved.exceeded = *exceeded;
  for (auto& account : known) {
    account.reserved = {};
  }
  reserved.verdict = cost && pipeline::fits(known, *cost) ? Reserved::Verdict::wait : Reserved::Verdict::refused;
  reserved.alert = reserved.verdict == Reserved::Verdict::refused && note_alert(*reserved.exceeded, payer.month);
  return reserved;
}

void AccountRows::book(const Payer& payer, Money reserved, Money spent, bool unknown) {
  if (reserved.pico == 0 && spent.pico == 0 && !unknown) {
    return;
  }
  const Money back{-reserved.pico};
  add(name(BudgetScope::agent), payer.agent_id, payer.month, spent, back, unknown);
  if (!payer.org_id.empty()) {
    add(name(BudgetScope::org), payer.org_id, payer.month, spent, back, unknown);
  }
  add(name(BudgetScope::global), {}, payer.month, spent, back, unknown);
  if (!books_.run.empty()) {
    add(run_scope, books_.run, {}, spent, back, unknown);
  }
}

void AccountRows::add(std::string_view scope, const std::string& key, const std::string& month, Money spent,
                      Money reserved, bool unknown) {
  add_.with(scope, key, month, spent.pico, reserved.pico, unknown ? 1 : 0).run();
}

bool AccountRows::note_alert(const pipeline::Account& account, std::string_view month) {
  const auto limit = account.limit.value_or(Money{}).pico;
  alerted_.with(pipeline::name(account.scope), account.key, month);
  const bool known = alerted_.step() && !alerted_.is_null(0) && alerted_.integer(0) == limit;
  alerted_.reset();
  if (!known) {
    alert_.with(pipeline::name(account.scope), account.key, month, limit).run();
  }
  return !known;
}

}  // namespace alluvium::connectors
