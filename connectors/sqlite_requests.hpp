// SPDX-License-Identifier: Apache-2.0
// The model requests of a SQLite store, through a connection of their own.
#pragma once

#include <memory>

#include "connectors/sqlite_books.hpp"
#include "connectors/sqlite_store.hpp"
#include "pipeline/budget.hpp"
#include "pipeline/model_ports.hpp"

namespace alluvium::connectors {

/// Opens the file for the requests in it; the store itself may be open in this process or another. Answers older than
/// answers_kept_ms are forgotten. Errors as open_sqlite_store().
[[nodiscard]] pipeline::Result<std::unique_ptr<pipeline::RequestStore>> open_sqlite_requests(
    const SqliteStoreOptions& options, const pipeline::BudgetOptions& budgets, pipeline::WallClock clock,
    const Books& books = {});

inline constexpr std::int64_t answers_kept_ms = std::int64_t{30} * 24 * 60 * 60 * 1000;

}  // namespace alluvium::connectors
