// SPDX-License-Identifier: Apache-2.0
// Arguments that say what of a stream is meant, and what it may cost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/App.hpp>

#include "app/progress.hpp"
#include "pipeline/money.hpp"

namespace alluvium::app {

// What they fill must live as long as `command`.

/// --from and --to, ISO 8601, in ms since 1970.
void add_time_options(CLI::App& command, std::optional<std::int64_t>& from_ms, std::optional<std::int64_t>& to_ms);
/// --budget, in USD.
CLI::Option* add_budget_option(CLI::App& command, std::optional<pipeline::Money>& budget, const std::string& what);
/// --progress
void add_progress_option(CLI::App& command, ProgressMode& mode);

}  // namespace alluvium::app
