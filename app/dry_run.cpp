// SPDX-License-Identifier: Apache-2.0
#include "app/dry_run.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "app/commands.hpp"
#include "app/engine_run.hpp"
#include "app/model_stage.hpp"
#include "app/output.hpp"
#include "app/table.hpp"
#include "connectors/sqlite_usage.hpp"
#include "pipeline/cost_forecast.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

using pipeline::CostForecast;
using pipeline::Money;
using pipeline::Tier;

/// Agents shown to a person; --json shows all.
constexpr std::size_t agents_shown = 20;
/// Batches that must have been through the small tier before its share that goes on to premium says anything.
constexpr std::int64_t share_batches_min = 20;

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

/// A store whose requests nobody works off: the engine need not wait for them.
class UnansweredStore final : public pipeline::Store {
 public:
  explicit UnansweredStore(pipeline::Store& store) : store_{store} {}
  pipeline::Result<pipeline::Claim> claim(const pipeline::ClaimRequest& request) override {
    return store_.claim(request);
  }
  pipeline::Result<pipeline::CommitResult> commit(std::span<const pipeline::PartitionCommit> commits) override {
    return store_.commit(commits);
  }
  pipeline::Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> watermarks() override {
    return store_.watermarks();
  }

 private:
  pipeline::Store& store_;
};

/// What is said of a tier beside its figures.
struct TierNotes {
  std::string endpoint, model;
  bool measured_tokens = false;  ///< Of answers, by the config's store.
};

/// How the tiers would be asked, as far as config, price list and the config's store tell.
struct Outlook {
  std::array<pipeline::TierOutlook, pipeline::tier_count> tiers;
  std::array<TierNotes, pipeline::tier_count> notes;
  double premium_share = 1;
  bool share_is_measured = false;
};

/// What the config's store knows; nothing if there is none, or it can't be read.
std::unique_ptr<connectors::SqliteUsage> known_usage(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return nullptr;
  }
  auto usage = connectors::SqliteUsage::open(path);
  if (!usage) {
    complain("nothing is known of earlier calls: " + usage.error().detail);
    return nullptr;
  }
  return std::move(*usage);
}

pipeline::Result<Outlook> outlook_of(const config::Config& config) {
  const auto prices = read_prices(config.prices_file);
  if (!prices) {
    return tl::unexpected{prices.error()};
  }
  const auto known = known_usage(config.sqlite.path);
  Outlook outlook;
  for (const auto which : {Tier::small, Tier::premium}) {
    const auto& tier = which == Tier::small ? config.small : config.premium;
    const auto found = config.endpoints.find(tier.endpoint);
    if (!tier.enabled || found == config.endpoints.end()) {
      continue;
    }
    const auto& model = found->second.model.model;
    auto& out = outlook.tiers[static_cast<std::size_t>(which)];
    auto& notes = outlook.notes[static_cast<std::size_t>(which)];
    notes.endpoint = tier.endpoint;
    notes.model = model;
    out.instructions = tier.instructions;
    out.price = price_of(found->second, *prices);
    out.mode = tier.mode;
    out.completion_tokens = (std::int64_t{tier.max_tokens} + 1) / 2;
    if (known == nullptr) {
      continue;
    }
    if (const auto calibration = known->calibration(model)) {
      out.calibration = *calibration;
    }
    if (const auto mean = known->completion_tokens(which, model); mean && *mean) {
      out.completion_tokens = std::llround(**mean);
      notes.measured_tokens = true;
    }
  }
  if (known != nullptr && config.premium.enabled) {
    const auto share = known->premium_share(config.premium.min_messages);
    if (share && share->small >= share_batches_min) {
      outlook.premium_share = static_cast<double>(share->premium) / static_cast<double>(share->small);
      outlook.share_is_measured = true;
    }
  }
  return outlook;
}

std::string dollars_or_unknown(const std::optional<Money>& money) {
  return money ? dollars_text(*money) : "unknown";
}

std::string number_or_null(const std::optional<Money>& money) {
  return money ? dollars_number(*money) : "null";
}

/// What one tier comes to, and where its figures are from.
class TierReport {
 public:
  TierReport(Tier tier, const CostForecast& forecast, const Outlook& outlook)
      : tier_{tier},
        sums_{forecast.tiers[static_cast<std::size_t>(tier)]},
        outlook_{outlook.tiers[static_cast<std::size_t>(tier)]},
        notes_{outlook.notes[static_cast<std::size_t>(tier)]},
        at_most_{sums_.follow_ups > 0 && !outlook.share_is_measured},
        share_is_measured_{sums_.follow_ups > 0 && outlook.share_is_measured},
        share_{outlook.premium_share} {}

