// SPDX-License-Identifier: Apache-2.0
// alluvium backfill: asks models after all about messages that selection has left out, the best first, within a budget.
#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/config_input.hpp"
#include "app/cost_report.hpp"
#include "app/engine_run.hpp"
#include "app/message_texts.hpp"
#include "app/output.hpp"
#include "app/request_run.hpp"
#include "app/scope_arguments.hpp"
#include "app/table.hpp"
#include "connectors/sqlite_skipped.hpp"
#include "pipeline/backfill_choice.hpp"
#include "pipeline/json_text.hpp"
#include "pipeline/prepared_call.hpp"

namespace alluvium::app {
namespace {

using connectors::SkippedBatch;
using connectors::SkippedRequests;
using pipeline::Money;
using pipeline::Result;
using pipeline::Tier;

/// Groups of messages per transaction.
constexpr std::size_t groups_at_once = 300;
/// Skipped messages that one run looks at, the oldest first: about 200 bytes each.
constexpr std::int64_t messages_max = 2'000'000;

struct Options {
  std::string config_path;
  std::set<std::string, std::less<>> agents;
  std::optional<std::int64_t> from_ms, to_ms;
  std::optional<Money> budget;
  bool skipped = false, dry = false, json = false;
  ProgressMode progress = ProgressMode::automatic;
};

/// What is read of a group from the stream.
struct Reading {
  std::size_t to_come = 0;
  std::map<std::size_t, pipeline::Batch> messages;  ///< By their number in the group; each a batch of one.
};

class Backfill {
 public:
  Backfill(const Options& options, config::Config config) : options_{options}, config_{std::move(config)} {}

  int run() {
    const auto outlook = outlook_of(config_);
    auto opened = connectors::SqliteSkipped::open(config_.sqlite, utc_ms);
    if (!outlook || !opened) {
      return report(outlook ? opened.error() : outlook.error());
    }
    if (const auto made = prepare_models(); !made) {
      return report(made.error());
    }
    outlook_ = *outlook;
    if (const auto found = find_groups(**opened); !found) {
      return report(found.error());
    }
    std::vector<pipeline::SkippedWork> work;
    bool unknown_price = false;
    const auto weighed = read_groups([&](std::size_t group, const SkippedRequests& requests) {
      const auto cost = most_of(requests);
      unknown_price = unknown_price || !cost;
      work.push_back(
          {.group = group, .score = groups_[group].score, .messages = count(requests), .cost = cost.value_or(Money{})});
      held_ += work.back().messages;
    });
    if (!weighed) {
      return report(weighed.error());
    }
    if (unknown_price) {
      complain(
          "the price of a model is unknown, so no budget can hold its calls: give its endpoint input_price and"
          " output_price");
      return wrong_usage;
    }
    const auto choice = pipeline::choose_backfill(std::move(work), options_.budget);
    std::vector<pipeline::SkippedGroup> chosen;
    for (const auto group : choice.groups) {
      chosen.push_back(std::move(groups_[group]));
    }
    groups_ = std::move(chosen);
    const auto asked = ask(**opened);
    if (!asked) {
      return report(asked.error());
    }
    tell(choice);
    if (options_.dry || asked_ == 0) {
      return done;
    }
    auto models = make_model_stage(config_);
    return models ? work_off_requests(config_, **models, options_.progress) : report(models.error());
  }

 private:
  /// What was scored is put together by its score; a batch that was skipped as a whole stays one.
  Result<void> find_groups(connectors::SqliteSkipped& store) {
    std::map<std::string, std::vector<pipeline::SkippedMessage>> scored;
    const auto found = store.batches(options_.agents, [&](const SkippedBatch& batch) {
      if (messages_ >= messages_max) {
        ++left_over_;
        return;
      }
      messages_ += static_cast<std::int64_t>(batch.places.size());
      const bool has_scores = batch.scores.size() == batch.places.size();
      if (!has_scores) {
        groups_.push_back({.agent_id = batch.agent_id, .messages = {}, .score = 0});
      }
      auto& messages = has_scores ? scored[batch.agent_id] : groups_.back().messages;
      for (std::size_t i = 0; i < batch.places.size(); ++i) {
        messages.push_back({.batch = batch.row,
                            .place = batch.places[i],
                            .partition = batch.partition,
                            .position = batch.positions[i],
                            .score = has_scores ? batch.scores[i] : 0});
      }
    });
    for (auto& [agent_id, messages] : scored) {
      std::ranges::move(pipeline::group_by_score(agent_id, std::move(messages),
                                                 std::max<std::size_t>(1, config_.selection.batch_messages)),
                        std::back_inserter(groups_));
    }
    return found;
  }

