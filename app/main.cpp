// SPDX-License-Identifier: Apache-2.0
// alluvium: registers the subcommands and turns how they end into an exit code.
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/output.hpp"

namespace {

constexpr auto add_all = {
    alluvium::app::add_run,        alluvium::app::add_extract,      alluvium::app::add_check,
    alluvium::app::add_config,     alluvium::app::add_preset,       alluvium::app::add_test,
    alluvium::app::add_memories,   alluvium::app::add_batches,      alluvium::app::add_dead_letters,
    alluvium::app::add_why,        alluvium::app::add_where,        alluvium::app::add_ledger,
    alluvium::app::add_cost,       alluvium::app::add_rates,        alluvium::app::add_efficiency,
    alluvium::app::add_batch_jobs, alluvium::app::add_batch_worker, alluvium::app::add_budget,
    alluvium::app::add_rebuild,    alluvium::app::add_backfill,     alluvium::app::add_analyze,
    alluvium::app::add_report,     alluvium::app::add_schema,       alluvium::app::add_stub_model,
    alluvium::app::add_version};

int run(int argc, char** argv) {
  CLI::App app{"Turns streams of chat messages into long-term memories, exactly once.", "alluvium"};
  app.set_version_flag("--version", std::string{ALLUVIUM_VERSION});
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 the work failed, 2 wrong usage or config.");
  int exit_code = alluvium::app::done;
  for (const auto add : add_all) {
    add(app, exit_code);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? alluvium::app::done : alluvium::app::wrong_usage;
  }
  return alluvium::app::finish_output(exit_code);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    alluvium::app::complain(error.what());
    return alluvium::app::work_failed;
  }
}
