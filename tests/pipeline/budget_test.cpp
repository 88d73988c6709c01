// SPDX-License-Identifier: Apache-2.0
#include "pipeline/budget.hpp"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/timestamp.hpp"

namespace alluvium::pipeline {
namespace {

constexpr Money cent{10'000'000'000};

Account account(BudgetScope scope, std::string key, std::optional<Money> limit, Money spent = {}, Money reserved = {}) {
  return {.scope = scope, .key = std::move(key), .limit = limit, .spent = spent, .reserved = reserved};
}

std::int64_t at(std::string_view iso) {
  return *parse_timestamp(iso);
}

TEST(Budget, FitsUpToTheLimitAndNotAPicodollarBeyond) {
  const std::vector accounts{account(BudgetScope::agent, "a", cent, Money{cent.pico / 2}, Money{cent.pico / 4})};
  EXPECT_TRUE(fits(accounts, Money{cent.pico / 4}));
  EXPECT_FALSE(fits(accounts, Money{cent.pico / 4 + 1}));
}

TEST(Budget, WithoutALimitFitsEverything) {
  const std::vector accounts{account(BudgetScope::global, "", std::nullopt, Money{1})};
  EXPECT_TRUE(fits(accounts, Money{std::numeric_limits<std::int64_t>::max()}));
  EXPECT_TRUE(fits({}, cent));
}

TEST(Budget, OfZeroHoldsNothingThatCosts) {
  const std::vector accounts{account(BudgetScope::org, "acme", Money{})};
  EXPECT_TRUE(fits(accounts, Money{}));
  EXPECT_FALSE(fits(accounts, Money{1}));
}

TEST(Budget, NamesTheFirstAccountThatIsExceeded) {
  const std::vector accounts{account(BudgetScope::agent, "a", cent * 10), account(BudgetScope::org, "o", cent),
                             account(BudgetScope::global, "", cent)};
  EXPECT_EQ(first_exceeded(accounts, cent), nullptr);
  EXPECT_EQ(first_exceeded(accounts, cent * 2), &accounts[1]);
  EXPECT_EQ(first_exceeded(accounts, cent * 11), &accounts[0]);
}

TEST(Budget, IsNeverExceededByReservationsThatFitted) {
  EXPECT_TRUE(rc::check("spent and reserved stay within every limit", [] {
    std::vector<Account> accounts;
    for (int i = 0; i < 3; ++i) {
      accounts.push_back(account(BudgetScope::agent, "a", Money{*rc::gen::inRange<std::int64_t>(0, 10'000)}));
    }
    for (const auto cost : *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 3000))) {
      const bool fitted = fits(accounts, Money{cost});
      RC_ASSERT(fitted == (first_exceeded(accounts, Money{cost}) == nullptr));
      for (auto& each : accounts) {
        each.reserved += fitted ? Money{cost} : Money{};
        RC_ASSERT(each.spent + each.reserved <= *each.limit);
      }
    }
  }));
}

TEST(Budget, AlertSaysWhoseAndHowMuch) {
  EXPECT_EQ(alert_text(account(BudgetScope::agent, "X", cent * 500, cent * 400, cent * 75), cent * 50),
            "Budget exceeded for agent X: $5.25 > $5.00");
  EXPECT_EQ(alert_text(account(BudgetScope::org, "acme", cent), cent * 2),
            "Budget exceeded for org acme: $0.02 > $0.01");
  EXPECT_EQ(alert_text(account(BudgetScope::global, "", cent), cent * 2),
            "Budget exceeded for all agents: $0.02 > $0.01");
}

TEST(Budget, AlertNeverSaysThatAnAmountIsMoreThanItself) {
  EXPECT_EQ(alert_text(account(BudgetScope::agent, "X", cent), cent + Money{1000}),
            "Budget exceeded for agent X: $0.010000001 > $0.01");
}

TEST(Budget, NamesItsScopes) {
  EXPECT_EQ(name(BudgetScope::agent), "agent");
  EXPECT_EQ(name(BudgetScope::org), "org");
  EXPECT_EQ(name(BudgetScope::global), "global");
}

TEST(Month, TurnsAtMidnightUtc) {
  EXPECT_EQ(month_of(at("2026-11-30T23:59:59.999Z")), "2026-11");
  EXPECT_EQ(month_of(at("2026-12-01T00:00:00.000Z")), "2026-12");
  EXPECT_EQ(month_of(at("2026-12-31T23:59:59.999Z")), "2026-12");
  EXPECT_EQ(month_of(at("2027-01-01")), "2027-01");
  EXPECT_EQ(month_of(-1), "1969-12");
  EXPECT_EQ(month_of(0), "1970-01");
}

TEST(Month, EndsAsTheCalendarSays) {
  EXPECT_EQ(next_month_ms(at("2026-11-21T12:00Z")), at("2026-12-01"));
  EXPECT_EQ(next_month_ms(at("2026-12-31T23:59:59.999Z")), at("2027-01-01"));
  EXPECT_EQ(next_month_ms(at("2024-02-29T23:00Z")), at("2024-03-01"));
  EXPECT_EQ(next_month_ms(at("2024-01-31")), at("2024-02-01"));
  EXPECT_EQ(next_month_ms(at("2100-02-28")), at("2100-03-01"));
  EXPECT_EQ(next_month_ms(at("2000-02-29")), at("2000-03-01"));
  EXPECT_EQ(next_month_ms(at("2026-12-01")), at("2027-01-01"));
}

TEST(Month, IsFollowedByTheNextAtOnce) {
  EXPECT_TRUE(rc::check("the last ms is of this month, the next of another", [] {
    const auto now = *rc::gen::inRange<std::int64_t>(at("1960-01-01"), at("2400-01-01"));
    const auto next = next_month_ms(now);
    RC_ASSERT(next > now);
    RC_ASSERT(next - now <= std::int64_t{31} * 86'400'000);
    RC_ASSERT(month_of(next - 1) == month_of(now));
    RC_ASSERT(month_of(next) > month_of(now));
  }));
}

TEST(Month, OfATimeBeyondTheCalendarIsItsFirstOrLast) {
  EXPECT_EQ(month_of(std::numeric_limits<std::int64_t>::min()), "0000-01");
  EXPECT_EQ(month_of(std::numeric_limits<std::int64_t>::max()), "9999-12");
  EXPECT_GT(next_month_ms(std::numeric_limits<std::int64_t>::max()), at("9999-12-31"));
}

}  // namespace
}  // namespace alluvium::pipeline
