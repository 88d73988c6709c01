// SPDX-License-Identifier: Apache-2.0
#include "actors/scheduler.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/after.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;

struct Config : caf::actor_system_config {
  Config() {
    module_factories.emplace_back([](caf::actor_system& system) { return new Scheduler{system}; });
    set("scheduler.max-threads", std::size_t{3});
    set("scheduler.max-throughput", std::size_t{2});  // So that actors are put off, too.
  }
};

using Done = std::promise<void>;

/// Counts what it is sent; the one that reaches `wanted` keeps the promise.
caf::behavior counter(caf::event_based_actor* self, std::atomic<int>* count, int wanted, Done* done) {
  return {[=](int value) {
    if (count->fetch_add(1) + 1 == wanted) {
      done->set_value();
    }
    if (value < 0) {
      self->quit();
    }
  }};
}

TEST(Scheduler, RunsEveryMessageOfManyActorsInBurstsAndOutsideOfThem) {
  constexpr int actors = 2000;
  constexpr int messages = 11;
  std::atomic<int> count{0};
  Done done;
  Config config;
  caf::actor_system system{config};
  std::vector<caf::actor> all;
  for (int i = 0; i < actors; ++i) {
    all.push_back(system.spawn(counter, &count, actors * messages, &done));
  }
  for (int round = 1; round <= messages; ++round) {
    std::optional<Scheduler::Burst> burst;
    if (round % 2 == 0) {
      burst.emplace();
    }
    for (const auto& actor : all) {
      caf::anon_send(actor, round == messages ? -1 : round);  // The last one ends it.
    }
  }
  all.clear();
  done.get_future().wait();
  EXPECT_EQ(count.load(), actors * messages);
}

TEST(Scheduler, DeliversDelayedMessagesAndTimeouts) {
  Done delayed;
  Done timed_out;
  Config config;
  caf::actor_system system{config};
  // With an argument each: without one, CAF binds a reference to null, which UBSan reports.
  system.spawn(
      [](caf::event_based_actor* self, Done* done) -> caf::behavior {
        self->delayed_send(self, 1ms, 7);
        return {[=](int) {
          done->set_value();
          self->quit();
        }};
      },
      &delayed);
  delayed.get_future().wait();
  system.spawn(
      [](caf::event_based_actor* self, Done* done) -> caf::behavior {
        return {[](int) {}, caf::after(1ms) >>
                                [=] {
                                  done->set_value();
                                  self->quit();
                                }};
      },
      &timed_out);
  timed_out.get_future().wait();
}

TEST(Scheduler, EndsWithActorsThatWereNeverToldTo) {
  std::atomic<int> count{0};
  Done done;
  Config config;
  caf::actor_system system{config};
  for (int i = 0; i < 100; ++i) {
    caf::anon_send(system.spawn(counter, &count, 100, &done), i);  // Nobody keeps a handle: they end unreachable.
  }
  done.get_future().wait();
}

}  // namespace
}  // namespace alluvium::actors
