// SPDX-License-Identifier: Apache-2.0
#include "actors/topology.hpp"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "actors/caller.hpp"
#include "actors/courier_actor.hpp"
#include "actors/extractor.hpp"
#include "actors/intake.hpp"
#include "actors/scheduler.hpp"
#include "actors/supervisor.hpp"
#include "actors/writer.hpp"

// The way of a message:
//
//   Source ─ poll ─▶ Intake ─ decode ─▶ Router ─▶ AgentBuffer ─▶ Extractor ─▶ Writer ─▶ Store
//   (this thread)      │                          one per agent   one per      one, on its
//                      │ dead letters, gaps       with messages   core         own thread
//                      └───────────────────────────────────────────────────────▲
//
//   A batch that models are asked about is stored with requests, which are worked off beside the stream:
//
//   Store ─ requests ─▶ Caller ─ calls ─▶ Model ─ replies ─▶ Caller ─ memories, outcomes, money ─▶ Store
//                       one, on its own thread
//
//   Those that wait for a provider's batch job take another way, hours long:
//
//   Store ─ requests ─▶ Courier ─ jobs ─▶ BatchApi ─ results ─▶ Courier ─ memories, outcomes, money ─▶ Store
//                       one, on its own thread, or in a process of its own (batch-worker)
//
//   Back come only: credit (a byte count that falls when a commit is done or a message dropped) and
//   the Inbox's events (claims granted, fences, watermarks).

namespace alluvium::actors {
namespace {

struct SystemConfig : caf::actor_system_config {
  SystemConfig(std::size_t threads) {
    module_factories.emplace_back([](caf::actor_system& system) { return new Scheduler{system}; });
    set("scheduler.max-threads", threads);
    set("scheduler.max-throughput", std::size_t{50});  // Messages an actor may handle in a row.
  }
};

std::size_t worker_count(const EngineOptions& options) {
  return options.workers != 0 ? options.workers : std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

}  // namespace

struct Engine::Parts {
  Parts(EngineOptions given, pipeline::BatchPolicy policy, pipeline::Decoder decoder, pipeline::Source& source,
        pipeline::Store& store, pipeline::Metrics& metrics, pipeline::WallClock clock, pipeline::RequestStore* requests)
      : options{std::move(given)},
        credit{static_cast<std::int64_t>(options.credit_bytes)},
        results{static_cast<std::int64_t>(options.credit_bytes / 2)},
        inbox{[&source] { source.wake(); }},
        system_config{std::max<std::size_t>(2, worker_count(options))},
        system{system_config},
        supervisor{system.spawn(
            actors::supervisor,
            [this, &store, &metrics, clock, requests](const Caller& caller, const CourierActor& courier) {
              return build(store, metrics, clock, requests, caller, courier);
            },
            &inbox, &metrics, pipeline::RestartPolicy{options.restarts})},
        intake{options, policy, std::move(decoder), source, system, supervisor, inbox, credit, results, load, metrics} {
    load.open_max = static_cast<std::int64_t>(options.model_requests_max);
  }

  /// One stage: the writer on a thread of its own, since the store blocks, and the extractors.
  std::shared_ptr<const Stage> build(pipeline::Store& store, pipeline::Metrics& metrics, pipeline::WallClock clock,
                                     pipeline::RequestStore* requests, const Caller& kept_caller,
                                     const CourierActor& kept_courier) {
    auto stage = std::make_shared<Stage>();
    WriterOptions writing;
    writing.batches_max = options.commit_batches_max;
    writing.bytes_max = std::clamp<std::int64_t>(credit.limit() / 8, 1 << 20, writing.bytes_max);
    writing.interval = options.commit_interval;
    writing.retry_first = options.retry_first;
    stage->caller = kept_caller;
    stage->courier = kept_courier;
    if (options.models && requests != nullptr && !stage->caller) {
      stage->caller = system.spawn<caf::detached>(caller, *options.models, requests, &load, &inbox, &metrics, clock);
    }
    if (options.jobs && !stage->courier) {
      stage->courier = system.spawn<caf::detached>(courier_actor, *options.jobs, &load, &inbox, &metrics, clock);
    }
    const auto extracts = std::make_shared<Handover<Extracted>>(writing.batches_max);
    stage->writer =
        system.spawn<caf::detached>(writer, &store, &inbox, &metrics, &load, stage->caller, extracts, writing);
    for (std::size_t i = 0; i < worker_count(options); ++i) {
      const auto works = std::make_shared<Handover<Work>>();
      stage->desks.push_back(
          {system.spawn(extractor, options.extraction, works, extracts, stage->writer, &results, &load, clock), works});
    }
    const std::lock_guard lock{latest_mutex};
    latest = stage;
    return stage;
  }

  std::shared_ptr<const Stage> current() {
    const std::lock_guard lock{latest_mutex};
    return latest.lock();
  }

  EngineOptions options;
  pipeline::Credit credit;   // Before the actors: what they drop gives back to it.
  pipeline::Credit results;  // Of memories that wait to be committed.
  ModelLoad load;
  Inbox inbox;
  std::mutex latest_mutex;
  std::weak_ptr<const Stage> latest;  // Not owned: CAF waits for a detached actor until its last handle is gone.
  SystemConfig system_config;
  caf::actor_system system;
  Supervisor supervisor;
  Intake intake;
};

pipeline::Result<std::unique_ptr<Engine>> Engine::make(EngineOptions options, pipeline::Source& source,
                                                       pipeline::Store& store, pipeline::Metrics& metrics,
                                                       pipeline::WallClock clock, pipeline::RequestStore* requests) {
  auto policy = pipeline::BatchPolicy::make(options.buffer);
  if (!policy) {
    return tl::unexpected{policy.error()};
  }
  auto decoder = pipeline::Decoder::make(options.decoder);
  if (!decoder) {
    return tl::unexpected{decoder.error()};
  }
  if (!options.extraction.rules) {
    return pipeline::fail(pipeline::Errc::invalid_config, "rules: want a compiled set");
  }
  return std::unique_ptr<Engine>{new Engine{std::make_unique<Parts>(std::move(options), *policy, std::move(*decoder),
                                                                    source, store, metrics, clock, requests)}};
}

Engine::Engine(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}

Engine::~Engine() {
  parts_->load.draining.store(true, std::memory_order_release);  // Ends a courier's round.
  parts_->inbox.close();
  // The actor system waits for every actor: end those that would wait for messages.
  caf::anon_send_exit(parts_->supervisor, caf::exit_reason::user_shutdown);
}

pipeline::Result<void> Engine::run() {
  caf::anon_send(parts_->supervisor, Launch::value);
  return parts_->intake.run();
}

void Engine::stop() {
  parts_->intake.stop();
}

void Engine::crash_extractor() {
  if (const auto stage = parts_->current()) {
    caf::anon_send_exit(stage->desks.front().extractor, caf::exit_reason::kill);
  }
}

void Engine::crash_writer() {
  if (const auto stage = parts_->current()) {
    caf::anon_send_exit(stage->writer, caf::exit_reason::kill);
  }
}

void Engine::crash_caller() {
  if (const auto stage = parts_->current()) {
    caf::anon_send_exit(stage->caller, caf::exit_reason::kill);
  }
}

void Engine::crash_buffer() {
  parts_->intake.crash_a_buffer();
}

}  // namespace alluvium::actors
