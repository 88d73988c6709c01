// SPDX-License-Identifier: Apache-2.0
// The batch jobs of a SQLite store, through a connection of their own.
#pragma once

#include <memory>

#include "connectors/sqlite_books.hpp"
#include "connectors/sqlite_store.hpp"
#include "pipeline/budget.hpp"
#include "pipeline/job_ports.hpp"

namespace alluvium::connectors {

/// Opens the file for the jobs in it; the store itself may be open in this process or another. Errors as
/// open_sqlite_store().
[[nodiscard]] pipeline::Result<std::unique_ptr<pipeline::JobStore>> open_sqlite_jobs(
    const SqliteStoreOptions& options, const pipeline::BudgetOptions& budgets, pipeline::WallClock clock,
    const Books& books = {});

}  // namespace alluvium::connectors
