// SPDX-License-Identifier: Apache-2.0
// alluvium schema: JSON Schemas of what goes in, what comes out, and the config.
#include "config/schema.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/output.hpp"
#include "pipeline/message_schema.hpp"

namespace alluvium::app {

void add_schema(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("schema", "Prints a JSON Schema: message, memory or config");
  auto what = std::make_shared<std::string>();
  command->add_option("what", *what, "message, memory or config")
      ->required()
      ->check(CLI::IsMember({"message", "memory", "config"}));
  command->callback([what, &exit_code] {
    const std::string schema{*what == "message"  ? std::string{pipeline::message_schema()}
                             : *what == "memory" ? std::string{pipeline::memory_schema()}
                                                 : std::string{config::config_schema()}};
    print(schema);
    if (!schema.ends_with('\n')) {
      print("\n");
    }
    exit_code = done;
  });
}

}  // namespace alluvium::app
