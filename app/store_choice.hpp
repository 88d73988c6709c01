// SPDX-License-Identifier: Apache-2.0
// Which store a command reads: the one of a config, or a file.
#pragma once

#include <memory>
#include <string>

#include <CLI/App.hpp>

#include "connectors/sqlite_reader.hpp"
#include "pipeline/budget.hpp"

namespace alluvium::app {

struct StoreChoice {
  std::string config_path;
  std::string store_path = "alluvium.db";
};

/// Adds -c/--config and --store to `command`; `choice` must live as long as it.
void add_store_options(CLI::App& command, StoreChoice& choice);
/// The chosen file, and the limits on spending that its config sets. `invalid_config` if the config can't be used.
struct ChosenStore {
  std::string path;
  pipeline::BudgetOptions budget;
};
[[nodiscard]] pipeline::Result<ChosenStore> chosen_store(const StoreChoice& choice);
[[nodiscard]] pipeline::Result<std::unique_ptr<connectors::SqliteReader>> open_store(const StoreChoice& choice);

}  // namespace alluvium::app
