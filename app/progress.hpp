// SPDX-License-Identifier: Apache-2.0
// The progress line: one live line on a terminal, a plain line every ten seconds elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace alluvium::app {

/// How far a run is.
struct Progress {
  std::int64_t messages = 0;               ///< That have an outcome, of this run.
  std::optional<std::int64_t> expected{};  ///< How many there will be, if that is known.
  double messages_per_second = 0;          ///< Now, not on average.
  std::int64_t memories = 0;
  std::optional<double> cost_usd{};   ///< Left out of the line while no model is in use.
  std::optional<std::int64_t> lag{};  ///< Records of the stream that are not settled.
};

/// "12,400/50,000 msgs  310k/s  812 memories  $0.43  lag 1.2k  ETA 12s"
[[nodiscard]] std::string progress_line(const Progress& progress);
/// 950, 1.2k, 310k, 4.5M
[[nodiscard]] std::string short_count(double count);
/// 12s, 3m05s, 2h10m
[[nodiscard]] std::string short_duration(std::chrono::seconds duration);

enum class ProgressMode { automatic, always, never };

/// Decides when a line is due and how it is drawn. Writes nothing itself: it returns what is to be
/// written to stderr.
class ProgressDisplay {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds live_interval{200};
  static constexpr std::chrono::seconds plain_interval{10};

  /// `terminal`: stderr is one. `may_style`: it may be drawn on (NO_COLOR, TERM=dumb say no). In
  /// `automatic` a run that ends before the first ten seconds shows nothing off a terminal.
  ProgressDisplay(ProgressMode mode, bool terminal, bool may_style, TimePoint start);

  /// True if draw() has something to say by now.
  [[nodiscard]] bool due(TimePoint now) const;
  /// The bytes for stderr: the line, drawn over the one before where it is live and cut to `width`.
  [[nodiscard]] std::string draw(const Progress& progress, TimePoint now, std::size_t width);
  /// Takes the live line away, before a log line or the summary is printed.
  [[nodiscard]] std::string clear();

 private:
  bool live_;
  bool silent_;
  bool drawn_ = false;
  TimePoint next_;
};

}  // namespace alluvium::app
