// SPDX-License-Identifier: Apache-2.0
// alluvium batch-worker: sees to providers' batch jobs in a process of its own, beside `alluvium run` or without it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "actors/courier.hpp"
#include "app/commands.hpp"
#include "app/config_input.hpp"
#include "app/engine_run.hpp"
#include "app/model_stage.hpp"
#include "app/output.hpp"
#include "app/table.hpp"
#include "config/units.hpp"
#include "connectors/sqlite_store.hpp"
#include "pipeline/outage.hpp"

namespace alluvium::app {
namespace {

using std::chrono::milliseconds;

struct Options {
  std::string config_path;
  bool until_idle = false;
  std::optional<milliseconds> poll_interval, batch_poll_interval;
  std::vector<std::string> models;
};

constexpr milliseconds rest_min{10};  // Between two rounds.
constexpr milliseconds store_delay_first{100};
constexpr milliseconds store_delay_max{5000};

/// Waits for SIGTERM and SIGINT on a thread of its own: the first ends the work in order, a second at once.
class Ending {
 public:
  Ending() : thread_{[this] { watch(); }} {}
  ~Ending() {
    over_.store(true);
    thread_.join();
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  Ending(Ending&&) = delete;
  Ending& operator=(Ending&&) = delete;

  [[nodiscard]] const std::atomic<bool>& asked_for() const {
    return asked_for_;
  }
  /// Returns early when the end is asked for.
  void rest(milliseconds time) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, time, [this] { return asked_for_.load(); });
  }

 private:
  void watch() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    while (!over_.load()) {
      const timespec wait{0, 50'000'000};
      if (sigtimedwait(&signals, nullptr, &wait) <= 0) {
        continue;
      }
      if (asked_for_.load()) {
        // Nothing is lost: whoever goes on finds everything in the store.
        complain("second signal: ended at once");
        _exit(work_failed);
      }
      spdlog::info("ending after what is under way");
      {
        const std::lock_guard lock{mutex_};
        asked_for_.store(true);
      }
      changed_.notify_all();
    }
  }

  std::atomic<bool> asked_for_{false}, over_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
};

/// Rounds until the end. Returns the exit code.
int do_rounds(actors::Courier& courier, Ending& ending, bool until_idle) {
  milliseconds store_delay{0};
  pipeline::Outage outage;
  while (!ending.asked_for().load()) {
    const auto next_ms = courier.step();
    const auto idle = next_ms && until_idle ? courier.is_idle() : pipeline::Result<bool>{false};
    if (next_ms && idle) {
      if (*idle) {
        break;
      }
      store_delay = milliseconds{0};
      outage.over(std::chrono::steady_clock::now());
      ending.rest(std::max(rest_min, milliseconds{*next_ms - utc_ms()}));
      continue;
    }
    const auto& error = next_ms ? idle.error() : next_ms.error();
    if (error.code != pipeline::Errc::unavailable) {
      return report(error);
    }
    if (outage.failed(std::chrono::steady_clock::now())) {
      spdlog::warn("store: batch jobs have to wait: {}", error.detail);
    }
    store_delay = store_delay.count() == 0 ? store_delay_first : std::min(store_delay * 2, store_delay_max);
    ending.rest(store_delay);
  }
  const auto released = courier.release_leases();
  return released ? done : report(released.error());
}

std::string summary(const pipeline::Metrics& metrics) {
  const auto count = [](const std::atomic<std::int64_t>& counter) { return with_commas(counter.load()); };
  return "requests   " + count(metrics.model_calls) + " given to providers, " + count(metrics.model_answers) +
         " answered, " + count(metrics.answers_reused) + " answered before\nmemories   " + count(metrics.memories) +
         " new, " + count(metrics.duplicates) + " known already\ntokens     " + count(metrics.prompt_tokens) + " + " +
         count(metrics.completion_tokens) + ", " + dollars_text(pipeline::Money{metrics.cost_pico.load()}) +
         (metrics.cost_unknown.load() > 0 ? " and " + count(metrics.cost_unknown) + " answers of unknown price" : "") +
         "\nbacklog    " + count(metrics.requests_degraded) + " requests put off, " + count(metrics.requests_parked) +
         " without budget\n";
}

/// Leaves only tiers whose model is named; false if there is none.
bool keep_models(actors::CourierOptions& options, const std::vector<std::string>& names) {
  bool any = false;
  for (std::size_t i = 0; i < options.apis.size(); ++i) {
    const auto* model = options.models.tiers[i].model;
    if (!names.empty() && model != nullptr &&
        std::find(names.begin(), names.end(), model->model_name()) == names.end()) {
      options.apis[i] = nullptr;
    }
    any = any || options.apis[i] != nullptr;
  }
  return any;
}

int batch_worker(const Options& options) {
  auto loaded = read_config(options.config_path, true);
  if (!loaded) {
    return wrong_usage;
  }
  auto& config = loaded->config;
  set_up_log(config.log);
  hold_signals();
  config.batch_jobs.submit_every = options.poll_interval.value_or(config.batch_jobs.submit_every);
  config.batch_jobs.poll_every = options.batch_poll_interval.value_or(config.batch_jobs.poll_every);
  config.batch_jobs.worker = true;
  // It may be started before the engine has made the store.
  if (const auto store = connectors::open_sqlite_store(config.sqlite, utc_ms); !store) {
    return report(store.error());
  }
  auto stage = make_model_stage(config);
  if (!stage) {
    return report(stage.error());
  }
  if (*stage) {
    if (const auto added = add_courier(config, **stage); !added) {
      return report(added.error());
    }
  }
  if (!*stage || !(*stage)->courier || !keep_models(*(*stage)->courier, options.models)) {
    complain(options.config_path + ": no tier that is on has batch jobs: want tiers.small.mode: batch, or .premium's" +
             (options.models.empty() ? "" : ", and a model that is named by --model"));
    return wrong_usage;
  }
  pipeline::Metrics metrics;
  Ending ending;
  actors::Courier courier{*(*stage)->courier, metrics, utc_ms, ending.asked_for()};
  const auto code = do_rounds(courier, ending, options.until_idle);
  const auto text = summary(metrics);
  std::fwrite(text.data(), 1, text.size(), stderr);
  return code;
}

}  // namespace

void add_batch_worker(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("batch-worker", "Sees to providers' batch jobs, in a process of its own");
  auto options = std::make_shared<Options>();
  const auto interval = [command](const std::string& name, std::optional<milliseconds>& slot, const std::string& what) {
    command
        ->add_option_function<std::string>(
            name,
            [&slot, name](const std::string& text) {
              // A bare number is milliseconds.
              const bool bare = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
              const auto duration = config::parse_duration(bare ? text + "ms" : text);
              if (!duration || *duration < rest_min || *duration > std::chrono::hours{24}) {
                throw CLI::ValidationError(name, "want 10ms to 1d, such as 60s");
              }
              slot = *duration;
            },
            what)
        ->type_name("DURATION");
  };
  command->add_option("-c,--config", options->config_path, "Config file; keys come from it or the environment")
      ->required();
  command->add_flag("--until-idle", options->until_idle, "End when no request waits for a job and no job is open");
  interval("--poll-interval", options->poll_interval, "How often to look for requests; instead of the config's");
  interval("--batch-poll-interval", options->batch_poll_interval,
           "How often to ask how a job is doing; instead of the config's");
  command->add_option("--model", options->models, "Only tiers with this model; may be given again");
  command->callback([options, &exit_code] { exit_code = batch_worker(*options); });
}

}  // namespace alluvium::app
