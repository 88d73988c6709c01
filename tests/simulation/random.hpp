// SPDX-License-Identifier: Apache-2.0
// The only source of chance in a run: the same seed gives the same numbers, on every machine.
#pragma once

#include <cstdint>

namespace alluvium::simulation {

/// SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{seed} {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    auto z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  /// 0 to n - 1; n is not 0. (The bias of a multiplication instead of a rejection is below 2^-32 here.)
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(((next() >> 32U) * n) >> 32U);
  }
  /// `from` to `to`, both included.
  int between(int from, int to) {
    return from + static_cast<int>(below(static_cast<std::uint32_t>(to - from + 1)));
  }
  /// True once in `n` times; never if n is 0.
  bool once_in(std::uint32_t n) {
    return n != 0 && below(n) == 0;
  }

 private:
  std::uint64_t state_;
};

}  // namespace alluvium::simulation
