// SPDX-License-Identifier: Apache-2.0
#include "app/rebuild_run.hpp"

#include <limits>
#include <map>
#include <memory>
#include <random>
#include <utility>

#include "app/commands.hpp"
#include "app/cost_report.hpp"
#include "app/engine_run.hpp"
#include "app/output.hpp"
#include "app/rebuild_report.hpp"
#include "app/request_run.hpp"
#include "app/stream_reader.hpp"
#include "app/table.hpp"
#include "app/unanswered_store.hpp"
#include "connectors/sqlite_shadow.hpp"
#include "connectors/sqlite_usage.hpp"
#include "pipeline/prepared_call.hpp"
#include "pipeline/scoped_source.hpp"

namespace alluvium::app {
namespace {

using connectors::ShadowPlan;
using connectors::ShadowState;
using pipeline::Result;

std::string random_id() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device device;
  std::string id;
  while (id.size() < 32) {
    id += digits[device() % digits.size()];
  }
  return id;
}

/// Where it is read from, between which offsets, is decided when the shadow is made, and stays.
bool has_scope(const ShadowPlan& plan, const pipeline::StreamScope& wanted) {
  return plan.scope.agents == wanted.agents && plan.scope.from_ms == wanted.from_ms && plan.scope.to_ms == wanted.to_ms;
}

class Rebuild {
 public:
  Rebuild(const RebuildOptions& options, const config::Loaded& loaded)
      : options_{options},
        config_{loaded.config},
        digest_{pipeline::request_hash("rebuild", config::print(loaded))},
        live_{options.store_path.empty() ? loaded.config.sqlite.path : options.store_path} {
    wanted_.agents.insert(options.agents.begin(), options.agents.end());
    wanted_.from_ms = options.from_ms.value_or(wanted_.from_ms);
    wanted_.to_ms = options.to_ms.value_or(wanted_.to_ms);
    config_.sqlite.path = live_;  // What it knows of models counts.
  }

  int run() {
    const auto outlook = outlook_of(config_);
    if (!outlook) {
      return report(outlook.error());
    }
    if (const auto prepared = prepare(); !prepared) {
      return report(prepared.error());
    }
    if (const auto code = read_stream(); code != done) {
      return code;
    }
    if (options_.make) {
      if (const auto code = ask_models(); code != done) {
        return code;
      }
    }
    return tell(*outlook);
  }

 private:
  /// Finds the shadow that fits, or makes it.
  Result<void> prepare() {
    auto found = connectors::find_shadow(live_);
    if (!found) {
      return tl::unexpected{found.error()};
    }
    if (*found) {
      const auto state = connectors::state_of_shadow(live_);
      if (!state) {
        return tl::unexpected{state.error()};
      }
      const bool fits = has_scope(**found, wanted_) && (*found)->config == digest_ && state->same_store;
      const bool paid = state->calls > 0 && !state->swapped;
      if (fits && !state->swapped && (paid || options_.make)) {
        plan_ = std::move(**found);
        return {};
      }
      if (paid) {
        return pipeline::fail(pipeline::Errc::unsafe_to_go_on,
                              "a rebuild " +
                                  std::string{fits ? "" : "with another config or scope, or of the store before, "} +
                                  "that was paid for is under way: go on with it, or --drop it first");
      }
      if (auto dropped = connectors::drop_shadow(live_); !dropped) {
        return dropped;
      }
    }
    return plan_anew();
  }

  Result<void> plan_anew() {
    auto covered = connectors::covered_by(live_);
    if (!covered) {
      return tl::unexpected{covered.error()};
    }
    const auto source = open_stream(config_);
    if (!source) {
      return tl::unexpected{source.error()};
    }
    const auto ends = (*source)->ends();
    if (!ends) {
      return tl::unexpected{ends.error()};
    }
    plan_ = {.id = random_id(), .config = digest_, .scope = wanted_};
    for (const auto& [partition, end] : *ends) {
      if (const auto known = covered->find(partition); known != covered->end()) {
        plan_.scope.partitions.insert(*known);
      }
    }
    if (plan_.scope.partitions.empty()) {
      return pipeline::fail(pipeline::Errc::invalid_config,
                            live_ + " has nothing of the config's source: is it the stream it was made from?");
    }
    return connectors::make_shadow(live_, plan_);
  }

