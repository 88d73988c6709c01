// SPDX-License-Identifier: Apache-2.0
#include "app/dry_run.hpp"

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "app/commands.hpp"
#include "app/cost_report.hpp"
#include "app/engine_run.hpp"
#include "app/model_stage.hpp"
#include "app/output.hpp"
#include "app/table.hpp"
#include "app/unanswered_store.hpp"
#include "connectors/sqlite_usage.hpp"
#include "pipeline/cost_forecast.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

using pipeline::CostForecast;

/// Agents shown to a person; --json shows all.
constexpr std::size_t agents_shown = 20;

/// A folder for the store of the dry run, gone with this object.
class ScratchFolder {
 public:
  [[nodiscard]] bool make() {
    std::error_code error;
    auto name = (std::filesystem::temp_directory_path(error) / "alluvium-dry-run-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) {
      return false;
    }
    path_ = name;
    return true;
  }
  ScratchFolder() = default;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ScratchFolder(ScratchFolder&&) = delete;
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    remove();
  }
  void remove() const {
    std::error_code error;
    if (!path_.empty()) {
      std::filesystem::remove_all(path_, error);
    }
  }
  [[nodiscard]] std::string store() const {
    return (path_ / "dry-run.db").string();
  }

 private:
  std::filesystem::path path_;
};

void print_json(const std::vector<TierReport>& tiers, const CostForecast& forecast,
                const connectors::StoreShape& shape) {
  for (const auto& tier : tiers) {
    print(tier.json() + "\n");
  }
  pipeline::JsonText total;
  total.object().field("row", "total").field("messages", shape.messages).field("batches", shape.batches);
  total.field("batches_selected", shape.selected).field("batches_skipped", shape.skipped);
  total.field("requests", forecast.requests).field("agents", forecast.agents.size());
  total.field("at_most", any_at_most(tiers));
  total.key("cost_usd").raw(number_or_null(forecast.total));
  print(total.end().text() + "\n");
  for (const auto& agent : forecast.agents) {
    pipeline::JsonText json;
    json.object().field("row", "agent").field("agent_id", agent.agent_id).field("requests", agent.requests);
    print(json.key("cost_usd").raw(number_or_null(agent.cost)).end().text() + "\n");
  }
}

void print_text(const std::vector<TierReport>& tiers, const CostForecast& forecast,
                const connectors::StoreShape& shape) {
  const auto style = stdout_is_terminal() && may_style();
  print_tiers(tiers);
  print(std::string{any_at_most(tiers) ? "total: at most " : "total: "} + dollars_or_unknown(forecast.total) +
        ", each tier in its own mode, for " + with_commas(shape.messages) + " messages in " +
        with_commas(shape.batches) + " batches, " + with_commas(shape.selected) +
        " of them selected. No call was made.\n");
  if (forecast.agents.empty()) {
    return;
  }
  Table agents{{{.title = "AGENT", .gives_way = true},
                {.title = "REQUESTS", .align = Align::right},
                {.title = "COST", .align = Align::right}}};
  for (std::size_t i = 0; i < forecast.agents.size() && i < agents_shown; ++i) {
    const auto& agent = forecast.agents[i];
    agents.add({agent.agent_id, with_commas(agent.requests), dollars_or_unknown(agent.cost)});
  }
  print("\n" + agents.text(table_width(), style));
  if (const auto more = forecast.agents.size(); more > agents_shown) {
    print("and " + with_commas(static_cast<std::int64_t>(more - agents_shown)) + " agents more: --json has all\n");
  }
}

/// Reads the requests that the run left in its store.
int tell(const config::Config& config, const Outlook& outlook, bool json) {
  const auto made = connectors::SqliteUsage::open(config.sqlite.path);
  if (!made) {
    return report(made.error());
  }
  const auto shape = (*made)->shape();
  if (!shape) {
    return report(shape.error());
  }
  pipeline::CostForecaster forecaster{config.sqlite.models.tiers, outlook.tiers, outlook.premium_share};
  const auto read = (*made)->requests(
      [&](const pipeline::StoredRequest& stored) { forecaster.add(stored.agent_id, stored.request); });
  if (!read) {
    return report(read.error());
  }
  const auto forecast = forecaster.finish();
  const auto tiers = tier_reports(forecast, outlook);
  (json ? print_json : print_text)(tiers, forecast, *shape);
  return done;
}

/// The config's source as another consumer group sees it, from the start, once.
void leave_alone(config::Config& config) {
  if (auto* kafka = std::get_if<connectors::KafkaSourceOptions>(&config.source)) {
    for (const auto* name : {"group.id", "group.instance.id"}) {
      if (const auto own = kafka->properties.find(name); own != kafka->properties.end()) {
        kafka->group = own->first == "group.id" ? own->second : kafka->group;
        kafka->properties.erase(own);
      }
    }
    kafka->group += "-dry-run";
    kafka->instance_id.clear();
    kafka->start_at_end = false;
  }
  config.engine.until_end = true;
  config.engine.start_at_end = false;
  config.sqlite.models.backlog_requests_max = std::numeric_limits<std::int64_t>::max();
  config.sqlite.models.backlog_bytes_max = std::numeric_limits<std::int64_t>::max();
}

}  // namespace

int dry_run(config::Config config, const MakeSource& make_source, ProgressMode progress, bool json) {
  if (!config.sqlite.models.tiers.any()) {
    complain("no tier is on, so no model would be asked: enable tiers.small or tiers.premium, with its endpoint");
    return wrong_usage;
  }
  const auto outlook = outlook_of(config);  // Before the store's path is another.
  if (!outlook) {
    return report(outlook.error());
  }
  ScratchFolder folder;
  if (!folder.make()) {
    complain("dry run: can't make a folder for temporary files");
    return work_failed;
  }
  config.sqlite.path = folder.store();
  leave_alone(config);
  auto source = make_source(config);
  if (!source) {
    return report(source.error());
  }
  {
    const auto store = connectors::open_sqlite_store(config.sqlite, utc_ms);
    if (!store) {
      return report(store.error());
    }
    UnansweredStore unanswered{**store};
    const auto ended = run_engine(config, **source, unanswered, progress, "", nullptr, [&folder] { folder.remove(); });
    if (ended != done) {
      return ended;
    }
  }
  return tell(config, *outlook, json);
}

}  // namespace alluvium::app
