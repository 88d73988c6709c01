// SPDX-License-Identifier: Apache-2.0
#include "app/model_stage.hpp"

#include "app/engine_run.hpp"
#include "config/expand.hpp"
#include "connectors/sqlite_jobs.hpp"
#include "connectors/sqlite_requests.hpp"

namespace alluvium::app {
namespace {

using pipeline::Tier;

constexpr std::int64_t tokens_per_price = 1'000'000;

pipeline::Money per_token(const std::string& per_million) {
  const auto money = pipeline::parse_money(per_million);  // Checked when the config was read.
  return money ? pipeline::Money{money->pico / tokens_per_price} : pipeline::Money{};
}

}  // namespace

pipeline::Result<pipeline::PriceList> read_prices(const std::string& file) {
  if (file.empty()) {
    return pipeline::PriceList::shipped();
  }
  const auto text = config::read_file(file, pipeline::price_file_bytes_max);
  if (!text) {
    return pipeline::fail(pipeline::Errc::invalid_config, file + ": " + text.error().detail);
  }
  auto list = pipeline::PriceList::parse(*text);
  if (!list) {
    return pipeline::fail(pipeline::Errc::invalid_config, file + ": " + list.error().detail);
  }
  return list;
}

std::optional<pipeline::ModelPrice> price_of(const config::EndpointConfig& endpoint, const pipeline::PriceList& list) {
  if (!endpoint.input_price.empty()) {
    pipeline::ModelPrice price;
    price.input = per_token(endpoint.input_price);
    price.output = per_token(endpoint.output_price);
    price.batch_input = pipeline::Money{price.input.pico / 2};
    price.batch_output = pipeline::Money{price.output.pico / 2};
    price.batch_is_assumed = true;
    return price;
  }
  const auto* found = list.find(endpoint.model.model);
  return found == nullptr ? std::nullopt : std::optional{*found};
}

actors::CallerOptions caller_options(const config::Config& config, const pipeline::PriceList& prices) {
  actors::CallerOptions options;
  options.policies = config.sqlite.models.tiers;
  options.retry = config.retry;
  for (const auto which : {Tier::small, Tier::premium}) {
    const auto& tier = which == Tier::small ? config.small : config.premium;
    const auto found = config.endpoints.find(tier.endpoint);
    if (!tier.enabled || found == config.endpoints.end()) {
      continue;
    }
    auto& out = options.tiers[static_cast<std::size_t>(which)];
    out.endpoint = tier.endpoint;
    out.voice = {.max_tokens = tier.max_tokens, .temperature = tier.temperature, .instructions = tier.instructions};
    out.price = price_of(found->second, prices);
    out.gate.concurrent_max = found->second.model.concurrent_max;
    out.batch_jobs = found->second.batch_jobs;
    out.timeout = found->second.model.http.total_timeout;
  }
  return options;
}

pipeline::Result<void> add_courier(const config::Config& config, ModelStage& stage, const connectors::Books& books) {
  auto jobs = connectors::open_sqlite_jobs(config.sqlite, config.budget, utc_ms, books);
  if (!jobs) {
    return tl::unexpected{jobs.error()};
  }
  actors::CourierOptions courier;
  courier.models = stage.caller;
  courier.requests_max = config.batch_jobs.requests_max;
  courier.submit_every = config.batch_jobs.submit_every;
  courier.poll_every = config.batch_jobs.poll_every;
  bool any = false;
  for (const auto which : {Tier::small, Tier::premium}) {
    const auto& endpoint = stage.caller.of(which).endpoint;
    if (endpoint.empty()) {
      continue;
    }
    const auto left = (*jobs)->counts({endpoint}, {which});
    if (!left) {
      return tl::unexpected{left.error()};
    }
    const bool wanted =
        config.sqlite.models.tiers[which].mode == pipeline::CallMode::batch || config.endpoints.at(endpoint).batch_jobs;
    if (!wanted && left->open + left->waiting == 0) {
      continue;
    }
    auto& api = stage.batch_apis[endpoint];
    if (!api) {
      auto made = connectors::make_batch_api(config.endpoints.at(endpoint).model, utc_ms);
      if (!made) {
        return pipeline::fail(made.error().code, "endpoints." + endpoint + ": " + made.error().detail);
      }
      api = std::move(*made);
    }
    courier.apis[static_cast<std::size_t>(which)] = api.get();
    any = true;
  }
  if (!any) {
    return {};
  }
  auto requests = connectors::open_sqlite_requests(config.sqlite, config.budget, utc_ms, books);
  if (!requests) {
    return tl::unexpected{requests.error()};
  }
  stage.jobs = std::move(*jobs);
  stage.job_requests = std::move(*requests);
  courier.jobs = stage.jobs.get();
  courier.requests = stage.job_requests.get();
  stage.courier = std::move(courier);
  return {};
}

pipeline::Result<std::unique_ptr<ModelStage>> make_model_stage(const config::Config& config,
                                                               const connectors::Books& books) {
  if (!config.sqlite.models.tiers.any()) {
    return nullptr;
  }
  const auto prices = read_prices(config.prices_file);
  if (!prices) {
    return tl::unexpected{prices.error()};
  }
  auto stage = std::make_unique<ModelStage>();
  stage->caller = caller_options(config, *prices);
  for (auto& tier : stage->caller.tiers) {
    if (tier.endpoint.empty()) {
      continue;
    }
    auto& model = stage->models[tier.endpoint];
    if (!model) {
      auto options = config.endpoints.at(tier.endpoint).model;
      options.http.connections_max = options.concurrent_max;
      auto made = connectors::make_model(options, utc_ms);
      if (!made) {
        return pipeline::fail(made.error().code, "endpoints." + tier.endpoint + ": " + made.error().detail);
      }
      model = std::move(*made);
    }
    tier.model = model.get();
  }
  auto requests = connectors::open_sqlite_requests(config.sqlite, config.budget, utc_ms, books);
  if (!requests) {
    return tl::unexpected{requests.error()};
  }
  stage->requests = std::move(*requests);
  if (!config.batch_jobs.worker) {
    if (auto added = add_courier(config, *stage, books); !added) {
      return tl::unexpected{added.error()};
    }
  }
  return stage;
}

}  // namespace alluvium::app
