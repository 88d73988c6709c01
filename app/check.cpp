// SPDX-License-Identifier: Apache-2.0
// alluvium check: is a config good?
#include <memory>
#include <string>
#include <variant>

#include "app/commands.hpp"
#include "app/config_input.hpp"
#include "app/output.hpp"

namespace alluvium::app {
namespace {

int check(const std::string& path) {
  const auto loaded = config::load(path, process_environment(), false);
  for (const auto& warning : loaded.warnings) {
    complain("warning: " + warning.text());
  }
  for (const auto& fault : loaded.faults) {
    print(fault.text() + "\n");
  }
  if (!loaded.faults.empty()) {
    return work_failed;
  }
  if (const auto* kafka = std::get_if<connectors::KafkaSourceOptions>(&loaded.config.source)) {
    // Only librdkafka knows its properties. Nothing is connected yet.
    if (const auto source = connectors::make_kafka_source(*kafka); !source) {
      print(path + ":1: source.kafka." + source.error().detail + "\n");
      return work_failed;
    }
  }
  const auto rules = loaded.config.rules.size();
  print(path + ": ok, " + std::to_string(rules) + (rules == 1 ? " rule\n" : " rules\n"));
  return done;
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("check", "Validates a config: exit 1 with FILE:LINE: key: reason per fault");
  auto path = std::make_shared<std::string>();
  command->add_option("-c,--config", *path, "The config")->required();
  command->callback([path, &exit_code] { exit_code = check(*path); });
}

}  // namespace alluvium::app
