// SPDX-License-Identifier: Apache-2.0
// Dollars as whole picodollars (1e-12 USD): a token costs far less than a micro-dollar, and nothing is rounded on the way.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/error.hpp"

namespace alluvium::pipeline {

/// +-9.2 million dollars. Sums and products saturate instead of overflowing.
struct Money {
  std::int64_t pico = 0;
  auto operator<=>(const Money&) const = default;
};
inline constexpr std::int64_t pico_per_dollar = 1'000'000'000'000;

[[nodiscard]] Money operator+(Money a, Money b);
[[nodiscard]] Money operator-(Money a, Money b);
[[nodiscard]] Money operator*(Money price, std::int64_t count);
inline Money& operator+=(Money& a, Money b) {
  return a = a + b;
}

/// "5", "5.00", "0.000001", "$5", "1e-06": exact; nothing beyond picodollars. `invalid_config` for anything else or negative.
[[nodiscard]] Result<Money> parse_money(std::string_view text);
/// Of a double, rounded to a picodollar: prices per token come as 1.5e-07.
[[nodiscard]] Money money_of(double dollars);
/// "$450.00", "$0.0000525": at least two decimals, as many as needed to show four significant digits, at most 12.
[[nodiscard]] std::string dollars_text(Money money);
/// For JSON: a plain number in dollars, exact: 0.0000525.
[[nodiscard]] std::string dollars_number(Money money);

}  // namespace alluvium::pipeline
