// SPDX-License-Identifier: Apache-2.0
#include "pipeline/selection.hpp"

#include <cmath>

#include <xxhash.h>

namespace alluvium::pipeline {
namespace {

// Fractions of one are 64-bit integers here: 2^64 stands for 1, and sums wrap as fractions do.

/// 2^64 divided by the golden ratio: its multiples spread most evenly over the circle.
constexpr std::uint64_t golden_step = 0x9E37'79B9'7F4A'7C15U;

/// Where an agent begins on the circle.
std::uint64_t phase_of(std::string_view agent_id) {
  const auto last = agent_id.find_last_not_of("0123456789");
  const auto digits = last == std::string_view::npos ? 0 : last + 1;
  std::uint64_t number = 0;
  for (const char digit : agent_id.substr(digits)) {
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');  // Wraps for long ones: still a pure function.
  }
  return XXH3_64bits(agent_id.data(), digits) + number * golden_step;
}

}  // namespace

bool is_selected(const SelectionOptions& options, std::string_view agent_id, std::int64_t ordinal) {
  if (!(options.rate > 0)) {
    return false;
  }
  if (options.rate >= 1) {
    return true;
  }
  // floor(phase + (ordinal + 1) * rate) > floor(phase + ordinal * rate), which is: the last step wraps.
  const auto rate = static_cast<std::uint64_t>(std::ldexp(options.rate, 64));
  const auto before = phase_of(agent_id) + static_cast<std::uint64_t>(ordinal) * rate;
  return before + rate < rate;
}

}  // namespace alluvium::pipeline
