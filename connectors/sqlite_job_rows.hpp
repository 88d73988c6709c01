// SPDX-License-Identifier: Apache-2.0
// The rows of batch jobs, as they are read by the engine and by the command line.
#pragma once

#include <string_view>

#include "connectors/sqlite_database.hpp"
#include "pipeline/job_ports.hpp"

namespace alluvium::connectors {

/// The columns that read_job() reads, in order.
inline constexpr std::string_view job_columns =
    "id, endpoint, model, tag, provider_id, rejected, state, cancel, unsure, by_looks, requests, attempts, due_ms,"
    " created_ms, submitted_ms, polled_ms, ended_ms, detail";
[[nodiscard]] pipeline::StoredJob read_job(Statement& row);

}  // namespace alluvium::connectors
