// SPDX-License-Identifier: Apache-2.0
// Makes of a config what the engine needs to ask models: the endpoints, the prices, the requests in the store.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "actors/caller_options.hpp"
#include "actors/courier_options.hpp"
#include "config/config.hpp"
#include "connectors/sqlite_books.hpp"
#include "pipeline/model_ports.hpp"
#include "pipeline/prices.hpp"

namespace alluvium::app {

/// The endpoints that enabled tiers use, and what the caller is told of them. Outlives the engine.
struct ModelStage {
  std::map<std::string, std::unique_ptr<pipeline::Model>> models;  ///< By endpoint.
  std::unique_ptr<pipeline::RequestStore> requests;
  actors::CallerOptions caller;
  // For batch jobs, if this process sees to them.
  std::map<std::string, std::unique_ptr<pipeline::BatchApi>> batch_apis;  ///< By endpoint.
  std::unique_ptr<pipeline::RequestStore> job_requests;  ///< A connection of its own: the courier has its own thread.
  std::unique_ptr<pipeline::JobStore> jobs;
  std::optional<actors::CourierOptions> courier;
};

/// The price list of the config, or the one that ships.
[[nodiscard]] pipeline::Result<pipeline::PriceList> read_prices(const std::string& file);
/// What the endpoint's model costs: the config's own prices, else the list's. Nothing: unknown.
[[nodiscard]] std::optional<pipeline::ModelPrice> price_of(const config::EndpointConfig& endpoint,
                                                           const pipeline::PriceList& list);

/// What the caller is told of the tiers, without their models.
[[nodiscard]] actors::CallerOptions caller_options(const config::Config& config, const pipeline::PriceList& prices);

/// Has this process see to batch jobs: of tiers in mode batch, of those whose endpoint takes jobs, and of those that
/// the store holds requests or jobs for from before. Leaves `courier` empty if there is no such tier.
[[nodiscard]] pipeline::Result<void> add_courier(const config::Config& config, ModelStage& stage,
                                                 const connectors::Books& books = {});

/// Null if no tier is on. With a courier, unless the config leaves batch jobs to a worker. The store's file must be
/// there already.
/// `books`: whose money and answers are used, if not the store's own.
[[nodiscard]] pipeline::Result<std::unique_ptr<ModelStage>> make_model_stage(const config::Config& config,
                                                                             const connectors::Books& books = {});

}  // namespace alluvium::app
