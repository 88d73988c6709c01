// SPDX-License-Identifier: Apache-2.0
#include "app/cost_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "app/model_stage.hpp"
#include "app/output.hpp"
#include "connectors/sqlite_usage.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

using pipeline::CostForecast;
using pipeline::Money;
using pipeline::Tier;

/// Batches that must have been through the small tier before its share that goes on to premium says anything.
constexpr std::int64_t share_batches_min = 20;

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

}  // namespace

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

TierReport::TierReport(Tier tier, const CostForecast& forecast, const Outlook& outlook)
    : tier_{tier},
      sums_{forecast.tiers[static_cast<std::size_t>(tier)]},
      outlook_{outlook.tiers[static_cast<std::size_t>(tier)]},
      notes_{outlook.notes[static_cast<std::size_t>(tier)]},
      at_most_{sums_.follow_ups > 0 && !outlook.share_is_measured},
      share_is_measured_{sums_.follow_ups > 0 && outlook.share_is_measured},
      share_{outlook.premium_share} {}

std::string TierReport::json() const {
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

void TierReport::add_to(Table& table) const {
  table.add({std::string{name(tier_)} + (at_most_ ? ", at most" : ""), notes_.model, with_commas(sums_.requests),
             with_commas(sums_.messages), with_commas(sums_.prompt_tokens), with_commas(sums_.completion_tokens),
             dollars_or_unknown(cost(pipeline::CallMode::call)),
             sums_.cost && !job_cost() ? "none" : dollars_or_unknown(job_cost())});
}

std::string TierReport::notes() const {
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

std::optional<Money> TierReport::cost(pipeline::CallMode mode) const {
  if (!sums_.cost) {
    return std::nullopt;
  }
  return mode == pipeline::CallMode::batch ? sums_.cost->job : sums_.cost->call;
}

std::optional<Money> TierReport::job_cost() const {
  return outlook_.price && outlook_.price->batch_input ? cost(pipeline::CallMode::batch) : std::nullopt;
}

std::vector<TierReport> tier_reports(const CostForecast& forecast, const Outlook& outlook) {
  std::vector<TierReport> tiers;
  for (const auto which : {Tier::small, Tier::premium}) {
    if (const TierReport tier{which, forecast, outlook}; tier.is_on()) {
      tiers.push_back(tier);
    }
  }
  return tiers;
}

void print_tiers(const std::vector<TierReport>& tiers) {
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
  print(table.text(table_width(), stdout_is_terminal() && may_style()) + "\n" + notes);
}

bool any_at_most(const std::vector<TierReport>& tiers) {
  return std::ranges::any_of(tiers, &TierReport::at_most);
}

}  // namespace alluvium::app
