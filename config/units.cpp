// SPDX-License-Identifier: Apache-2.0
#include "config/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

namespace alluvium::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Larger units first: of two texts of the same length, the larger unit is the plainer one.
constexpr std::array duration_units{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000},
                                    Unit{"ms", 1}};
constexpr std::array size_units{Unit{"TiB", std::uint64_t{1} << 40},
                                Unit{"TB", 1'000'000'000'000},
                                Unit{"GiB", std::uint64_t{1} << 30},
                                Unit{"GB", 1'000'000'000},
                                Unit{"MiB", 1U << 20U},
                                Unit{"MB", 1'000'000},
                                Unit{"KiB", 1U << 10U},
                                Unit{"KB", 1000},
                                Unit{"B", 1}};

/// The number times its unit, at most `limit`.
template <std::size_t Count>
std::optional<std::uint64_t> parse(std::string_view text, const std::array<Unit, Count>& units, std::uint64_t limit) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::invalid_argument) {
    return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) {
    number = limit;
  }
  const std::string_view unit_name{rest, static_cast<std::size_t>(end - rest)};
  if (unit_name.empty() && number == 0) {
    return 0;
  }
  const auto* unit = std::ranges::find(units, unit_name, &Unit::name);
  if (unit == units.end()) {
    return std::nullopt;
  }
  return number > limit / unit->factor ? limit : number * unit->factor;
}

template <std::size_t Count>
std::string format(std::uint64_t value, const std::array<Unit, Count>& units) {
  std::string shortest;
  for (const auto& unit : units) {
    if (value % unit.factor == 0) {
      auto text = std::to_string(value / unit.factor).append(unit.name);
      if (shortest.empty() || text.size() < shortest.size()) {
        shortest = std::move(text);
      }
    }
  }
  return shortest;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  using Milliseconds = std::chrono::milliseconds;
  const auto parsed = parse(text, duration_units, static_cast<std::uint64_t>(Milliseconds::max().count()));
  if (!parsed) {
    return std::nullopt;
  }
  return Milliseconds{static_cast<Milliseconds::rep>(*parsed)};
}

std::optional<std::size_t> parse_size(std::string_view text) {
  return parse(text, size_units, std::numeric_limits<std::size_t>::max());
}

std::string format_duration(std::chrono::milliseconds duration) {
  return duration.count() == 0 ? "0s" : format(static_cast<std::uint64_t>(duration.count()), duration_units);
}

std::string format_size(std::size_t bytes) {
  return bytes == 0 ? "0B" : format(bytes, size_units);
}

}  // namespace alluvium::config
