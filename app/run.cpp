// SPDX-License-Identifier: Apache-2.0
// alluvium run: the engine, from the configured source to the configured store.
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/config_input.hpp"
#include "app/dry_run.hpp"
#include "app/engine_run.hpp"
#include "app/output.hpp"
#include "connectors/memory_gauge.hpp"

namespace alluvium::app {
namespace {

struct RunOptions {
  std::string config_path;
  bool until_end = false;
  bool reset_ledger = false;
  bool dry = false;
  bool json = false;
  ProgressMode progress = ProgressMode::automatic;
};

pipeline::Result<std::unique_ptr<pipeline::Source>> make_source(const config::Config& config, bool until_end) {
  return std::visit(
      [until_end](auto options) -> pipeline::Result<std::unique_ptr<pipeline::Source>> {
        if constexpr (std::is_same_v<decltype(options), connectors::FileSourceOptions>) {
          options.until_end = until_end;
          return connectors::make_file_source(options);
        } else {
          return connectors::make_kafka_source(options);
        }
      },
      config.source);
}

int run_dry(const RunOptions& options) {
  auto loaded = config::load(options.config_path, process_environment(), true);
  forgive_missing_keys(loaded);
  auto good = usable(std::move(loaded));
  if (!good) {
    return wrong_usage;
  }
  set_up_log(good->config.log);
  hold_signals();
  return dry_run(
      std::move(good->config), [](const config::Config& config) { return make_source(config, true); }, options.progress,
      options.json);
}

/// A control group may allow less than the config does, and the kernel does not ask twice.
pipeline::Result<void> fit_control_group(config::Config& config) {
  const auto gauge = connectors::MemoryGauge::make({.cgroup = config.memory_cgroup});
  if (!gauge) {
    return tl::unexpected{gauge.error()};
  }
  constexpr std::size_t limit_min = std::size_t{64} << 20;
  const auto limit = static_cast<std::size_t>(gauge->read().group_limit);
  if (limit > 0 && limit < config.memory_limit_bytes) {
    config::share_out_memory(config, std::max(limit, limit_min), false);
  }
  return {};
}

int run(const RunOptions& options) {
  auto loaded = read_config(options.config_path, true);
  if (!loaded) {
    return wrong_usage;
  }
  auto& config = loaded->config;
  if (auto fitted = fit_control_group(config); !fitted) {
    return report(fitted.error());
  }
  set_up_log(config.log);
  hold_signals();
  config.engine.until_end = options.until_end;
  config.engine.reset_ledger = options.reset_ledger;
  if (const auto* kafka = std::get_if<connectors::KafkaSourceOptions>(&config.source)) {
    config.engine.start_at_end = kafka->start_at_end;
  }
  auto store = connectors::open_sqlite_store(config.sqlite, utc_ms);
  if (!store) {
    return report(store.error());
  }
  auto models = make_model_stage(config);
  if (!models) {
    return report(models.error());
  }
  auto source = make_source(config, options.until_end);
  if (!source) {
    return report(source.error());
  }
  return run_engine(config, **source, **store, options.progress, config.sqlite.path, models->get());
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("run", "Run the engine: messages in, memories into the store");
  const auto options = std::make_shared<RunOptions>();
  command->add_option("-c,--config", options->config_path, "Config file")->required();
  command->add_flag("--until-end", options->until_end,
                    "Stop when every partition's end, as of now, is reached and everything is committed");
  auto* reset =
      command->add_flag("--reset-ledger", options->reset_ledger,
                        "Forget which offsets are done (the topic was re-created, the file replaced); memories stay");
  auto* dry = command->add_flag("--dry-run", options->dry,
                                "Read all there is without calling a model or keeping anything: what would it cost?");
  dry->excludes(reset);
  command->add_flag("--json", options->json, "--dry-run: one JSON object per tier and agent")->needs(dry);
  const std::map<std::string, ProgressMode> modes{
      {"auto", ProgressMode::automatic}, {"always", ProgressMode::always}, {"never", ProgressMode::never}};
  command->add_option("--progress", options->progress, "auto, always or never")
      ->transform(CLI::CheckedTransformer(modes));
  command->callback([options, &exit_code] { exit_code = options->dry ? run_dry(*options) : run(*options); });
}

}  // namespace alluvium::app
