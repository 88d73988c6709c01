// SPDX-License-Identifier: Apache-2.0
#include "app/scope_arguments.hpp"

#include <map>

#include <CLI/CLI.hpp>

#include "pipeline/timestamp.hpp"

namespace alluvium::app {

void add_time_options(CLI::App& command, std::optional<std::int64_t>& from_ms, std::optional<std::int64_t>& to_ms) {
  const auto add = [&command](const std::string& name, std::optional<std::int64_t>& slot, const std::string& what) {
    command
        .add_option_function<std::string>(
            name,
            [&slot, name](const std::string& text) {
              slot = pipeline::parse_timestamp(text);
              if (!slot) {
                throw CLI::ValidationError(name, "want a time such as 2026-01-31T08:00:00Z");
              }
            },
            what)
        ->type_name("TIME");
  };
  add("--from", from_ms, "Only messages of this time (ISO 8601) and later");
  add("--to", to_ms, "Only messages before this time");
}

CLI::Option* add_budget_option(CLI::App& command, std::optional<pipeline::Money>& budget, const std::string& what) {
  return command
      .add_option_function<std::string>(
          "--budget",
          [&budget](const std::string& text) {
            const auto money = pipeline::parse_money(text);
            if (!money) {
              throw CLI::ValidationError("--budget", money.error().detail);
            }
            budget = *money;
          },
          what)
      ->type_name("USD");
}

void add_progress_option(CLI::App& command, ProgressMode& mode) {
  const std::map<std::string, ProgressMode> modes{
      {"auto", ProgressMode::automatic}, {"always", ProgressMode::always}, {"never", ProgressMode::never}};
  command.add_option("--progress", mode, "auto, always or never")->transform(CLI::CheckedTransformer(modes));
}

}  // namespace alluvium::app
