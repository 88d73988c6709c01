// SPDX-License-Identifier: Apache-2.0
#include "pipeline/governor.hpp"

#include <algorithm>
#include <cmath>

namespace alluvium::pipeline {
namespace {

/// What a message costs in resident memory beside what is charged for it: allocator's rounding, free pages it has not
/// given back yet. Measured with messages of 100 B to 1.2 KB.
constexpr double resident_per_held = 1.25;

std::string megabytes(std::int64_t bytes) {
  return std::to_string(bytes >> 20) + "MB";
}

}  // namespace

std::string_view name(Pressure pressure) {
  switch (pressure) {
    case Pressure::none:
      return "none";
    case Pressure::raised:
      return "raised";
    case Pressure::high:
      return "high";
    case Pressure::critical:
      return "critical";
  }
  return "none";
}

Governor::Governor(const Options& options) : options_{options} {}

std::chrono::milliseconds Governor::delay_of(double utilization, std::chrono::milliseconds delay_max) {
  const auto span = enter_at.back() - enter_at.front();
  const auto share = std::clamp((utilization - enter_at.front()) / span, 0.0, 1.0);
  return std::chrono::milliseconds{std::llround(static_cast<double>(delay_max.count()) * std::pow(share, 4))};
}

double Governor::utilization_of(const MemoryReading& reading, const HeldBytes& held) const {
  const auto share = [](double used, std::int64_t limit) { return limit > 0 ? used / static_cast<double>(limit) : 0; };
  // Resident memory lags behind what was let go of, and what was just taken: so the engine's own sum counts too.
  const auto expected = static_cast<double>(own_) + resident_per_held * static_cast<double>(held.sum());
  return std::max({share(static_cast<double>(reading.resident), options_.limit), share(expected, options_.limit),
                   share(static_cast<double>(reading.group_used), reading.group_limit)});
}

Pressure Governor::level_of(double utilization, const MemoryReading& reading) const {
  int level = 0;
  for (int i = 0; i < static_cast<int>(enter_at.size()); ++i) {
    const bool is_in = static_cast<int>(level_) > i;
    if (utilization >= enter_at[static_cast<std::size_t>(i)] - (is_in ? leave_below : 0)) {
      level = i + 1;
    }
  }
  if (reading.stalled_percent > stalled_percent_max) {
    level = std::max(level, static_cast<int>(Pressure::raised));
  }
  return static_cast<Pressure>(level);
}

std::optional<std::string> Governor::alert_of(double utilization, const MemoryReading& reading) {
  if (utilization < warn_at) {
    warned_ = warned_ && utilization >= warn_at - leave_below;
    return std::nullopt;
  }
  if (std::exchange(warned_, true)) {
    return std::nullopt;
  }
  auto text = "High memory usage detected: " + megabytes(reading.resident) + " of " + megabytes(options_.limit);
  if (reading.group_limit > 0) {
    text += ", control group " + megabytes(reading.group_used) + " of " + megabytes(reading.group_limit);
  }
  return text + "; reading slows down";
}

PressureOrders Governor::observe(const MemoryReading& reading, const HeldBytes& held, TimePoint now) {
  if (own_ < 0) {
    own_ = std::max<std::int64_t>(0, reading.resident - held.sum());
  }
  PressureOrders orders;
  orders.utilization = utilization_of(reading, held);
  level_ = level_of(orders.utilization, reading);
  orders.level = level_;
  orders.delay = delay_of(orders.utilization, options_.delay_max);
  orders.alert = alert_of(orders.utilization, reading);

  const auto most = options_.batch_messages_max;
  const auto calls = options_.calls_max;
  // A poll of short messages of many agents holds some 5 times its bytes once each has a buffer.
  orders.poll_bytes_max = std::clamp(options_.credit / 32, portion_min, portion_max);
  switch (level_) {
    case Pressure::none:
      orders.batch_messages_max = most;
      orders.buffered_bytes_max = options_.credit;
      orders.calls_max = calls;
      break;
    case Pressure::raised:
      orders.batch_messages_max = std::min(most, std::max(most / 2, small_batch));
      orders.buffered_bytes_max = options_.credit / 2;
      orders.calls_max = std::max<std::int64_t>(1, calls / 2);
      break;
    case Pressure::high:
      orders.batch_messages_max = std::min(most, small_batch);
      orders.buffered_bytes_max = options_.credit / 8;
      orders.calls_max = std::max<std::int64_t>(1, calls / 4);
      break;
    case Pressure::critical:
      orders.batch_messages_max = std::min(most, smallest_batch);
      orders.buffered_bytes_max = 0;
      orders.calls_max = 1;
      // What the source has prefetched is let go of by reading it.
      orders.poll_bytes_max = held.sum() > held.prefetched ? 0 : portion_min;
      break;
  }
  // While there is pressure, and once more when it is over.
  if ((level_ != Pressure::none || episode_) && now - released_at_ >= release_interval) {
    orders.release_unused = true;
    released_at_ = now;
    episode_ = level_ != Pressure::none;
  }
  return orders;
}

}  // namespace alluvium::pipeline
