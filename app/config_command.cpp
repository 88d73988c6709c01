// SPDX-License-Identifier: Apache-2.0
// alluvium config: the effective config, or the annotated default.
#include <memory>
#include <string>

#include "app/commands.hpp"
#include "app/config_input.hpp"
#include "app/output.hpp"

namespace alluvium::app {
namespace {

struct Options {
  std::string path;
  bool annotated_default = false;
};

int show_config(const Options& options) {
  if (options.annotated_default) {
    print(config::annotated_default());
    return done;
  }
  const auto loaded = read_config(options.path, true);
  if (!loaded) {
    return wrong_usage;
  }
  print(config::print(*loaded));
  return done;
}

}  // namespace

void add_config(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("config", "Prints the effective config, secrets redacted");
  auto options = std::make_shared<Options>();
  auto* which = command->add_option_group("which");
  which->add_option("-c,--config", options->path, "The config");
  which->add_flag("--default", options->annotated_default, "Every key with its default, annotated");
  which->require_option(1);
  command->callback([options, &exit_code] { exit_code = show_config(*options); });
}

}  // namespace alluvium::app
