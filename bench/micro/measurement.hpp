// SPDX-License-Identifier: Apache-2.0
// What all benchmarks say of what they measured.
#pragma once

#include <cstddef>

#include <benchmark/benchmark.h>

namespace alluvium::bench {

/// How many messages an iteration took care of: `items_per_second`, and `per_message`, the CPU seconds of one.
void count_messages(benchmark::State& state, std::size_t per_iteration);
/// Unless it holds, the program ends with an error: what was measured is not what the benchmark is called.
void demand(bool holds, const char* otherwise);

}  // namespace alluvium::bench
