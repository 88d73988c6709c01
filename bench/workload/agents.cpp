// SPDX-License-Identifier: Apache-2.0
// The Zipf part is the rejection-inversion method of Hoermann and Derflinger (1996): constant time and
// memory for any number of agents.
#include "bench/workload/agents.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace alluvium::bench {

AgentChoice::AgentChoice(std::uint64_t agents, double skew) : agents_{agents}, skew_{skew} {
  if (skew_ > 0) {
    integral_first_ = integral(1.5) - 1;
    integral_last_ = integral(static_cast<double>(agents_) + 0.5);
    squeeze_ = 2 - inverse_integral(integral(2.5) - std::pow(2.0, -skew_));
  }
}

std::uint64_t AgentChoice::next(Random& random) {
  return skew_ > 0 ? zipf(random) - 1 : turn(random);
}

std::uint64_t AgentChoice::turn(Random& random) {
  if (position_ == 0) {
    current_ = random.below(agents_);
    do {
      step_ = random.below(agents_) + 1;
    } while (std::gcd(step_, agents_) != 1);
  } else {
    current_ = (current_ + step_) % agents_;
  }
  position_ = (position_ + 1) % agents_;
  return current_;
}

std::uint64_t AgentChoice::zipf(Random& random) const {
  while (true) {
    const double area = integral_last_ + random.share() * (integral_first_ - integral_last_);
    const double x = inverse_integral(area);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(agents_));
    if (rank - x <= squeeze_ || area >= integral(rank + 0.5) - std::pow(rank, -skew_)) {
      return static_cast<std::uint64_t>(rank);
    }
  }
}

// The integral of x^-skew, and its inverse; written so that skew 1 is no special case.
double AgentChoice::integral(double x) const {
  const double log_x = std::log(x);
  const double t = (1 - skew_) * log_x;
  return (std::abs(t) > 1e-8 ? std::expm1(t) / t : 1 + t / 2) * log_x;
}

double AgentChoice::inverse_integral(double x) const {
  const double t = std::max(x * (1 - skew_), -1.0);
  return std::exp((std::abs(t) > 1e-8 ? std::log1p(t) / t : 1 - t / 2) * x);
}

}  // namespace alluvium::bench
