// SPDX-License-Identifier: Apache-2.0
#include "connectors/reading_turns.hpp"

#include <algorithm>

namespace alluvium::connectors {

std::span<const std::size_t> ReadingTurns::order(std::size_t slots,
                                                 const std::function<std::size_t(std::size_t)>& depth) {
  passes_.resize(slots);
  depths_.resize(slots);
  order_.clear();
  for (std::size_t slot = 0; slot < slots; ++slot) {
    depths_[slot] = depth(slot);
    if (depths_[slot] > 0) {
      order_.push_back(slot);
      ++passes_[slot];  // Until it is read.
    }
  }
  std::ranges::sort(order_, [this](std::size_t a, std::size_t b) {
    const bool a_waits = passes_[a] > passes_max;
    const bool b_waits = passes_[b] > passes_max;
    if (a_waits != b_waits) {
      return a_waits;
    }
    if (a_waits && passes_[a] != passes_[b]) {
      return passes_[a] > passes_[b];
    }
    return depths_[a] != depths_[b] ? depths_[a] > depths_[b] : a < b;
  });
  return order_;
}

}  // namespace alluvium::connectors