  [[nodiscard]] bool is_on() const {
    return !notes_.endpoint.empty();
  }

  [[nodiscard]] bool at_most() const {
    return at_most_;
  }

  [[nodiscard]] std::string json() const {
    pipeline::JsonText json;
    json.object().field("row", "tier").field("tier", name(tier_)).field("endpoint", notes_.endpoint);
    json.field("model", notes_.model).field("mode", name(outlook_.mode)).field("requests", sums_.requests);
    json.field("messages", sums_.messages).field("prompt_tokens", sums_.prompt_tokens);
    json.field("completion_tokens", sums_.completion_tokens).field("at_most", at_most_);
    json.field("bytes_per_token", outlook_.calibration.bytes_per_token);
    json.field("bytes_per_token_from", outlook_.calibration.samples > 0 ? "measured" : "assumed");
    json.field("completion_tokens_from", notes_.measured_tokens ? "measured" : "half of max_tokens");
    json.key("cost_usd").raw(number_or_null(cost(outlook_.mode)));
    json.key("call_cost_usd").raw(number_or_null(cost(pipeline::CallMode::call)));
    json.key("batch_job_cost_usd").raw(number_or_null(job_cost()));
    return json.end().text();
  }

  void add_to(Table& table) const {
    table.add({std::string{name(tier_)} + (at_most_ ? ", at most" : ""), notes_.model, with_commas(sums_.requests),
               with_commas(sums_.messages), with_commas(sums_.prompt_tokens), with_commas(sums_.completion_tokens),
               dollars_or_unknown(cost(pipeline::CallMode::call)),
               sums_.cost && !job_cost() ? "none" : dollars_or_unknown(job_cost())});
  }

  [[nodiscard]] std::string notes() const {
    std::array<char, 160> bytes{};
    std::snprintf(bytes.data(), bytes.size(), "%.2f", outlook_.calibration.bytes_per_token);
    const auto completion = with_commas(outlook_.completion_tokens);
    auto text = std::string{name(tier_)} + ": " + bytes.data() + " bytes a token, " +
                (outlook_.calibration.samples > 0 ? "as measured" : "assumed") + "; " + completion +
                " tokens an answer, " + (notes_.measured_tokens ? "as measured" : "half of max_tokens");
    if (at_most_) {
      text += "; at most: as if the small model left every batch to it";
    } else if (share_is_measured_) {
      std::snprintf(bytes.data(), bytes.size(), "; %.1f %% of the small model's batches go on to it, as measured",
                    share_ * 100);
      text += bytes.data();
    }
    return text + "\n";
  }

 private:
  [[nodiscard]] std::optional<Money> cost(pipeline::CallMode mode) const {
    if (!sums_.cost) {
      return std::nullopt;
    }
    return mode == pipeline::CallMode::batch ? sums_.cost->job : sums_.cost->call;
  }
  /// Nothing if its provider has no price for batch jobs.
  [[nodiscard]] std::optional<Money> job_cost() const {
    return outlook_.price && outlook_.price->batch_input ? cost(pipeline::CallMode::batch) : std::nullopt;
  }

  Tier tier_;
  const pipeline::TierForecast& sums_;
  const pipeline::TierOutlook& outlook_;
  const TierNotes& notes_;
  bool at_most_, share_is_measured_;
  double share_;
};

bool any_at_most(const std::vector<TierReport>& tiers) {
  return std::ranges::any_of(tiers, &TierReport::at_most);
}

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
  Table table{{{.title = "TIER"},
               {.title = "MODEL", .gives_way = true},
               {.title = "REQUESTS", .align = Align::right},
               {.title = "MESSAGES", .align = Align::right},
               {.title = "PROMPT", .align = Align::right},
               {.title = "COMPLETION", .align = Align::right},
               {.title = "BY CALLS", .align = Align::right},
               {.title = "BY BATCH JOBS", .align = Align::right}}};
  std::string notes;
  for (const auto& tier : tiers) {
    tier.add_to(table);
    notes += tier.notes();
  }
  print(table.text(table_width(), style) + "\n" + notes);
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
  std::vector<TierReport> tiers;
  for (const auto which : {Tier::small, Tier::premium}) {
    if (const TierReport tier{which, forecast, outlook}; tier.is_on()) {
      tiers.push_back(tier);
    }
  }
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
