// SPDX-License-Identifier: Apache-2.0
// A store that keeps nothing: memories go out as they are made, for `alluvium extract`.
#pragma once

#include <functional>
#include <memory>

#include "connectors/sqlite_reader.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

/// Calls `memory` for each memory that the agent did not have yet, `dead_letter` for each message
/// that could not be processed; both on the writer's thread. There is no ledger: every run starts
/// at the first line. Holds 16 bytes per distinct memory, so that duplicates are found over the
/// whole stream.
/// If `memory` returns false (the reader went away), the commit fails with `unsafe_to_go_on`.
[[nodiscard]] std::unique_ptr<pipeline::Store> make_stream_store(std::function<bool(const MemoryRow&)> memory,
                                                                 std::function<void(const DeadLetterRow&)> dead_letter,
                                                                 pipeline::WallClock clock);

}  // namespace alluvium::connectors
