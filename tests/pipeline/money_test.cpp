// SPDX-License-Identifier: Apache-2.0
#include "pipeline/money.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

constexpr Money most{std::numeric_limits<std::int64_t>::max()};
constexpr Money least{std::numeric_limits<std::int64_t>::min()};

std::int64_t pico(std::string_view text) {
  const auto money = parse_money(text);
  return money ? money->pico : -1;
}

bool refused(std::string_view text) {
  const auto money = parse_money(text);
  return !money && money.error().code == Errc::invalid_config;
}

TEST(Money, IsReadExactlyInEveryForm) {
  EXPECT_EQ(pico("5"), 5 * pico_per_dollar);
  EXPECT_EQ(pico("5.00"), 5 * pico_per_dollar);
  EXPECT_EQ(pico("$5"), 5 * pico_per_dollar);
  EXPECT_EQ(pico("0.000001"), 1'000'000);
  EXPECT_EQ(pico("1e-06"), 1'000'000);
  EXPECT_EQ(pico("1.5E-7"), 150'000);
  EXPECT_EQ(pico("0.1"), pico_per_dollar / 10);
  EXPECT_EQ(pico("12e+1"), 120 * pico_per_dollar);
  EXPECT_EQ(pico("007"), 7 * pico_per_dollar);
  EXPECT_EQ(pico("0"), 0);
  EXPECT_EQ(pico("0.0000000000000000"), 0);
}

TEST(Money, IsReadToThePicodollarAndNoFurther) {
  EXPECT_EQ(pico("0.000000000001"), 1);
  EXPECT_EQ(pico("0.0000000000010"), 1);
  EXPECT_TRUE(refused("0.0000000000001"));
  EXPECT_TRUE(refused("1e-13"));
  EXPECT_EQ(pico("10e-13"), 1);
}

TEST(Money, IsReadUpToWhatCanBeCountedAndNoFurther) {
  EXPECT_EQ(pico("9223372.036854775807"), most.pico);
  EXPECT_TRUE(refused("9223372.036854775808"));
  EXPECT_TRUE(refused("10000000"));
  EXPECT_TRUE(refused("1e300"));
  EXPECT_TRUE(refused("1e99999999999999999999"));
  EXPECT_TRUE(refused(std::string(100'000, '9')));
}

TEST(Money, RefusesWhatIsNoAmount) {
  for (const auto* text : {"",   "$",   "-1",   "-0",  "+5",  ".5", "5.",  "5,00",  "1,000", " 5",    "5 ",
                           "5$", "$$5", "five", "nan", "inf", "1e", "1e+", "1e5.0", "0x10",  "5.0.0", "1e--2"}) {
    EXPECT_TRUE(refused(text)) << text;
  }
}

TEST(Money, SaturatesInsteadOfOverflowing) {
  EXPECT_EQ(most + Money{1}, most);
  EXPECT_EQ(least + Money{-1}, least);
  EXPECT_EQ(least - Money{1}, least);
  EXPECT_EQ(most - Money{-1}, most);
  EXPECT_EQ(most * 2, most);
  EXPECT_EQ(most * -2, least);
  EXPECT_EQ(least * -1, most);
  EXPECT_EQ(least * 2, least);
  EXPECT_EQ(most * 0, Money{});
}

TEST(Money, AddsAndMultipliesExactlyWithinItsBounds) {
  EXPECT_TRUE(rc::check("sums of products have no rounding in them", [] {
    const Money price{*rc::gen::inRange<std::int64_t>(0, 1'000'000'000)};
    const auto a = *rc::gen::inRange<std::int64_t>(0, 1'000'000);
    const auto b = *rc::gen::inRange<std::int64_t>(0, 1'000'000);
    RC_ASSERT(price * a + price * b == price * (a + b));
    RC_ASSERT(price * a - price * b == price * (a - b));
  }));
}

TEST(Money, OfADoubleIsRoundedToThePicodollar) {
  EXPECT_EQ(money_of(1.5e-07).pico, 150'000);
  EXPECT_EQ(money_of(7.5e-08).pico, 75'000);
  EXPECT_EQ(money_of(0.1).pico, pico_per_dollar / 10);
  EXPECT_EQ(money_of(-0.1).pico, -pico_per_dollar / 10);
  EXPECT_EQ(money_of(1e-13).pico, 0);
  EXPECT_EQ(money_of(1e308), most);
  EXPECT_EQ(money_of(-1e308), least);
  EXPECT_EQ(money_of(std::numeric_limits<double>::infinity()), most);
  EXPECT_EQ(money_of(std::nan("")), Money{});
}

TEST(Money, ShowsPeopleFourDigitsAndTwoDecimalsAtLeast) {
  const auto shown = [](std::string_view text) { return dollars_text(*parse_money(text)); };
  EXPECT_EQ(shown("450"), "$450.00");
  EXPECT_EQ(shown("0"), "$0.00");
  EXPECT_EQ(shown("0.45"), "$0.45");
  EXPECT_EQ(shown("0.0000525"), "$0.0000525");
  EXPECT_EQ(shown("0.00019"), "$0.00019");
  EXPECT_EQ(shown("4.275"), "$4.275");
  EXPECT_EQ(shown("1.23456"), "$1.235");
  EXPECT_EQ(shown("1.23449"), "$1.234");
  EXPECT_EQ(shown("0.99999"), "$1.00");
  EXPECT_EQ(shown("1234567.891"), "$1234567.89");
  EXPECT_EQ(shown("0.000000000001"), "$0.000000000001");
  EXPECT_EQ(dollars_text(Money{-450 * pico_per_dollar}), "-$450.00");
  EXPECT_EQ(dollars_text(most), "$9223372.04");
  EXPECT_EQ(dollars_text(least), "-$9223372.04");
}

TEST(Money, ShowsProgramsEveryDigit) {
  EXPECT_EQ(dollars_number(Money{52'500'000}), "0.0000525");
  EXPECT_EQ(dollars_number(Money{450 * pico_per_dollar}), "450");
  EXPECT_EQ(dollars_number(Money{}), "0");
  EXPECT_EQ(dollars_number(Money{-1}), "-0.000000000001");
  EXPECT_EQ(dollars_number(least), "-9223372.036854775808");
}

TEST(Money, ReadsBackWhatItPrints) {
  EXPECT_TRUE(rc::check("parse(print(money)) is money", [] {
    // Amounts of every size, not only of the largest.
    const Money money{*rc::gen::inRange<std::int64_t>(0, most.pico) >> *rc::gen::inRange(0, 63)};
    RC_ASSERT(parse_money(dollars_number(money)) == money);
  }));
}

TEST(Money, ShowsPeopleNothingThatIsFarOff) {
  EXPECT_TRUE(rc::check("the text is within half a unit of the fourth digit, or half a cent", [] {
    const Money money{*rc::gen::inRange<std::int64_t>(0, most.pico / 2) >> *rc::gen::inRange(0, 63)};
    const auto read = parse_money(dollars_text(money));
    RC_ASSERT(read.has_value());
    const auto off = std::abs((*read - money).pico);
    RC_ASSERT(off <= std::min<std::int64_t>(money.pico / 1000, pico_per_dollar / 200));
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
