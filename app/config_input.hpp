// SPDX-License-Identifier: Apache-2.0
// Reads a config for a command that needs a good one.
#pragma once

#include <optional>
#include <string>

#include "config/config.hpp"

namespace alluvium::app {

/// The environment of this process.
[[nodiscard]] config::Environment process_environment();
/// Prints what is wrong or worth a warning to stderr, "FILE:LINE: key: reason" each.
/// Nothing if there are faults: exit with wrong_usage then.
[[nodiscard]] std::optional<config::Loaded> usable(config::Loaded loaded);
/// Takes away the faults about keys of endpoints that are not set: for commands that call no model.
void forgive_missing_keys(config::Loaded& loaded);
/// load() with this process's environment, then usable().
[[nodiscard]] std::optional<config::Loaded> read_config(const std::string& path, bool lenient_rules);

}  // namespace alluvium::app
