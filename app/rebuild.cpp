// SPDX-License-Identifier: Apache-2.0
// alluvium rebuild: makes memories anew from the stream with another config, beside the live ones; shows what would
// change and cost; puts them in their place. docs/rebuild.md has the whole story.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/config_input.hpp"
#include "app/engine_run.hpp"
#include "app/output.hpp"
#include "app/rebuild_run.hpp"
#include "app/scope_arguments.hpp"
#include "app/store_choice.hpp"
#include "app/table.hpp"
#include "connectors/sqlite_shadow.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

std::optional<std::string> live_store(const RebuildOptions& options) {
  if (!options.store_path.empty()) {
    return options.store_path;
  }
  const auto chosen = chosen_store({.config_path = options.config_path, .store_path = {}});
  return chosen ? std::optional{chosen->path} : std::nullopt;
}

int swap(const RebuildOptions& options, const std::string& live) {
  const auto swapped = connectors::swap_in_shadow(live, utc_ms());
  if (!swapped) {
    return report(swapped.error());
  }
  if (options.json) {
    pipeline::JsonText json;
    json.object().field("removed", swapped->removed).field("stored", swapped->stored);
    json.field("duplicates", swapped->duplicates).field("requests_cancelled", swapped->cancelled);
    print(json.field("messages_skipped", swapped->skipped).end().text() + "\n");
    return done;
  }
  print(with_commas(swapped->removed) + " memories taken out, " + with_commas(swapped->stored) + " put in" +
        (swapped->duplicates > 0 ? "; " + with_commas(swapped->duplicates) + " were known from outside of the scope"
                                 : "") +
        (swapped->cancelled > 0 ? "; " + with_commas(swapped->cancelled) + " requests cancelled, which " +
                                      with_commas(swapped->skipped) + " messages waited for"
                                : "") +
        "\n");
  return done;
}

int rebuild(const RebuildOptions& options) {
  if (options.swap || options.drop) {
    const auto live = live_store(options);
    if (!live) {
      return wrong_usage;
    }
    if (options.swap) {
      return swap(options, *live);
    }
    const auto dropped = connectors::drop_shadow(*live);
    return dropped ? done : report(dropped.error());
  }
  if (options.config_path.empty() || options.all == !options.agents.empty()) {
    complain("rebuild: want --config, and either --all or --agent");
    return wrong_usage;
  }
  auto loaded = config::load(options.config_path, process_environment(), true);
  if (!options.make) {
    forgive_missing_keys(loaded);
  }
  auto good = usable(std::move(loaded));
  if (!good) {
    return wrong_usage;
  }
  set_up_log(good->config.log);
  hold_signals();
  return make_rebuild(options, *good);
}

}  // namespace

void add_rebuild(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("rebuild", "Makes memories anew from the stream with another config, in shadow");
  const auto options = std::make_shared<RebuildOptions>();
  command->add_option("-c,--config", options->config_path, "The config to make them with");
  command->add_option("--store", options->store_path, "The store they are in, if it is not the config's");
  auto* agents = command->add_option("--agent", options->agents, "Only this agent's; may be given again");
  command->add_flag("--all", options->all, "Every agent's")->excludes(agents);
  add_time_options(*command, options->from_ms, options->to_ms);
  auto* make =
      command->add_flag("--make", options->make, "Ask the models as well; the same command goes on after a crash");
  add_budget_option(*command, options->budget, "--make: the most that all calls for it may cost, in USD")->needs(make);
  auto* swap =
      command->add_flag("--swap", options->swap, "Put what was made in the place of the live memories")->excludes(make);
  command->add_flag("--drop", options->drop, "Remove what was made")->excludes(make)->excludes(swap);
  command->add_flag("--json", options->json, "One JSON object per memory that differs, per tier, and in total");
  add_progress_option(*command, options->progress);
  command->callback([options, &exit_code] { exit_code = rebuild(*options); });
}

}  // namespace alluvium::app
