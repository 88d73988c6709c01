// SPDX-License-Identifier: Apache-2.0
#include "app/engine_run.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <mutex>
#include <thread>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/topology.hpp"
#include "app/allocator.hpp"
#include "app/commands.hpp"
#include "app/output.hpp"
#include "app/table.hpp"
#include "connectors/memory_gauge.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

using Clock = std::chrono::steady_clock;

/// %* in a log pattern: the message as a JSON string.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& out) override {
    std::string json;
    pipeline::append_json(json, {message.payload.data(), message.payload.size()});
    out.append(json.data(), json.data() + json.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<JsonMessage>();
  }
};

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Before a process whose reading thread does not move, or that does not come to its end, is ended. A broker that does
/// not answer holds up that thread for some seconds at a time.
constexpr std::chrono::seconds hang_patience{60};

/// Watches the signals, draws the progress and sees that the engine lives, on a thread of its own.
class Attendant {
 public:
  Attendant(actors::Engine& engine, const pipeline::Metrics& metrics, bool expects_end, ProgressMode mode,
            const std::function<void()>& at_once)
      : engine_{&engine},
        metrics_{metrics},
        expects_end_{expects_end},
        at_once_{at_once},
        display_{mode, stderr_is_terminal(), may_style(), Clock::now()},
        thread_{[this] { attend(); }} {}
  ~Attendant() {
    ended_.store(true);
    thread_.join();
    write(display_.clear());
  }
  /// The engine may go: no signal reaches it any more. What is left has to end within hang_patience.
  void engine_ended() {
    const std::lock_guard lock{engine_mutex_};
    engine_ = nullptr;
  }
  Attendant(const Attendant&) = delete;
  Attendant& operator=(const Attendant&) = delete;

 private:
  void attend() {
    const auto signals = ending_signals();
    while (!ended_.load()) {
      const timespec wait{0, 50'000'000};
      if (sigtimedwait(&signals, nullptr, &wait) > 0) {
        if (++signals_seen_ > 1) {
          // What is not committed will be read again: the ledger makes this safe.
          complain("second signal: ended at once");
          if (at_once_) {
            at_once_();
          }
          _exit(work_failed);
        }
        spdlog::info("draining: reading has stopped, what is held will be committed");
        const std::lock_guard lock{engine_mutex_};
        if (engine_ != nullptr) {
          engine_->stop();
        }
      }
      watch_heartbeat(Clock::now());
      if (const auto now = Clock::now(); display_.due(now)) {
        write(display_.draw(progress(now), now, terminal_width()));
      }
    }
  }

  void watch_heartbeat(Clock::time_point now) {
    const auto beats = metrics_.heartbeats.load(std::memory_order_relaxed);
    const bool was_frozen =
        now - std::exchange(looked_at_, now) > std::chrono::seconds{1};  // All of us: SIGSTOP, a VM's pause.
    if (std::exchange(heartbeats_, beats) != beats || was_frozen) {
      alive_at_ = now;
    } else if (now - alive_at_ > hang_patience) {
      complain("the engine has not moved for " + std::to_string(hang_patience.count()) +
               " s: ended at once; what is not committed will be read again");
      _exit(work_failed);
    }
  }

  Progress progress(Clock::time_point now) {
    Progress progress;
    progress.messages = metrics_.messages_done();
    progress.memories = metrics_.memories.load();
    if (metrics_.model_calls.load() > 0) {
      progress.cost_usd = static_cast<double>(metrics_.cost_pico.load()) / pipeline::pico_per_dollar;
    }
    const auto elapsed = std::chrono::duration<double>(now - last_drawn_).count();
    progress.messages_per_second = static_cast<double>(progress.messages - last_messages_) / elapsed;
    last_drawn_ = now;
    last_messages_ = progress.messages;
    if (expects_end_) {
      const auto under_way = metrics_.records.load() - progress.messages;
      const auto ahead = metrics_.records_ahead.load() + std::max<std::int64_t>(0, under_way);
      progress.lag = ahead;
      progress.expected = progress.messages + ahead;
    }
    return progress;
  }

