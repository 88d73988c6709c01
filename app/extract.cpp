// SPDX-License-Identifier: Apache-2.0
// alluvium extract: messages in, memories out, line by line: no broker, no database.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/config_input.hpp"
#include "app/engine_run.hpp"
#include "app/output.hpp"
#include "app/records.hpp"
#include "connectors/stream_store.hpp"

namespace alluvium::app {
namespace {

struct ExtractOptions {
  std::string config_path;
  std::string preset = "customer-support";
  std::string input = "-";
  std::string output = "-";
};

std::optional<config::Loaded> read_options(const ExtractOptions& options) {
  if (!options.config_path.empty()) {
    return read_config(options.config_path, true);
  }
  auto loaded = config::parse("preset: " + options.preset + "\nsource: {file: {path: '-'}}\n", "--preset",
                              process_environment(), true);
  loaded.warnings.clear();  // What a preset would have besides rules is of no interest here.
  return usable(std::move(loaded));
}

int extract(const ExtractOptions& options) {
  auto loaded = read_options(options);
  if (!loaded) {
    return wrong_usage;
  }
  set_up_log(loaded->config.log);
  hold_signals();
  loaded->config.engine.until_end = true;
  if (std::exchange(loaded->config.engine.extraction.for_models, false)) {
    complain("extract runs rules only; `alluvium run` asks the models");
  }
  auto source = connectors::make_file_source({.path = options.input, .until_end = true});
  if (!source) {
    return report(source.error());
  }
  std::FILE* out = options.output == "-" ? stdout : std::fopen(options.output.c_str(), "wb");
  if (out == nullptr) {
    return report({pipeline::Errc::invalid_config, options.output + ": can't be written"});
  }
  const auto store = connectors::make_stream_store(
      [out](const connectors::MemoryRow& memory) {
        const auto line = memory_json(memory) + '\n';
        return std::fwrite(line.data(), 1, line.size(), out) == line.size() && std::fflush(out) == 0;
      },
      [](const connectors::DeadLetterRow& row) {
        complain("line " + std::to_string(row.letter.position.offset) + ": " + std::string{name(row.letter.reason)} +
                 ": " + row.letter.detail);
      },
      utc_ms);
  const auto exit_code = run_engine(loaded->config, **source, *store, ProgressMode::automatic, "");
  if (out != stdout && std::fclose(out) != 0) {
    return report({pipeline::Errc::unavailable, options.output + ": can't be written"});
  }
  return exit_code;
}

}  // namespace

void add_extract(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("extract", "Messages on stdin to memories on stdout: no broker, no database");
  const auto options = std::make_shared<ExtractOptions>();
  auto* config =
      command->add_option("-c,--config", options->config_path, "Config file; its source and sink are not used");
  command->add_option("--preset", options->preset, "Without a config: which preset's rules")
      ->capture_default_str()
      ->excludes(config);
  command->add_option("-i,--input", options->input, "NDJSON file, - for stdin")->capture_default_str();
  command->add_option("-o,--output", options->output, "NDJSON file, - for stdout")->capture_default_str();
  command->callback([options, &exit_code] { exit_code = extract(*options); });
}

}  // namespace alluvium::app
