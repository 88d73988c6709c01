// SPDX-License-Identifier: Apache-2.0
// What asking the model tiers would cost, as people and scripts read it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "app/table.hpp"
#include "config/config.hpp"
#include "pipeline/cost_forecast.hpp"

namespace alluvium::app {

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

/// Reads config's store, if there is one.
[[nodiscard]] pipeline::Result<Outlook> outlook_of(const config::Config& config);

/// What one tier comes to, and where its figures are from.
class TierReport {
 public:
  /// Both must outlive it.
  TierReport(pipeline::Tier tier, const pipeline::CostForecast& forecast, const Outlook& outlook);

  [[nodiscard]] bool is_on() const {
    return !notes_.endpoint.empty();
  }

  [[nodiscard]] bool at_most() const {
    return at_most_;
  }

  [[nodiscard]] std::string json() const;

  void add_to(Table& table) const;

  [[nodiscard]] std::string notes() const;

 private:
  [[nodiscard]] std::optional<pipeline::Money> cost(pipeline::CallMode mode) const;
  /// Nothing if its provider has no price for batch jobs.
  [[nodiscard]] std::optional<pipeline::Money> job_cost() const;

  pipeline::Tier tier_;
  const pipeline::TierForecast& sums_;
  const pipeline::TierOutlook& outlook_;
  const TierNotes& notes_;
  bool at_most_, share_is_measured_;
  double share_;
};

/// Of the tiers that are on. They refer to what is given.
[[nodiscard]] std::vector<TierReport> tier_reports(const pipeline::CostForecast& forecast, const Outlook& outlook);
[[nodiscard]] bool any_at_most(const std::vector<TierReport>& tiers);
/// A table, and under it where its figures are from.
void print_tiers(const std::vector<TierReport>& tiers);

[[nodiscard]] std::string dollars_or_unknown(const std::optional<pipeline::Money>& money);
/// For JSON.
[[nodiscard]] std::string number_or_null(const std::optional<pipeline::Money>& money);

}  // namespace alluvium::app
