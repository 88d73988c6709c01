// SPDX-License-Identifier: Apache-2.0
#include "bench/micro/measurement.hpp"

#include <cstdint>
#include <stdexcept>

namespace alluvium::bench {

void count_messages(benchmark::State& state, std::size_t per_iteration) {
  const auto count = static_cast<double>(state.iterations()) * static_cast<double>(per_iteration);
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
  state.counters["per_message"] = benchmark::Counter(count, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void demand(bool holds, const char* otherwise) {
  if (!holds) {
    throw std::runtime_error{otherwise};
  }
}

}  // namespace alluvium::bench
