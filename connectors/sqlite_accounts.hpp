// SPDX-License-Identifier: Apache-2.0
// What models have cost, month by month, and the budgets that limit it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/sqlite_books.hpp"
#include "connectors/sqlite_database.hpp"
#include "pipeline/budget.hpp"
#include "pipeline/model_ports.hpp"

namespace alluvium::connectors {

/// All its calls belong inside the caller's write transaction. A call counts for its agent, its organisation (if it
/// has one), and all together.
class AccountRows {
 public:
  /// With `books`, of which the accounts are then, a run has an account too.
  AccountRows(Database& database, const pipeline::BudgetOptions& options, Books books = {});

  struct Payer {
    std::string agent_id, org_id;
    std::string month;
  };
  [[nodiscard]] std::vector<pipeline::Account> accounts(const Payer& payer);
  /// Sets `cost` aside if every account can pay it (`send`); else says which can't, and changes nothing. An unknown
  /// price fits only where nothing is limited.
  [[nodiscard]] pipeline::Reserved reserve(const Payer& payer, std::optional<pipeline::Money> cost);
  /// Gives `reserved` back and adds `spent`. `unknown`: a call whose price nobody knows.
  void book(const Payer& payer, pipeline::Money reserved, pipeline::Money spent, bool unknown);
  /// True the first time since the month began or the limit was changed.
  bool note_alert(const pipeline::Account& account, std::string_view month);

 private:
  [[nodiscard]] std::optional<pipeline::Money> limit_of(pipeline::BudgetScope scope, const std::string& key);
  void add(std::string_view scope, const std::string& key, const std::string& month, pipeline::Money spent,
           pipeline::Money reserved, bool unknown);

  pipeline::BudgetOptions options_;
  Books books_;
  Statement limit_, read_, add_, alerted_, alert_;
};

}  // namespace alluvium::connectors
