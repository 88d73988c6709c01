// SPDX-License-Identifier: Apache-2.0
// The subcommands: one function each, defined in the file of the same name.
#pragma once

#include <CLI/App.hpp>

namespace alluvium::app {

// What the process ends with.
inline constexpr int done = 0;
inline constexpr int work_failed = 1;
inline constexpr int wrong_usage = 2;

// Each adds its subcommand to `app`. If it is the one chosen, it does its work while CLI11 parses
// and leaves how it ended in `exit_code`. Results go to stdout, everything else to stderr
// (output.hpp). SIGPIPE keeps its default action, so `| head` ends a command quietly; a command
// that holds sockets (run) ignores it for itself.
void add_run(CLI::App& app, int& exit_code);
void add_extract(CLI::App& app, int& exit_code);
void add_check(CLI::App& app, int& exit_code);
void add_config(CLI::App& app, int& exit_code);
void add_preset(CLI::App& app, int& exit_code);
void add_test(CLI::App& app, int& exit_code);
void add_memories(CLI::App& app, int& exit_code);
void add_batches(CLI::App& app, int& exit_code);
void add_dead_letters(CLI::App& app, int& exit_code);
void add_why(CLI::App& app, int& exit_code);
void add_where(CLI::App& app, int& exit_code);
void add_ledger(CLI::App& app, int& exit_code);
void add_cost(CLI::App& app, int& exit_code);
void add_rates(CLI::App& app, int& exit_code);
void add_efficiency(CLI::App& app, int& exit_code);
void add_batch_jobs(CLI::App& app, int& exit_code);
void add_batch_worker(CLI::App& app, int& exit_code);
void add_budget(CLI::App& app, int& exit_code);
void add_rebuild(CLI::App& app, int& exit_code);
void add_backfill(CLI::App& app, int& exit_code);
void add_analyze(CLI::App& app, int& exit_code);
void add_report(CLI::App& app, int& exit_code);
void add_schema(CLI::App& app, int& exit_code);
void add_stub_model(CLI::App& app, int& exit_code);
void add_version(CLI::App& app, int& exit_code);

}  // namespace alluvium::app
