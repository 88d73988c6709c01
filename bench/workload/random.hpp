// SPDX-License-Identifier: Apache-2.0
// Chance that is the same everywhere for the same seed; the standard library's distributions are not.
#pragma once

#include <cmath>
#include <cstdint>

namespace alluvium::bench {

/// SplitMix64: small, fast, good enough for texts.
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

  /// In [0, bound); bound at least 1 and below 2^32, where the bias is too small to see.
  std::uint64_t below(std::uint64_t bound) {
    return ((next() >> 32U) * bound) >> 32U;
  }

  /// In [0, 1).
  double share() {
    return static_cast<double>(next() >> 11U) * 0x1.0p-53;
  }

  /// Exponential with mean 1.
  double exponential() {
    return -std::log1p(-share());
  }

 private:
  std::uint64_t state_;
};

}  // namespace alluvium::bench
