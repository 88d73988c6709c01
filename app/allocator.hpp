// SPDX-License-Identifier: Apache-2.0
// The allocator, as far as the engine's memory depends on it.
#pragma once

namespace alluvium::app {

/// Gives pages that are free but kept back to the system. Takes milliseconds. Any thread.
void release_unused();

}  // namespace alluvium::app
