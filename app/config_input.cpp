// SPDX-License-Identifier: Apache-2.0
#include "app/config_input.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include "app/output.hpp"

namespace alluvium::app {

config::Environment process_environment() {
  config::Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view pair = *entry;
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos) {
      environment.emplace(pair.substr(0, equals), pair.substr(equals + 1));
    }
  }
  return environment;
}

std::optional<config::Loaded> usable(config::Loaded loaded) {
  for (const auto& warning : loaded.warnings) {
    complain("warning: " + warning.text());
  }
  for (const auto& fault : loaded.faults) {
    complain(fault.text());
  }
  if (!loaded.faults.empty()) {
    return std::nullopt;
  }
  return loaded;
}

void forgive_missing_keys(config::Loaded& loaded) {
  std::erase_if(loaded.faults, [](const config::Fault& fault) {
    return fault.key.starts_with("endpoints.") && fault.key.ends_with(".api_key");
  });
}

std::optional<config::Loaded> read_config(const std::string& path, bool lenient_rules) {
  return usable(config::load(path, process_environment(), lenient_rules));
}

}  // namespace alluvium::app
