// SPDX-License-Identifier: Apache-2.0
// How the engine slows down when memory gets short: a law, as a value. docs/pressure.md shows it at work.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "pipeline/batch_policy.hpp"

namespace alluvium::pipeline {

/// What the outside says about this process's memory, in bytes.
struct MemoryReading {
  std::int64_t resident = 0;     ///< Of the process.
  std::int64_t group_used = 0;   ///< Of its control group, without file pages that can be dropped.
  std::int64_t group_limit = 0;  ///< 0: the group has none.
  double stalled_percent = 0;    ///< Of the last 10 s, some task waited for memory (PSI).
};

/// What the engine itself knows that it holds, in bytes.
struct HeldBytes {
  std::int64_t prefetched = 0;  ///< In the source's queues.
  std::int64_t messages = 0;    ///< In agents' buffers and in batches, until they are committed.
  std::int64_t memories = 0;    ///< Extracted and not committed.
  std::int64_t calls = 0;       ///< Requests to models that are under way.

  [[nodiscard]] std::int64_t sum() const {
    return prefetched + messages + memories + calls;
  }
};

enum class Pressure { none, raised, high, critical };

[[nodiscard]] std::string_view name(Pressure pressure);

/// What the rest of the engine has to keep to until the next look.
struct PressureOrders {
  Pressure level = Pressure::none;
  double utilization = 0;  ///< Of the limit; the worst of the figures.
  /// Between two polls that bring something. Governor::delay_of().
  std::chrono::milliseconds delay{0};
  std::size_t batch_messages_max = 0;   ///< A buffer with that many flushes.
  std::int64_t buffered_bytes_max = 0;  ///< Beyond, the fullest buffers flush early.
  std::int64_t poll_bytes_max = 0;      ///< 0: reading stops.
  std::int64_t calls_max = 0;           ///< Calls of models under way.
  bool release_unused = false;          ///< The allocator should give back what it keeps.
  std::optional<std::string> alert;     ///< To be logged: a line has been crossed.
};

/// Turns readings into orders. Levels are entered at 70, 85 and 95 % of the limit and left 5 % lower.
///
/// | level    | batches of at most  | buffers may hold | calls under way | reading             |
/// | none     | buffer.max_messages | the credit       | as configured   | at once             |
/// | raised   | half                | half the credit  | a half          | delay_of()          |
/// | high     | 3                   | an eighth        | a quarter       | delay_of()          |
/// | critical | 2                   | nothing          | 1               | stops, as long as   |
/// |          |                     |                  |                 | anything is held    |
///
/// Reading stops only while something is held that could be let go of: otherwise it goes on in the smallest portions,
/// one per delay_max, so that a limit that is too small slows the engine down and never stands it still.
class Governor {
 public:
  struct Options {
    std::int64_t limit = std::int64_t{512} << 20;  ///< Bytes; memory.limit.
    std::int64_t credit = std::int64_t{128} << 20;
    std::size_t batch_messages_max = 20;
    std::int64_t calls_max = 1'000'000;
    std::chrono::milliseconds delay_max{100};
  };
  static constexpr std::array<double, 3> enter_at{0.70, 0.85, 0.95};
  static constexpr double leave_below = 0.05;  ///< Under the point of entry.
  static constexpr double warn_at = 0.80;
  static constexpr std::size_t small_batch = 3;
  static constexpr std::size_t smallest_batch = 2;
  static constexpr std::int64_t portion_max = std::int64_t{4} << 20;  ///< What one poll brings at most.
  static constexpr std::int64_t portion_min = std::int64_t{64} << 10;
  static constexpr std::chrono::seconds release_interval{1};
  static constexpr double stalled_percent_max = 10;  ///< Above, the level is raised at least.

  explicit Governor(const Options& options);

  /// Call it often (Engine: every 50 ms while it reads). The first reading says what the engine needs by itself.
  PressureOrders observe(const MemoryReading& reading, const HeldBytes& held, TimePoint now);

  /// delay_max x ((u - 0.70) / 0.25)^4 between 0.70 and 0.95, u being the utilization: hardly anything where the
  /// credit alone can hold the balance, and a wall near the limit.
  [[nodiscard]] static std::chrono::milliseconds delay_of(double utilization, std::chrono::milliseconds delay_max);

 private:
  [[nodiscard]] double utilization_of(const MemoryReading& reading, const HeldBytes& held) const;
  [[nodiscard]] Pressure level_of(double utilization, const MemoryReading& reading) const;
  [[nodiscard]] std::optional<std::string> alert_of(double utilization, const MemoryReading& reading);

  Options options_;
  std::int64_t own_ = -1;  ///< Resident before anything was read; -1: not known yet.
  Pressure level_ = Pressure::none;
  bool warned_ = false;
  bool episode_ = false;  ///< Since the allocator was last asked to give back, there was pressure.
  TimePoint released_at_;
};

}  // namespace alluvium::pipeline
