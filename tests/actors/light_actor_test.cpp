// SPDX-License-Identifier: Apache-2.0
#include "actors/light_actor.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/make_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/typed_actor.hpp>
#include <gtest/gtest.h>

#include "actors/scheduler.hpp"

namespace alluvium::actors {
namespace {

/// What the actor under test was sent, and how often it ended.
struct Seen {
  std::vector<int> numbers;
  std::atomic<int> ends{0};
  std::function<void(int)> then = [](int) {};
};

using Numbers = caf::typed_actor<caf::reacts_to<int>>;

/// Keeps what it is sent; a negative number ends it.
class Listener final : public LightActor {
 public:
  Listener(caf::actor_config& config, Seen* seen) : LightActor{config}, seen_{seen} {}

 protected:
  void receive(const caf::type_erased_tuple& message) override {
    const auto number = message.get_as<int>(0);
    seen_->numbers.push_back(number);
    seen_->then(number);
    if (number < 0) {
      quit();
    }
  }
  void on_end() override {
    ++seen_->ends;
  }

 private:
  Seen* seen_;
};

Numbers start(caf::actor_system& system, Seen& seen) {
  caf::actor_config config;
  auto numbers = caf::make_actor<Listener, Numbers>(system.next_actor_id(), system.node(), &system, config, &seen);
  static_cast<Listener*>(caf::actor_cast<caf::abstract_actor*>(numbers))->start();
  return numbers;
}

/// On CAF's test scheduler: one thread, a message a turn.
class LightActorTest : public testing::Test {
 protected:
  struct TestConfig : caf::actor_system_config {
    TestConfig() {
      set("scheduler.policy", caf::atom("testing"));
    }
  };
  void run() {
    dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler()).run();
  }
  [[nodiscard]] std::size_t running() {
    return system_.registry().running();
  }

  TestConfig config_;
  caf::actor_system system_{config_};
  Seen seen_;
};

TEST_F(LightActorTest, TakesMessagesInOrderAlsoThoseThatComeBetweenTurns) {
  const auto listener = start(system_, seen_);
  seen_.then = [&](int number) {
    if (number == 1) {
      caf::anon_send(listener, 4);
    }
  };
  for (const int number : {1, 2, 3}) {
    caf::anon_send(listener, number);
  }
  run();
  caf::anon_send(listener, 5);
  run();
  EXPECT_EQ(seen_.numbers, (std::vector{1, 2, 3, 4, 5}));
  EXPECT_EQ(seen_.ends, 0);
}

TEST_F(LightActorTest, EndsOnceAndDropsWhatComesAfter) {
  const auto before = running();
  const auto listener = start(system_, seen_);
  EXPECT_EQ(running(), before + 1);
  for (const int number : {1, -1, 2}) {
    caf::anon_send(listener, number);
  }
  run();
  caf::anon_send(listener, 3);
  caf::anon_send_exit(listener, caf::exit_reason::kill);
  run();
  EXPECT_EQ(seen_.numbers, (std::vector{1, -1}));
  EXPECT_EQ(seen_.ends, 1);
  EXPECT_EQ(running(), before);
}

TEST_F(LightActorTest, EndsWhenItIsToldToAfterWhatWasSentBefore) {
  const auto before = running();
  const auto listener = start(system_, seen_);
  caf::anon_send(listener, 1);
  caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
  caf::anon_send(listener, 2);
  run();
  EXPECT_EQ(seen_.ends, 1);
  EXPECT_LE(seen_.numbers.size(), 1U);
  EXPECT_EQ(running(), before);
}

TEST_F(LightActorTest, WhatItThrowsEndsIt) {
  const auto before = running();
  const auto listener = start(system_, seen_);
  seen_.then = [](int number) {
    if (number == 2) {
      throw std::runtime_error{"2"};
    }
  };
  for (const int number : {1, 2, 3}) {
    caf::anon_send(listener, number);
  }
  run();
  EXPECT_EQ(seen_.numbers, (std::vector{1, 2}));
  EXPECT_EQ(seen_.ends, 1);
  EXPECT_EQ(running(), before);
}

TEST_F(LightActorTest, EndsWhenNobodyHasItAnyMore) {
  const auto before = running();
  auto listener = start(system_, seen_);
  caf::anon_send(listener, 1);
  run();
  listener = nullptr;
  EXPECT_EQ(seen_.ends, 1);
  EXPECT_EQ(running(), before);
}

TEST_F(LightActorTest, SaysToThoseWhoWatchItWhenItEnds) {
  const auto listener = start(system_, seen_);
  int told = 0;
  caf::actor_cast<caf::abstract_actor*>(listener)->attach_functor([&told] { ++told; });
  caf::anon_send(listener, -1);
  run();
  EXPECT_EQ(told, 1);
}

TEST(LightActor, LosesAndReordersNothingOfManySendersOnManyWorkers) {
  constexpr int senders = 4;
  constexpr int actors = 50;
  constexpr int messages = 400;
  struct Config : caf::actor_system_config {
    Config() {
      module_factories.emplace_back([](caf::actor_system& system) { return new Scheduler{system}; });
      set("scheduler.max-threads", std::size_t{3});
      set("scheduler.max-throughput", std::size_t{2});  // So that actors are put off, too.
    }
  };
  std::vector<std::unique_ptr<Seen>> seen;
  {
    Config config;
    caf::actor_system system{config};
    std::vector<Numbers> all;
    for (int i = 0; i < actors; ++i) {
      seen.push_back(std::make_unique<Seen>());
      all.push_back(start(system, *seen.back()));
    }
    std::vector<std::thread> threads;
    for (int sender = 0; sender < senders; ++sender) {
      threads.emplace_back([&all, sender] {
        for (int i = 0; i < messages; ++i) {
          for (const auto& actor : all) {
            caf::anon_send(actor, sender * messages + i);
          }
        }
      });
    }
    for (auto& thread : threads) {
      thread.join();
    }
    for (const auto& actor : all) {
      caf::anon_send(actor, -1);  // After all others: their senders have ended.
    }
  }  // Waits until all have ended.
  for (const auto& one : seen) {
    EXPECT_EQ(one->ends, 1);
    ASSERT_EQ(one->numbers.size(), static_cast<std::size_t>(senders * messages + 1));
    std::vector<int> next(senders, 0);
    for (const auto number : one->numbers) {
      if (number >= 0) {
        EXPECT_EQ(number % messages, next[static_cast<std::size_t>(number / messages)]++);
      }
    }
  }
}

}  // namespace
}  // namespace alluvium::actors
