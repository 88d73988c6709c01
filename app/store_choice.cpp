// SPDX-License-Identifier: Apache-2.0
#include "app/store_choice.hpp"

#include <utility>

#include "app/config_input.hpp"

namespace alluvium::app {

void add_store_options(CLI::App& command, StoreChoice& choice) {
  auto* config = command.add_option("-c,--config", choice.config_path, "Read the store this config writes to");
  command.add_option("--store", choice.store_path, "The store's file")->capture_default_str()->excludes(config);
}

pipeline::Result<ChosenStore> chosen_store(const StoreChoice& choice) {
  if (choice.config_path.empty()) {
    return ChosenStore{.path = choice.store_path, .budget = {}};
  }
  auto loaded = config::load(choice.config_path, process_environment(), true);
  loaded.warnings.clear();  // They are about running the engine, as are the keys of endpoints.
  forgive_missing_keys(loaded);
  const auto good = usable(std::move(loaded));
  if (!good) {
    return pipeline::fail(pipeline::Errc::invalid_config, choice.config_path + " can't be used");
  }
  return ChosenStore{.path = good->config.sqlite.path, .budget = good->config.budget};
}

pipeline::Result<std::unique_ptr<connectors::SqliteReader>> open_store(const StoreChoice& choice) {
  const auto chosen = chosen_store(choice);
  if (!chosen) {
    return tl::unexpected{chosen.error()};
  }
  return connectors::SqliteReader::open(chosen->path);
}

}  // namespace alluvium::app
