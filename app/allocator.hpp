// SPDX-License-Identifier: Apache-2.0
// The allocator, as far as the engine's memory depends on it.
#pragma once

#include <cstddef>

namespace alluvium::app {

/// Before anything is opened: where there is no room for huge pages, runs this process anew without them, for the
/// allocator is set up before main. Returns if there is nothing to change, or it can't be changed.
void fit_allocator(std::size_t limit_bytes);

/// Gives pages that are free but kept back to the system. Takes milliseconds. Any thread.
void release_unused();

}  // namespace alluvium::app
