// SPDX-License-Identifier: Apache-2.0
// Limits on what models may cost in a calendar month: for an agent, for an organisation, for all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/money.hpp"

namespace alluvium::pipeline {

enum class BudgetScope : std::uint8_t { agent, org, global };
[[nodiscard]] std::string_view name(BudgetScope scope);  ///< agent, org, global

/// Limits that apply where none is set for the agent or organisation itself. Absent: unlimited.
struct BudgetOptions {
  std::optional<Money> global, per_agent, per_org;
};

/// One account in one month. `reserved`: for calls under way, and for calls that may have been paid for and never
/// answered.
struct Account {
  BudgetScope scope = BudgetScope::global;
  std::string key;  ///< Agent or organisation; empty for global.
  std::optional<Money> limit;
  Money spent, reserved;
};

/// True if `cost` more still fits into every account.
[[nodiscard]] bool fits(const std::vector<Account>& accounts, Money cost);
/// The first account it does not fit into; null if it fits.
[[nodiscard]] const Account* first_exceeded(const std::vector<Account>& accounts, Money cost);
/// "Budget exceeded for agent X: $a > $b": a is what it would come to, b the limit. "... for org X", "... for all agents".
[[nodiscard]] std::string alert_text(const Account& account, Money cost);

/// "2026-11" of a UTC time in ms.
[[nodiscard]] std::string month_of(std::int64_t utc_ms);
/// When the next month begins, UTC in ms.
[[nodiscard]] std::int64_t next_month_ms(std::int64_t utc_ms);

}  // namespace alluvium::pipeline
