// SPDX-License-Identifier: Apache-2.0
// Decimal digits in, decimal digits out: no double stands between a price and its sum.
#include "pipeline/money.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace alluvium::pipeline {

namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t decimals_max = 12;  // Of a dollar: picodollars.
constexpr std::size_t digits_shown = 4;   // Significant ones, for people.

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t digits_at_start(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

/// What is left of a number after its digits: nothing, or e-06. Nothing if it is anything else.
std::optional<int> exponent_of(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  if (text.front() != 'e' && text.front() != 'E') {
    return std::nullopt;
  }
  text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) {
    text.remove_prefix(1);
  }
  int exponent = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (text.empty() || !is_digit(text.front()) || read.ec != std::errc{} || read.ptr != text.data() + text.size() ||
      exponent > 1000) {
    return std::nullopt;
  }
  return negative ? -exponent : exponent;
}

tl::unexpected<Error> no_amount(std::string_view text, std::string_view why) {
  return fail(Errc::invalid_config, "\"" + std::string{text.substr(0, 40)} + "\" " + std::string{why});
}

/// The amount without its sign: min() has no positive twin.
std::uint64_t magnitude(Money money) {
  const auto bits = static_cast<std::uint64_t>(money.pico);
  return money.pico < 0 ? ~bits + 1 : bits;
}

/// `pico` with as many decimals as there are without trailing zeros, but at least `decimals_min`.
std::string decimal(std::uint64_t pico, bool negative, std::size_t decimals_min) {
  constexpr auto per_dollar = static_cast<std::uint64_t>(pico_per_dollar);
  auto fraction = std::to_string(pico % per_dollar);
  fraction.insert(0, decimals_max - fraction.size(), '0');
  const auto last = fraction.find_last_not_of('0');
  fraction.resize(std::max(decimals_min, last == std::string::npos ? 0 : last + 1));
  return (negative ? "-" : "") + std::to_string(pico / per_dollar) + (fraction.empty() ? "" : ".") + fraction;
}

}  // namespace

Money operator+(Money a, Money b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a.pico, b.pico, &sum) ? Money{a.pico < 0 ? least : most} : Money{sum};
}

Money operator-(Money a, Money b) {
  std::int64_t difference = 0;
  return __builtin_sub_overflow(a.pico, b.pico, &difference) ? Money{a.pico < 0 ? least : most} : Money{difference};
}

Money operator*(Money price, std::int64_t count) {
  std::int64_t product = 0;
  const bool negative = (price.pico < 0) != (count < 0);
  return __builtin_mul_overflow(price.pico, count, &product) ? Money{negative ? least : most} : Money{product};
}

Result<Money> parse_money(std::string_view text) {
  auto rest = text;
  if (rest.starts_with('$')) {
    rest.remove_prefix(1);
  }
  const auto whole = digits_at_start(rest);
  std::string digits{rest.substr(0, whole)};
  rest.remove_prefix(whole);
  std::size_t decimals = 0;
  bool complete = whole > 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    decimals = digits_at_start(rest);
    digits += rest.substr(0, decimals);
    rest.remove_prefix(decimals);
    complete = complete && decimals > 0;
  }
  const auto exponent = exponent_of(rest);
  if (!complete || !exponent || text.size() > 1000) {
    return no_amount(text, "is no amount of dollars; want one like 5, 0.25 or $5.00");
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) {
    return Money{};
  }
  const auto zeros = digits.size() - 1 - digits.find_last_not_of('0');
  digits.resize(digits.size() - zeros);
  // The amount is now `digits` times ten to the `places`, in picodollars.
  const auto places = *exponent + static_cast<int>(decimals_max + zeros) - static_cast<int>(decimals);
  if (places < 0) {
    return no_amount(text, "has more than 12 decimals, the smallest amount there is being $0.000000000001");
  }
  std::int64_t pico = 0;
  const auto size = digits.size() + static_cast<std::size_t>(places);
  digits.append(size <= 19 ? static_cast<std::size_t>(places) : 0, '0');
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), pico);
  if (size > 19 || read.ec != std::errc{}) {
    return no_amount(text, "is more than the 9.2 million dollars that can be counted");
  }
  return Money{pico};
}

Money money_of(double dollars) {
  const double pico = dollars * static_cast<double>(pico_per_dollar);
  if (std::isnan(pico)) {
    return {};
  }
  constexpr double beyond = 9'223'372'036'854'775'808.0;  // 2^63: the first double that does not fit.
  if (pico >= beyond || pico <= -beyond) {
    return {pico < 0 ? least : most};
  }
  return {std::llround(pico)};
}

std::string dollars_text(Money money) {
  auto pico = magnitude(money);
  const auto digits = std::to_string(pico).size();  // 13 digits are a dollar.
  // Decimals that show four digits: 2 from ten dollars on, all 12 below ten picodollars.
  const auto whole_digits = digits > decimals_max ? digits - decimals_max : 0;
  const auto zeros = digits < decimals_max ? decimals_max - digits : 0;
  const auto wanted = whole_digits > 0 ? digits_shown - std::min(digits_shown, whole_digits) : zeros + digits_shown;
  std::uint64_t unit = 1;
  for (auto decimals = decimals_max; decimals > std::max<std::size_t>(2, wanted); --decimals) {
    unit *= 10;
  }
  pico = pico / unit * unit + (pico % unit >= unit - unit / 2 ? unit : 0);
  const auto text = decimal(pico, false, 2);
  return (money.pico < 0 ? "-$" : "$") + text;
}

std::string dollars_number(Money money) {
  return decimal(magnitude(money), money.pico < 0, 0);
}

}  // namespace alluvium::pipeline