  static void write(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }

  std::mutex engine_mutex_;
  actors::Engine* engine_;  ///< Null once it has ended.
  const pipeline::Metrics& metrics_;
  bool expects_end_;
  const std::function<void()>& at_once_;
  ProgressDisplay display_;
  std::atomic<bool> ended_{false};
  int signals_seen_ = 0;
  std::int64_t heartbeats_ = 0;
  Clock::time_point alive_at_ = Clock::now();
  Clock::time_point looked_at_ = Clock::now();
  Clock::time_point last_drawn_ = Clock::now();
  std::int64_t last_messages_ = 0;
  std::thread thread_;
};

/// "memory     61 MB of 64 MB at most (95 %), 9 MB held at most, 7 kB per batch; pressure 3 times, 12.1 s".
std::string memory_summary(const pipeline::Metrics& metrics) {
  const auto& memory = metrics.memory;
  const auto limit = memory.limit.load();
  if (limit == 0) {
    return {};  // It ended before it looked.
  }
  const auto batches = std::max<std::int64_t>(1, metrics.batches.load());
  std::array<char, 200> line{};
  std::snprintf(line.data(), line.size(),
                "memory     %ld MB of %ld MB at most (%ld %%), %ld MB held at most, %s B per batch",
                memory.resident_peak.load() >> 20, limit >> 20, 100 * memory.resident_peak.load() / limit,
                memory.held_peak.load() >> 20, with_commas(metrics.batch_bytes.load() / batches).c_str());
  std::string text{line.data()};
  if (const auto episodes = memory.episodes.load(); episodes > 0) {
    std::snprintf(line.data(), line.size(), "; pressure %ld times, reading delayed by %ld ms at most", episodes,
                  memory.delay_ms_peak.load());
    text += line.data();
  }
  return text + "\n";
}

/// The most that was resident, in kB. Not getrusage()'s figure, which a process inherits from the one that started it.
long peak_resident_kb(const rusage& usage) {
  std::ifstream status{"/proc/self/status"};
  for (std::string word; status >> word;) {
    long kb = 0;
    if (word == "VmHWM:" && status >> kb) {
      return kb;
    }
  }
  return usage.ru_maxrss;
}

/// What models were asked and what that cost; empty if they were not.
std::string model_summary(const pipeline::Metrics& metrics) {
  const auto calls = metrics.model_calls.load();
  const auto degraded = metrics.requests_degraded.load();
  const auto parked = metrics.requests_parked.load();
  if (calls + metrics.answers_reused.load() + degraded + parked + metrics.backlog_full.load() == 0) {
    return {};
  }
  std::string text = "models     " + with_commas(calls) + " calls, " + with_commas(metrics.model_answers.load()) +
                     " answers, " + with_commas(metrics.prompt_tokens.load()) + " + " +
                     with_commas(metrics.completion_tokens.load()) + " tokens, " +
                     dollars_text(pipeline::Money{metrics.cost_pico.load()});
  if (const auto unknown = metrics.cost_unknown.load(); unknown > 0) {
    text += " and " + with_commas(unknown) + " answers of unknown price";
  }
  if (const auto reused = metrics.answers_reused.load(); reused > 0) {
    text += "; " + with_commas(reused) + " answers were paid for before";
  }
  text += "\n";
  if (const auto lost = metrics.possibly_paid_pico.load(); lost > 0) {
    text += "possibly   " + dollars_text(pipeline::Money{lost}) + " for calls whose reply was lost\n";
  }
  if (degraded + parked > 0) {
    text += "backlog    " + with_commas(degraded) +
            " requests put off: their endpoint does not answer, or refuses them; " + with_commas(parked) +
            " without budget\n";
  }
  if (const auto full = metrics.backlog_full.load(); full > 0) {
    text += "BACKLOG    full: " + with_commas(full) + " selected batches kept only what rules found\n";
  }
  return text;
}

