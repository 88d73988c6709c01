// SPDX-License-Identifier: Apache-2.0
// Which agent the next message belongs to.
#pragma once

#include <cstdint>

#include "bench/workload/random.hpp"

namespace alluvium::bench {

/// With skew 0 all agents are equally busy: in every round each has one turn, in an order of that round.
/// Otherwise agent k has a share proportional to 1 / (k + 1)^skew (Zipf), drawn for each message.
class AgentChoice {
 public:
  /// `agents` at least 1 and below 2^32; `skew` 0 or more.
  AgentChoice(std::uint64_t agents, double skew);

  /// From 0 to agents - 1.
  std::uint64_t next(Random& random);

 private:
  std::uint64_t turn(Random& random);
  std::uint64_t zipf(Random& random) const;
  [[nodiscard]] double integral(double x) const;
  [[nodiscard]] double inverse_integral(double x) const;

  std::uint64_t agents_;
  double skew_;
  // A round visits first_, first_ + step_, ... modulo agents_.
  std::uint64_t position_ = 0;
  std::uint64_t current_ = 0;
  std::uint64_t step_ = 1;
  // What the rejection method needs once.
  double integral_first_ = 0;
  double integral_last_ = 0;
  double squeeze_ = 0;
};

}  // namespace alluvium::bench