  Result<void> prepare_models() {
    const auto prices = read_prices(config_.prices_file);
    if (!prices) {
      return tl::unexpected{prices.error()};
    }
    calls_ = caller_options(config_, *prices);
    for (auto& tier : calls_.tiers) {
      if (tier.endpoint.empty()) {
        continue;
      }
      auto& model = models_[tier.endpoint];
      if (!model) {
        auto made = connectors::make_model(config_.endpoints.at(tier.endpoint).model, utc_ms);
        if (!made) {
          return tl::unexpected{made.error()};
        }
        model = std::move(*made);
      }
      tier.model = model.get();
    }
    return {};
  }

  /// Calls `each` with the requests about what the stream still has of each group, one group after the other.
  Result<void> read_groups(const std::function<void(std::size_t, const SkippedRequests&)>& each) {
    std::vector<MessagePlace> places;
    std::map<MessagePlace, std::pair<std::size_t, std::size_t>> stands;  // Its group, and its number there.
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      for (std::size_t i = 0; i < groups_[group].messages.size(); ++i) {
        const auto& message = groups_[group].messages[i];
        places.push_back({.partition = message.partition, .position = message.position});
        stands.emplace(places.back(), std::pair{group, i});
      }
    }
    std::map<std::size_t, Reading> readings;
    const auto finish = [&](std::size_t group, const Reading& reading) {
      if (const auto requests = requests_of(groups_[group], reading); !requests.requests.empty()) {
        each(group, requests);
      }
    };
    auto read = read_messages(config_, places, [&](const MessagePlace& place, const pipeline::MessageView& message) {
      const auto [group, number] = stands.at(place);
      const auto& of_group = groups_[group];
      auto& reading = readings.try_emplace(group, Reading{of_group.messages.size(), {}}).first->second;
      if (message.agent_id == of_group.agent_id && is_of_that_time(message.timestamp_ms)) {
        pipeline::Batch one{of_group.agent_id};
        one.append(message);
        reading.messages.emplace(number, std::move(one));
      }
      if (--reading.to_come == 0) {
        finish(group, reading);
        readings.erase(group);
      }
    });
    for (const auto& [group, reading] : readings) {
      finish(group, reading);  // The stream has lost some of it.
    }
    return read;
  }

  [[nodiscard]] SkippedRequests requests_of(const pipeline::SkippedGroup& group, const Reading& reading) const {
    SkippedRequests out{.agent_id = group.agent_id, .org_id = {}, .requests = {}};
    // As for a batch that is selected; one that is too small for a tier goes to the cheapest there is.
    auto tiers = pipeline::first_tiers(config_.sqlite.models.tiers, reading.messages.size());
    if (tiers.empty()) {
      tiers.push_back(config_.sqlite.models.tiers[Tier::small].enabled ? Tier::small : Tier::premium);
    }
    pipeline::ModelRequest part;
    const auto add_part = [&] {
      for (const auto tier : part.places.empty() ? std::vector<Tier>{} : tiers) {
        out.requests.push_back(part);
        out.requests.back().tier = tier;
      }
      part = {.tier = Tier::small, .messages = pipeline::Batch{out.agent_id}, .places = {}, .batches = {}};
    };
    add_part();
    for (const auto& [number, message] : reading.messages) {
      if (part.messages.content_bytes() + message.content_bytes() > pipeline::request_content_bytes_max) {
        add_part();
      }
      part.messages.append(message[0]);
      part.places.push_back(group.messages[number].place);
      part.batches.push_back(group.messages[number].batch);
      out.org_id = out.org_id.empty() ? std::string{message[0].org_id} : out.org_id;
    }
    add_part();
    return out;
  }

  [[nodiscard]] bool is_of_that_time(std::int64_t time_ms) const {
    return time_ms >= options_.from_ms.value_or(time_ms) && (!options_.to_ms || time_ms < *options_.to_ms);
  }

  /// What would be set aside for the calls, and for those of the premium tier that may follow. Nothing: unknown.
  [[nodiscard]] std::optional<Money> most_of(const SkippedRequests& all) const {
    Money sum;
    for (const auto& request : all.requests) {
      auto tiers = std::vector{request.tier};
      std::vector<std::uint32_t> asked(request.places.size());
      std::iota(asked.begin(), asked.end(), 0U);
      if (request.tier == Tier::small &&
          !pipeline::left_for_premium(config_.sqlite.models.tiers, asked, std::vector<bool>(asked.size()), {})
               .empty()) {
        tiers.push_back(Tier::premium);
      }
      for (const auto tier : tiers) {
        const auto& call = calls_.of(tier);
        if (call.model == nullptr || !call.price) {
          return std::nullopt;
        }
        const auto known = outlook_.tiers[static_cast<std::size_t>(tier)].calibration;
        const auto prepared =
            pipeline::prepare_call(*call.model, call.voice, request, false, &*call.price, known, false);
        sum += prepared.reserve.value_or(Money{});
      }
    }
    return sum;
  }