std::string summary(const pipeline::Metrics& metrics, double wall_s, const std::string& store_name) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::string text = "messages   " + with_commas(metrics.messages_done());
  for (std::size_t i = 0; i < pipeline::outcome_count; ++i) {
    text += i == 0 ? "  (" : ", ";
    text += std::string{name(static_cast<pipeline::Outcome>(i))} + " " + with_commas(metrics.messages[i].load());
  }
  text += ")\n";
  text += "memories   " + with_commas(metrics.memories.load()) + " new, " + with_commas(metrics.duplicates.load()) +
          " known already\n";
  text +=
      "batches    " + with_commas(metrics.batches.load()) + " in " + with_commas(metrics.commits.load()) + " commits\n";
  text += model_summary(metrics);
  if (const auto skipped = metrics.records_skipped.load(); skipped > 0) {
    text += "resumed    " + with_commas(skipped) + " records were done before and skipped\n";
  }
  if (const auto restarts = metrics.restarts.load(); restarts > 0) {
    text += "restarts   " + with_commas(restarts) + "\n";
  }
  if (const auto lost = metrics.offsets_lost.load(); lost > 0) {
    text += "LOST       " + with_commas(lost) + " offsets, deleted by retention before they were read\n";
  }
  text += memory_summary(metrics);
  std::array<char, 160> line{};
  std::snprintf(line.data(), line.size(), "time       %.2f s, %s msgs/s, CPU %.2f s, peak RSS %ld MB\n", wall_s,
                short_count(static_cast<double>(metrics.messages_done()) / std::max(wall_s, 1e-3)).c_str(),
                seconds(usage.ru_utime) + seconds(usage.ru_stime), peak_resident_kb(usage) / 1024);
  text += line.data();
  if (!store_name.empty()) {
    text += "store      " + store_name + "\n";
  }
  return text;
}

}  // namespace

std::int64_t utc_ms() {
  using std::chrono::milliseconds;
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void set_up_log(const config::LogOptions& options) {
  auto logger = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  if (options.format == "json") {
    formatter->add_flag<JsonMessage>('*').set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})");
  } else {
    formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v");
  }
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog::level::from_str(options.level));
  spdlog::set_default_logger(std::move(logger));
}

void hold_signals() {
  const auto signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // A limit on the size of files is a write that fails, like on a full disk.
}

int run_engine(const config::Config& config, pipeline::Source& source, pipeline::Store& store, ProgressMode progress,
               const std::string& store_name, ModelStage* models, const std::function<void()>& at_once) {
  auto gauge = connectors::MemoryGauge::make({.cgroup = config.memory_cgroup});
  if (!gauge) {
    return report(gauge.error());
  }
  if (const auto group = gauge->describe(); !group.empty()) {
    spdlog::info("{}", group);
  }
  auto options = config.engine;
  options.read_memory = [gauge = *gauge] { return gauge.read(); };
  options.release_unused = release_unused;
  if (options.selection) {
    options.selection->scorer = pipeline::ValueScorer::make();
  }
  pipeline::Metrics metrics;
  if (models != nullptr) {
    options.models = models->caller;
    options.jobs = models->courier;
  }
  auto engine = actors::Engine::make(options, source, store, metrics, utc_ms,
                                     models == nullptr ? nullptr : models->requests.get());
  if (!engine) {
    return report(engine.error());
  }
  const auto start = Clock::now();
  pipeline::Result<void> ended;
  {
    Attendant attendant{**engine, metrics, options.until_end, progress, at_once};
    ended = (*engine)->run();
    if (!ended) {
      spdlog::error("{}", ended.error().detail);  // At once: what is left may hang.
    }
    attendant.engine_ended();
    engine->reset();  // Its actors may still wake the source.
    source.close();
  }
  const auto text = summary(metrics, std::chrono::duration<double>(Clock::now() - start).count(), store_name);
  std::fwrite(text.data(), 1, text.size(), stderr);
  return ended ? done : report(ended.error());
}

}  // namespace alluvium::app