  [[nodiscard]] config::Config shadow_config() const {
    auto config = config_;
    config.sqlite.path = connectors::shadow_path(live_);
    config.sqlite.models.backlog_requests_max = std::numeric_limits<std::int64_t>::max();
    config.sqlite.models.backlog_bytes_max = std::numeric_limits<std::int64_t>::max();
    config.engine.until_end = true;
    config.engine.start_at_end = false;
    config.batch_jobs.worker = false;  // It sees to the live store.
    return config;
  }

  /// The engine without models: rules, and what models would be asked.
  int read_stream() {
    const auto state = connectors::state_of_shadow(live_);
    if (!state) {
      return report(state.error());
    }
    if (state->read) {
      return done;
    }
    const auto config = shadow_config();
    const auto stream = open_stream(config);
    if (!stream) {
      return report(stream.error());
    }
    auto decoder = pipeline::Decoder::make(config.engine.decoder);
    if (!decoder) {
      return report(decoder.error());
    }
    const auto store = connectors::open_sqlite_store(config.sqlite, utc_ms);
    if (!store) {
      return report(store.error());
    }
    pipeline::ScopedSource scoped{**stream, plan_.scope, std::move(*decoder)};
    UnansweredStore unanswered{**store};
    const auto code = run_engine(config, scoped, unanswered, options_.progress, config.sqlite.path);
    const auto after = connectors::state_of_shadow(live_);
    if (code == done && after && !after->read) {
      complain("ended before all was read: the same command goes on");
      return work_failed;
    }
    return code;
  }

  int ask_models() {
    if (!config_.sqlite.models.tiers.any()) {
      return done;
    }
    if (const auto revived = connectors::revive_shadow(live_); !revived) {
      return report(revived.error());
    }
    const auto config = shadow_config();
    auto models = make_model_stage(config, {.path = live_, .run = plan_.id, .run_limit = options_.budget});
    return models ? work_off_requests(config, **models, options_.progress,
                                      [this] { return connectors::open_requests_of_shadow(live_); })
                  : report(models.error());
  }

  /// Of the requests that wait in the shadow, those that nobody has paid for yet.
  Result<void> forecast(pipeline::CostForecaster& forecaster, std::int64_t& answered) {
    const auto made = connectors::SqliteUsage::open(connectors::shadow_path(live_));
    if (!made) {
      return tl::unexpected{made.error()};
    }
    const auto prices = read_prices(config_.prices_file);
    if (!prices) {
      return tl::unexpected{prices.error()};
    }
    const auto calls = caller_options(config_, *prices);
    std::map<std::string, std::unique_ptr<pipeline::Model>> models;
    for (const auto& tier : calls.tiers) {
      if (!tier.endpoint.empty() && !models.contains(tier.endpoint)) {
        if (auto model = connectors::make_model(config_.endpoints.at(tier.endpoint).model, utc_ms)) {
          models.emplace(tier.endpoint, std::move(*model));
        }
      }
    }
    std::vector<pipeline::StoredRequest> some;
    Result<void> looked;
    const auto look = [&] {
      std::vector<std::string> hashes;
      for (const auto& stored : some) {
        const auto& tier = calls.of(stored.request.tier);
        const auto model = models.find(tier.endpoint);
        hashes.push_back(
            model == models.end()
                ? std::string{}
                : pipeline::prepare_call(*model->second, tier.voice, stored.request, false, nullptr, {}, false).hash);
      }
      const auto known = connectors::are_answered(live_, hashes);
      if (!known) {
        looked = tl::unexpected{known.error()};
      }
      for (std::size_t i = 0; known && i < some.size(); ++i) {
        if ((*known)[i]) {
          ++answered;
        } else {
          forecaster.add(some[i].agent_id, some[i].request);
        }
      }
      some.clear();
    };
    constexpr std::size_t at_once = 1000;
    const auto read = (*made)->requests([&](const pipeline::StoredRequest& stored) {
      some.push_back(stored);
      if (some.size() == at_once) {
        look();
      }
    });
    look();
    return read ? looked : read;
  }

