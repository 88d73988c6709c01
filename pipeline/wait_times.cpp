// SPDX-License-Identifier: Apache-2.0
// Reads the headers by which an endpoint says how long to leave it alone.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <system_error>

#include "pipeline/model_reply.hpp"
#include "pipeline/timestamp.hpp"

namespace alluvium::pipeline {

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> weekdays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

milliseconds within_a_day(std::int64_t ms) {
  return milliseconds{std::clamp<std::int64_t>(ms, 0, day_ms)};
}

/// Rounded up: a wait is a floor.
milliseconds within_a_day(double ms) {
  return milliseconds{static_cast<std::int64_t>(std::ceil(std::clamp(ms, 0.0, static_cast<double>(day_ms))))};
}

/// Eats 12 or 12.5: no sign, no exponent, no "inf".
std::optional<double> eat_decimal(std::string_view& text) {
  const auto end = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  if (end == 0 || text.front() == '.') {
    return std::nullopt;
  }
  const auto read = std::from_chars(text.data(), text.data() + end, number, std::chars_format::fixed);
  if (read.ptr != text.data() + end || (read.ec != std::errc{} && read.ec != std::errc::result_out_of_range)) {
    return std::nullopt;
  }
  text.remove_prefix(end);
  return read.ec == std::errc{} ? number : static_cast<double>(day_ms);
}

bool eat(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) {
    return false;
  }
  text.remove_prefix(what.size());
  return true;
}

/// Eats exactly `digits` digits; `padded`: the first may be a blank.
bool eat_number(std::string_view& text, std::size_t digits, int& number, bool padded = false) {
  if (text.size() < digits) {
    return false;
  }
  number = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = padded && i == 0 && text[i] == ' ' ? '0' : text[i];
    if (c < '0' || c > '9') {
      return false;
    }
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool eat_month(std::string_view& text, int& month) {
  const auto* found = std::ranges::find(months, text.substr(0, 3));
  month = static_cast<int>(found - months.begin()) + 1;
  return found != months.end() && eat(text, *found);
}

struct Date {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

bool eat_clock(std::string_view& text, Date& date) {
  return eat_number(text, 2, date.hour) && eat(text, ":") && eat_number(text, 2, date.minute) && eat(text, ":") &&
         eat_number(text, 2, date.second);
}

/// Two digits mean the past if they would be more than 50 years ahead (RFC 9110).
int full_year(int two_digits, std::int64_t now_ms) {
  const std::chrono::sys_time<milliseconds> now{milliseconds{now_ms}};
  const int this_year{std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(now)}.year()};
  const int year = this_year / 100 * 100 + two_digits;
  return year > this_year + 50 ? year - 100 : year;
}

/// What follows the weekday, in its three forms: " 06 Nov 1994 08:49:37 GMT", " 06-Nov-94 08:49:37 GMT" (both after a
/// comma), " Nov  6 08:49:37 1994".
bool eat_date(std::string_view& text, Date& date, std::int64_t now_ms) {
  if (!eat(text, ", ")) {
    return eat(text, " ") && eat_month(text, date.month) && eat(text, " ") && eat_number(text, 2, date.day, true) &&
           eat(text, " ") && eat_clock(text, date) && eat(text, " ") && eat_number(text, 4, date.year);
  }
  if (!eat_number(text, 2, date.day)) {
    return false;
  }
  if (eat(text, " ")) {
    return eat_month(text, date.month) && eat(text, " ") && eat_number(text, 4, date.year) && eat(text, " ") &&
           eat_clock(text, date) && eat(text, " GMT");
  }
  const bool read = eat(text, "-") && eat_month(text, date.month) && eat(text, "-") && eat_number(text, 2, date.year) &&
                    eat(text, " ") && eat_clock(text, date) && eat(text, " GMT");
  date.year = full_year(date.year, now_ms);
  return read;
}

/// UTC in ms of an HTTP date.
std::optional<std::int64_t> http_date(std::string_view text, std::int64_t now_ms) {
  if (std::ranges::find(weekdays, text.substr(0, 3)) == weekdays.end()) {
    return std::nullopt;
  }
  text.remove_prefix(std::min(text.find_first_of(", "), text.size()));  // Its short and its long name.
  Date date;
  if (!eat_date(text, date, now_ms) || !text.empty()) {
    return std::nullopt;
  }
  // What remains is a matter of the calendar, and of leap seconds, which parse_timestamp() knows.
  std::array<char, 48> iso{};
  std::snprintf(iso.data(), iso.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", date.year, date.month, date.day, date.hour,
                date.minute, date.second);
  return parse_timestamp(iso.data());
}

milliseconds until(std::int64_t then_ms, std::int64_t now_ms) {
  std::int64_t left = 0;
  return __builtin_sub_overflow(then_ms, now_ms, &left) ? within_a_day(then_ms > now_ms ? day_ms : 0)
                                                        : within_a_day(left);
}

/// The ms of one of Go's units, which it eats; 0 if there is none. The longer ones come first.
double eat_unit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  constexpr std::array<Unit, 8> units{{{"ms", 1},
                                       {"us", 1e-3},
                                       {"\u00B5s", 1e-3},
                                       {"\u03BCs", 1e-3},
                                       {"ns", 1e-6},
                                       {"h", 3.6e6},
                                       {"m", 6e4},
                                       {"s", 1e3}}};
  const auto* found = std::ranges::find_if(units, [&](const Unit& unit) { return eat(text, unit.name); });
  return found == units.end() ? 0 : found->ms;
}

}  // namespace

std::optional<milliseconds> parse_retry_after(std::string_view text, std::int64_t now_ms) {
  text = trimmed(text);
  auto rest = text;
  if (const auto seconds = eat_decimal(rest); seconds && rest.empty()) {
    return within_a_day(*seconds * 1000);
  }
  const auto date = http_date(text, now_ms);
  return date ? std::optional{until(*date, now_ms)} : std::nullopt;
}

std::optional<milliseconds> parse_limit_reset(std::string_view text, std::int64_t now_ms) {
  text = trimmed(text);
  if (text.size() > 4 && text[4] == '-') {
    const auto time = parse_timestamp(text);
    return time ? std::optional{until(*time, now_ms)} : std::nullopt;
  }
  double ms = 0;
  for (auto rest = text; !rest.empty();) {
    const auto number = eat_decimal(rest);
    if (!number) {
      return std::nullopt;
    }
    if (rest.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos) {
      // A bare number counts seconds from now, unless that is longer than a day: then it is the time itself.
      const auto time = *number * 1000 > static_cast<double>(day_ms) ? epoch_timestamp(*number) : std::nullopt;
      return time ? until(*time, now_ms) : within_a_day(*number * 1000);
    }
    const auto unit = eat_unit(rest);
    if (unit == 0) {
      return std::nullopt;
    }
    ms += *number * unit;
  }
  return text.empty() ? std::nullopt : std::optional{within_a_day(ms)};
}

}  // namespace alluvium::pipeline
