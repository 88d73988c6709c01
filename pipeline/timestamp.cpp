// SPDX-License-Identifier: Apache-2.0
// Reads ISO 8601 digit by digit: strptime() takes neither fractions nor zones, and asks the locale.
#include "pipeline/timestamp.hpp"

#include <charconv>
#include <chrono>
#include <cmath>
#include <system_error>

namespace alluvium::pipeline {

namespace {

constexpr std::int64_t earliest_ms = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
constexpr std::int64_t latest_ms = 253'402'300'799'999;    // 9999-12-31T23:59:59.999Z
constexpr std::int64_t least_milliseconds = 100'000'000'000;

std::optional<std::int64_t> within_calendar(std::int64_t ms) {
  return ms >= earliest_ms && ms <= latest_ms ? std::optional{ms} : std::nullopt;
}

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Eats exactly two digits.
inline bool eat_two(std::string_view& text, int& number) {
  if (text.size() < 2 || !is_digit(text[0]) || !is_digit(text[1])) {
    return false;
  }
  number = (text[0] - '0') * 10 + (text[1] - '0');
  text.remove_prefix(2);
  return true;
}

inline bool eat(std::string_view& text, char c) {
  if (!text.starts_with(c)) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

/// The date, as days since 1970. `dashes` tells the extended form from the basic one.
std::optional<std::int64_t> eat_date(std::string_view& text, bool dashes) {
  int century = 0;
  int year = 0;
  int month = 0;
  int day = 0;
  const bool read = eat_two(text, century) && eat_two(text, year) && (!dashes || eat(text, '-')) &&
                    eat_two(text, month) && (!dashes || eat(text, '-')) && eat_two(text, day);
  const std::chrono::year_month_day date{std::chrono::year{100 * century + year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!read || !date.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

/// The time of day in ms: HH:MM[:SS[.fraction]].
std::optional<std::int64_t> eat_clock(std::string_view& text, bool colons) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!eat_two(text, hour) || (colons && !eat(text, ':')) || !eat_two(text, minute)) {
    return std::nullopt;
  }
  const bool seconds = colons ? eat(text, ':') : !text.empty() && is_digit(text.front());
  if (seconds && !eat_two(text, second)) {
    return std::nullopt;
  }
  int ms = 0;
  if (seconds && (eat(text, '.') || eat(text, ','))) {
    if (text.empty() || !is_digit(text.front())) {
      return std::nullopt;
    }
    for (int weight = 100; !text.empty() && is_digit(text.front()); text.remove_prefix(1), weight /= 10) {
      ms += (text.front() - '0') * weight;
    }
  }
  // 24:00 ends a day, and second 60 is a leap second, which counts as the next minute's first.
  if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute > 0 || second > 0 || ms > 0))) {
    return std::nullopt;
  }
  return ((std::int64_t{hour} * 60 + minute) * 60 + second) * 1000 + ms;
}

/// The zone, in ms ahead of UTC: Z, +HH:MM, +HHMM, +HH, or nothing.
std::optional<std::int64_t> eat_zone(std::string_view& text) {
  if (text.empty() || eat(text, 'Z') || eat(text, 'z')) {
    return 0;
  }
  const bool behind = text.starts_with('-');
  int hours = 0;
  int minutes = 0;
  if ((!eat(text, '+') && !eat(text, '-')) || !eat_two(text, hours)) {
    return std::nullopt;
  }
  if (!text.empty()) {
    eat(text, ':');
    if (!eat_two(text, minutes)) {
      return std::nullopt;
    }
  }
  if (hours > 23 || minutes > 59) {
    return std::nullopt;
  }
  const auto ahead = (std::int64_t{hours} * 60 + minutes) * 60'000;
  return behind ? -ahead : ahead;
}

std::optional<std::int64_t> parse_iso8601(std::string_view text, bool extended) {
  const auto days = eat_date(text, extended);
  if (!days) {
    return std::nullopt;
  }
  auto ms = *days * 86'400'000;
  if (!text.empty()) {
    if (!eat(text, 'T') && !eat(text, 't') && !eat(text, ' ')) {
      return std::nullopt;
    }
    const auto clock = eat_clock(text, extended);
    if (!clock) {
      return std::nullopt;
    }
    eat(text, ' ');  // "12:30:59 +02:00", as some databases write it.
    const auto zone = eat_zone(text);
    if (!zone) {
      return std::nullopt;
    }
    ms += *clock - *zone;
  }
  return text.empty() ? within_calendar(ms) : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  if (text.size() > 4 && text[4] == '-') {
    return parse_iso8601(text, true);
  }
  if (text.size() > 8 && (text[8] == 'T' || text[8] == 't')) {
    return parse_iso8601(text, false);
  }
  const auto* const end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto read = std::from_chars(text.data(), end, whole); read.ec == std::errc{} && read.ptr == end) {
    return epoch_timestamp(whole);
  }
  double number = 0;
  if (const auto read = std::from_chars(text.data(), end, number); read.ec == std::errc{} && read.ptr == end) {
    return epoch_timestamp(number);
  }
  return std::nullopt;
}

std::optional<std::int64_t> epoch_timestamp(std::int64_t number) {
  if (number > -least_milliseconds && number < least_milliseconds) {
    return within_calendar(number * 1000);
  }
  return within_calendar(number);
}

std::optional<std::int64_t> epoch_timestamp(double number) {
  if (!std::isfinite(number) || std::abs(number) > 1e15) {
    return std::nullopt;
  }
  const bool seconds = std::abs(number) < static_cast<double>(least_milliseconds);
  return within_calendar(std::llround(seconds ? number * 1000 : number));
}

}  // namespace alluvium::pipeline
