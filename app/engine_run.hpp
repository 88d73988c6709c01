// SPDX-License-Identifier: Apache-2.0
// One run of the engine as a process: log, signals, progress, summary.
#pragma once

#include <functional>
#include <string>

#include "app/model_stage.hpp"
#include "app/progress.hpp"
#include "config/config.hpp"

namespace alluvium::app {

/// UTC, in milliseconds since 1970.
[[nodiscard]] std::int64_t utc_ms();
/// Sends the log to stderr in the configured form.
void set_up_log(const config::LogOptions& options);
/// Has SIGINT and SIGTERM wait for run_engine() instead of ending the process. Call before any
/// thread starts.
void hold_signals();
/// Runs until the end. The first SIGTERM or SIGINT drains, a second ends the process at once.
/// `at_once` is called before that. Returns the exit code.
[[nodiscard]] int run_engine(const config::Config& config, pipeline::Source& source, pipeline::Store& store,
                             ProgressMode progress, const std::string& store_name, ModelStage* models = nullptr,
                             const std::function<void()>& at_once = {});

}  // namespace alluvium::app
