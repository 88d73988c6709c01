// SPDX-License-Identifier: Apache-2.0
#include "pipeline/budget.hpp"

#include <algorithm>
#include <chrono>

namespace alluvium::pipeline {

namespace {

using std::chrono::floor;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;
using std::chrono::year_month_day;

/// The calendar that a store can hold: a time beyond it counts as its first or last.
constexpr std::int64_t earliest_ms = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
constexpr std::int64_t latest_ms = 253'402'300'799'999;    // 9999-12-31T23:59:59.999Z

year_month_day date_of(std::int64_t utc_ms) {
  const sys_time<milliseconds> time{milliseconds{std::clamp(utc_ms, earliest_ms, latest_ms)}};
  return year_month_day{floor<std::chrono::days>(time)};
}

Money with(const Account& account, Money cost) {
  return account.spent + account.reserved + cost;
}

bool exceeds(const Account& account, Money cost) {
  return account.limit && with(account, cost) > *account.limit;
}

}  // namespace

std::string_view name(BudgetScope scope) {
  switch (scope) {
    case BudgetScope::agent:
      return "agent";
    case BudgetScope::org:
      return "org";
    case BudgetScope::global:
      break;
  }
  return "global";
}

const Account* first_exceeded(const std::vector<Account>& accounts, Money cost) {
  const auto found = std::ranges::find_if(accounts, [&](const Account& account) { return exceeds(account, cost); });
  return found == accounts.end() ? nullptr : &*found;
}

bool fits(const std::vector<Account>& accounts, Money cost) {
  return first_exceeded(accounts, cost) == nullptr;
}

std::string alert_text(const Account& account, Money cost) {
  const auto sum = with(account, cost);
  const auto limit = account.limit.value_or(Money{});
  auto sum_text = dollars_text(sum);
  auto limit_text = dollars_text(limit);
  if (sum_text == limit_text) {  // Rounded they would say "$0.01 > $0.01".
    sum_text = "$" + dollars_number(sum);
    limit_text = "$" + dollars_number(limit);
  }
  const auto whose = account.scope == BudgetScope::global ? std::string{"all agents"}
                                                          : std::string{name(account.scope)} + " " + account.key;
  return "Budget exceeded for " + whose + ": " + sum_text + " > " + limit_text;
}

std::string month_of(std::int64_t utc_ms) {
  const auto date = date_of(utc_ms);
  const auto year = std::to_string(static_cast<int>(date.year()));
  const auto month = std::to_string(static_cast<unsigned>(date.month()));
  return std::string(4 - year.size(), '0') + year + (month.size() < 2 ? "-0" : "-") + month;
}

std::int64_t next_month_ms(std::int64_t utc_ms) {
  const auto date = date_of(utc_ms);
  const sys_days first{(date.year() / date.month() + std::chrono::months{1}) / 1};
  return std::chrono::duration_cast<milliseconds>(first.time_since_epoch()).count();
}

}  // namespace alluvium::pipeline