  int tell(const Outlook& outlook) {
    const auto state = connectors::state_of_shadow(live_);
    if (!state) {
      return report(state.error());
    }
    DifferenceReport difference{options_.json};
    const bool rules_only = state->requests > 0 && state->calls == 0;
    const auto compared = connectors::compare_with_shadow(
        live_, rules_only, [&](const connectors::AgentDifference& agent) { difference.add(agent); });
    if (!compared) {
      return report(compared.error());
    }
    pipeline::CostForecaster forecaster{config_.sqlite.models.tiers, outlook.tiers, outlook.premium_share};
    std::int64_t answered = 0;
    if (state->requests > 0) {
      if (const auto known = forecast(forecaster, answered); !known) {
        return report(known.error());
      }
    }
    const auto costs = forecaster.finish();
    const auto tiers = tier_reports(costs, outlook);
    if (options_.json) {
      tell_json(*state, difference, costs, tiers, answered);
    } else {
      tell_text(*state, difference, costs, tiers, answered);
    }
    return options_.make && !(state->read && state->requests == 0) ? work_failed : done;
  }

  static void tell_json(const ShadowState& state, const DifferenceReport& difference,
                        const pipeline::CostForecast& costs, const std::vector<TierReport>& tiers,
                        std::int64_t answered) {
    for (const auto& tier : tiers) {
      print(tier.json() + "\n");
    }
    pipeline::JsonText json;
    json.object().field("row", "total");
    difference.add_counts(json);
    json.field("requests", costs.requests).field("requests_answered_before", answered);
    json.field("requests_waiting", state.requests).field("at_most", any_at_most(tiers));
    json.key("cost_usd").raw(number_or_null(costs.total));
    json.field("calls_made", state.calls).key("paid_usd").raw(number_or_null(state.cost));
    print(json.field("finished", state.read && state.requests == 0).end().text() + "\n");
  }

  void tell_text(const ShadowState& state, const DifferenceReport& difference, const pipeline::CostForecast& costs,
                 const std::vector<TierReport>& tiers, std::int64_t answered) const {
    print(difference.text());
    if (state.calls > 0) {
      print("models: " + with_commas(state.calls) + " calls made for it, " + dollars_or_unknown(state.cost) + "\n");
    }
    if (state.requests == 0) {
      print("finished: --swap puts it in the place of the live memories, --drop removes it\n");
      return;
    }
    print("\n");
    print_tiers(tiers);
    print(std::string{any_at_most(tiers) ? "to be paid: at most " : "to be paid: "} + dollars_or_unknown(costs.total) +
          " for " + with_commas(costs.requests) + " requests; " + with_commas(answered) +
          " more are answered in the store and cost nothing.\n");
    print(options_.make ? "NOT FINISHED: requests wait for budget, for their endpoint or for a batch job; the same"
                          " command goes on\n"
                        : "Nothing was paid. --make asks the models, --drop removes it\n");
  }

  const RebuildOptions& options_;
  config::Config config_;
  std::string digest_, live_;
  pipeline::StreamScope wanted_;  ///< Without partitions.
  ShadowPlan plan_;
};

}  // namespace

int make_rebuild(const RebuildOptions& options, const config::Loaded& loaded) {
  return Rebuild{options, loaded}.run();
}

}  // namespace alluvium::app
