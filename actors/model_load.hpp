// SPDX-License-Identifier: Apache-2.0
// How much model work is under way: what the caller tells the rest of the engine.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "pipeline/credit.hpp"

namespace alluvium::actors {

/// Shared by the stage and the intake. While `open` is at `open_max`, extractors hold their batches, which holds the
/// credit, which holds the source: slow models slow the intake, and what waits is in the store, not in memory.
struct ModelLoad {
  std::atomic<std::int64_t> open{0};       ///< Requests stored and neither answered nor in the backlog.
  std::atomic<std::int64_t> in_flight{0};  ///< Calls without their reply in the store.
  std::atomic<std::int64_t> in_flight_max{std::numeric_limits<std::int64_t>::max()};  ///< Lower under memory pressure.
  std::atomic<bool> draining{false};  ///< No further calls: the engine ends.
  pipeline::Credit calls{0};          ///< Bytes of the calls in flight. Only counted: the gates bound them.
  std::int64_t open_max = 1000;

  [[nodiscard]] bool has_room() const {
    // At the end of an engine what is held is stored, however much it is: nothing is sent any more that could make
    // room.
    return open.load(std::memory_order_relaxed) < open_max || draining.load(std::memory_order_relaxed);
  }
};

}  // namespace alluvium::actors
