// SPDX-License-Identifier: Apache-2.0
// Streams what a store holds through one LedgerAudit per partition.
#pragma once

#include <vector>

#include "connectors/sqlite_database.hpp"
#include "pipeline/ledger_audit.hpp"

namespace alluvium::connectors {

/// One report per partition, sorted by it; what can't be laid to a partition's charge is in the first.
/// Inside the caller's transaction. Retired partitions (--reset-ledger) are left out.
[[nodiscard]] std::vector<pipeline::AuditReport> verify_ledger(Database& database);

}  // namespace alluvium::connectors
