// SPDX-License-Identifier: Apache-2.0
#include "app/progress.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "app/table.hpp"

namespace alluvium::app {
namespace {

std::string formatted(const char* format, double number) {
  std::array<char, 64> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, number);
  return {buffer.data(), static_cast<std::size_t>(std::clamp(length, 0, static_cast<int>(buffer.size()) - 1))};
}

// Two digits, for minutes after hours and seconds after minutes.
std::string two_digits(std::int64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

constexpr std::string_view erase_line = "\r\x1b[K";

}  // namespace

std::string short_count(double count) {
  if (!std::isfinite(count) || count < 0) {
    return "0";
  }
  // Rounded first, so that 999.6 is 1.0k and not 1000.
  if (std::round(count) < 1000) {
    return formatted("%.0f", count);
  }
  static constexpr std::array<std::string_view, 4> units = {"k", "M", "G", "T"};
  for (std::size_t i = 0; i < units.size(); ++i) {
    count /= 1000;
    if (std::round(count * 10) < 100) {
      return formatted("%.1f", count).append(units[i]);
    }
    if (std::round(count) < 1000 || i + 1 == units.size()) {
      return formatted("%.0f", count).append(units[i]);
    }
  }
  return {};
}

std::string short_duration(std::chrono::seconds duration) {
  const std::int64_t seconds = std::max<std::int64_t>(duration.count(), 0);
  if (seconds < 60) {
    return std::to_string(seconds) + "s";
  }
  if (seconds < 3600) {
    return std::to_string(seconds / 60) + "m" + two_digits(seconds % 60) + "s";
  }
  return std::to_string(seconds / 3600) + "h" + two_digits(seconds % 3600 / 60) + "m";
}

std::string progress_line(const Progress& progress) {
  std::string line = with_commas(progress.messages);
  if (progress.expected) {
    line += "/" + with_commas(*progress.expected);
  }
  line += " msgs  " + short_count(progress.messages_per_second) + "/s  " + with_commas(progress.memories) +
          (progress.memories == 1 ? " memory" : " memories");
  if (progress.cost_usd) {
    line += "  $" + formatted("%.2f", *progress.cost_usd);
  }
  if (progress.lag) {
    line += "  lag " + short_count(static_cast<double>(*progress.lag));
  }
  if (progress.expected && *progress.expected > progress.messages && progress.messages_per_second >= 1) {
    const auto left = static_cast<double>(*progress.expected - progress.messages);
    line +=
        "  ETA " +
        short_duration(std::chrono::seconds{static_cast<std::int64_t>(std::ceil(left / progress.messages_per_second))});
  }
  return line;
}

ProgressDisplay::ProgressDisplay(ProgressMode mode, bool terminal, bool may_style, TimePoint start)
    : live_{terminal && may_style},
      silent_{mode == ProgressMode::never},
      next_{live_ ? start : (mode == ProgressMode::always ? start : start + plain_interval)} {}

bool ProgressDisplay::due(TimePoint now) const {
  return !silent_ && now >= next_;
}

std::string ProgressDisplay::draw(const Progress& progress, TimePoint now, std::size_t width) {
  if (silent_) {
    return {};
  }
  if (!live_) {
    next_ = now + plain_interval;
    return progress_line(progress) + "\n";
  }
  next_ = now + live_interval;
  drawn_ = true;
  return std::string{erase_line} + cell(progress_line(progress), width > 0 ? width - 1 : 0);
}

std::string ProgressDisplay::clear() {
  if (!drawn_) {
    return {};
  }
  drawn_ = false;
  return std::string{erase_line};
}

}  // namespace alluvium::app
