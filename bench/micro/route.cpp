// SPDX-License-Identifier: Apache-2.0
// route: a decoded chunk grouped by agent and sent to the agents' buffers. The actors run on CAF's test scheduler, on
// the thread that measures and when it says so: what is seen is their work without threads that wait for each other.
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <caf/scheduler/test_coordinator.hpp>

#include "actors/router.hpp"
#include "bench/micro/chat.hpp"
#include "bench/micro/measurement.hpp"
#include "bench/micro/suites.hpp"

namespace alluvium::bench {
namespace {

using actors::RoutedChunk;

constexpr std::size_t messages = 4096;

/// A router, the buffers it starts, and a desk that nobody sits at.
class Routing {
 public:
  Routing() {
    auto stage = std::make_shared<actors::Stage>();
    stage->desks.push_back({extractor_, works_});
    router_.use(std::make_shared<const actors::BufferContext>(
        actors::BufferContext{pipeline::BatchPolicy::make({}).value(), &credit_, &batch_messages_max_, stage,
                              supervisor_, router_.held_bytes_of_all()}));
  }
  Routing(const Routing&) = delete;
  Routing& operator=(const Routing&) = delete;
  Routing(Routing&&) = delete;
  Routing& operator=(Routing&&) = delete;
  ~Routing() {
    router_.drop_all();
    caf::anon_send_exit(extractor_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(supervisor_, caf::exit_reason::user_shutdown);
    router_.use(nullptr);
    run_buffers();
  }

  void route(actors::RoutedChunkPtr chunk) {
    router_.route(std::move(chunk), claims_);
  }
  void run_buffers() {
    scheduler_.run();
  }
  /// The batches that the buffers handed on.
  [[nodiscard]] std::vector<actors::Work> take() {
    return works_->take();
  }

 private:
  struct OneThread : caf::actor_system_config {
    OneThread() {
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  pipeline::Credit credit_{std::int64_t{1} << 40};
  std::atomic<std::size_t> batch_messages_max_{batch_messages};
  std::vector<actors::ClaimPtr> claims_{
      std::make_shared<const actors::PartitionClaim>(actors::PartitionClaim{0, 1, {topic, 0}})};
  OneThread config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& scheduler_{dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())};
  actors::Works works_ = std::make_shared<actors::Handover<actors::Work>>();
  // With an argument each: without one, CAF binds a reference to null, which the sanitizers report.
  actors::Extractor extractor_ = system_.spawn(
      [](actors::Extractor::pointer, int) -> actors::Extractor::behavior_type {
        return {[](actors::Arrived) {}, [](actors::Tick) {}};
      },
      0);
  actors::Supervisor supervisor_ = system_.spawn(
      [](actors::Supervisor::pointer, int) -> actors::Supervisor::behavior_type {
        return {[](actors::Launch) {}, [](actors::Crashed, const std::string&) {}};
      },
      0);
  actors::Router router_{system_};
};

actors::RoutedChunkPtr chunk_of(const std::vector<Record>& records) {
  auto chunk = caf::make_counted<RoutedChunk>();
  for (std::size_t i = 0; i < records.size(); ++i) {
    chunk->messages.add(message_of(records[i], i), 0);
  }
  return chunk;
}

/// `with_buffers`: until the batches lie on the desk; else until the mailboxes have their messages.
void route(benchmark::State& state, bool with_buffers) {
  const auto records = chat_records(messages, static_cast<std::size_t>(state.range(0)));
  Routing routing;
  std::size_t handed_on = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto chunk = chunk_of(records);
    state.ResumeTiming();
    routing.route(std::move(chunk));
    if (with_buffers) {
      routing.run_buffers();
    }
    state.PauseTiming();
    routing.run_buffers();
    for (const auto& work : routing.take()) {
      handed_on += work.batch.size();
    }
    state.ResumeTiming();
  }
  const auto sent = static_cast<std::size_t>(state.iterations()) * messages;
  // What is left is less than a batch for each agent.
  const auto kept_max = static_cast<std::size_t>(state.range(0)) * (batch_messages - 1);
  demand(handed_on <= sent && sent - handed_on <= kept_max, "route: the buffers did not hand on what they had");
  count_messages(state, messages);
}

}  // namespace

void add_route() {
  for (const bool with_buffers : {false, true}) {
    // Messages of the agent in the chunk: 410, 41, 4 and 1.
    benchmark::RegisterBenchmark(with_buffers ? "route_and_buffer" : "route", route, with_buffers)
        ->ArgName("agents")
        ->Arg(10)
        ->Arg(100)
        ->Arg(1000)
        ->Arg(10'000);
  }
}

}  // namespace alluvium::bench