  static std::int64_t count(const SkippedRequests& all) {
    std::set<std::pair<std::int64_t, std::uint32_t>> messages;
    for (const auto& request : all.requests) {
      for (std::size_t i = 0; i < request.places.size(); ++i) {
        messages.emplace(request.batches[i], request.places[i]);
      }
    }
    return static_cast<std::int64_t>(messages.size());
  }

  /// Reads what was chosen once more, counts it, and unless this is a dry run stores the requests.
  Result<void> ask(connectors::SqliteSkipped& store) {
    forecaster_.emplace(config_.sqlite.models.tiers, outlook_.tiers, outlook_.premium_share);
    std::vector<SkippedRequests> some;
    Result<void> stored;
    const auto store_some = [&] {
      if (!options_.dry && stored && !some.empty()) {
        const auto moved = store.ask(some);
        if (moved) {
          asked_ += *moved;
        } else {
          stored = tl::unexpected{moved.error()};
        }
      }
      some.clear();
    };
    const auto read = read_groups([&](std::size_t, const SkippedRequests& requests) {
      for (const auto& request : requests.requests) {
        forecaster_->add(requests.agent_id, request);
      }
      some.push_back(requests);
      if (some.size() == groups_at_once) {
        store_some();
      }
    });
    store_some();
    return read ? stored : read;
  }

  void tell(const pipeline::BackfillChoice& choice) const {
    const auto costs = forecaster_->finish();
    const auto tiers = tier_reports(costs, outlook_);
    const auto gone = messages_ - held_;
    if (options_.json) {
      for (const auto& tier : tiers) {
        print(tier.json() + "\n");
      }
      pipeline::JsonText json;
      json.object().field("row", "total").field("skipped", messages_).field("not_held", gone);
      json.field("chosen", choice.messages).field("asked", asked_).field("requests", costs.requests);
      json.key("cost_usd").raw(number_or_null(costs.total));
      print(json.key("cost_usd_at_most").raw(dollars_number(choice.cost)).end().text() + "\n");
      return;
    }
    if (left_over_ > 0) {
      complain(with_commas(left_over_) + " batches more were not looked at: run it again for them");
    }
    print(with_commas(messages_) + " skipped messages; " + with_commas(gone) +
          " of them are gone from the stream, or not of that time\n" + with_commas(choice.messages) +
          " are chosen, the best first: " + dollars_or_unknown(costs.total) + " as expected, " +
          dollars_text(choice.cost) + " at most\n\n");
    print_tiers(tiers);
    print(options_.dry ? "No call was made, nothing was changed.\n"
                       : with_commas(asked_) + " messages wait for a model now\n");
  }

  const Options& options_;
  config::Config config_;
  Outlook outlook_;
  actors::CallerOptions calls_;
  std::map<std::string, std::unique_ptr<pipeline::Model>> models_;  ///< By endpoint.
  std::vector<pipeline::SkippedGroup> groups_;
  std::optional<pipeline::CostForecaster> forecaster_;
  std::int64_t messages_ = 0, held_ = 0, asked_ = 0, left_over_ = 0;
};

int backfill(const Options& options) {
  if (!options.skipped || (!options.budget && !options.dry)) {
    complain("backfill: want --skipped, and --budget or --dry-run");
    return wrong_usage;
  }
  auto loaded = config::load(options.config_path, process_environment(), true);
  if (options.dry) {
    forgive_missing_keys(loaded);
  }
  auto good = usable(std::move(loaded));
  if (!good) {
    return wrong_usage;
  }
  if (!good->config.sqlite.models.tiers.any()) {
    complain("no tier is on, so no model would be asked: enable tiers.small or tiers.premium, with its endpoint");
    return wrong_usage;
  }
  set_up_log(good->config.log);
  hold_signals();
  return Backfill{options, std::move(good->config)}.run();
}

}  // namespace

void add_backfill(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("backfill", "Asks models about messages that selection has left out");
  const auto options = std::make_shared<Options>();
  command->add_option("-c,--config", options->config_path, "Config file")->required();
  command->add_flag("--skipped", options->skipped, "Messages whose outcome is skipped");
  command->add_option_function<std::vector<std::string>>(
      "--agent",
      [options](const std::vector<std::string>& agents) { options->agents.insert(agents.begin(), agents.end()); },
      "Only this agent's; may be given again");
  add_time_options(*command, options->from_ms, options->to_ms);
  add_budget_option(*command, options->budget, "The most that all of it may cost, in USD");
  command->add_flag("--dry-run", options->dry, "Only say how many messages, calls, tokens and dollars it would be");
  command->add_flag("--json", options->json, "One JSON object per tier, and in total");
  add_progress_option(*command, options->progress);
  command->callback([options, &exit_code] { exit_code = backfill(*options); });
}

}  // namespace alluvium::app
