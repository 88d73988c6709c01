// SPDX-License-Identifier: Apache-2.0
// Router and buffers without a thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

#include "actors/router.hpp"

namespace alluvium::actors {

/// Router and buffers on CAF's test scheduler: one thread, virtual time, every run the same.
class RouterTest : public testing::Test {
 protected:
  struct TestConfig : caf::actor_system_config {
    TestConfig() {
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  void SetUp() override {
    auto stage = std::make_shared<Stage>();
    stage->desks.push_back({extractor_, works_});
    router_.use(std::make_shared<const BufferContext>(
        BufferContext{pipeline::BatchPolicy::make({.max_messages = 4,
                                                   .min_messages = 2,
                                                   .idle_timeout = std::chrono::seconds{60},
                                                   .max_hold = std::chrono::seconds{120},
                                                   .max_bytes = 100})
                          .value(),
                      &credit_, &batch_messages_max_, stage, supervisor_, router_.held_bytes_of_all()}));
  }

  void TearDown() override {
    router_.drop_all();
    caf::anon_send_exit(extractor_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(supervisor_, caf::exit_reason::user_shutdown);
    router_.use(nullptr);
    scheduler().run();
  }

  /// One message each, in one chunk.
  void send_to_each(const std::vector<std::string>& agents, pipeline::PartitionSlot slot) {
    auto chunk = caf::make_counted<RoutedChunk>();
    for (const auto& agent : agents) {
      pipeline::MessageView message;
      message.agent_id = agent;
      message.content = "short";
      message.position.offset = next_offset_++;
      chunk->messages.add(message, slot);
    }
    router_.route(std::move(chunk), {claim_, other_claim_});
    scheduler().run();
  }

  void send(int count, const std::string& content = "I moved to Oslo", const std::string& agent = "ada",
            pipeline::PartitionSlot slot = 0) {
    auto chunk = caf::make_counted<RoutedChunk>();
    for (int i = 0; i < count; ++i) {
      pipeline::MessageView message;
      const auto id = std::to_string(next_offset_);
      message.id = id;
      message.agent_id = agent;
      message.content = content;
      message.position.offset = next_offset_++;
      chunk->messages.add(message, slot);
    }
    router_.route(std::move(chunk), {claim_, other_claim_});
    scheduler().run();
  }

  void advance(std::chrono::nanoseconds by) {
    scheduler().advance_time(by);
    router_.sweep(scheduler().clock().now());
    scheduler().run();
  }

  std::size_t flush_fullest(std::int64_t bytes, Router::Among among = Router::Among::all) {
    return router_.flush_fullest(bytes, among, scheduler().clock().now());
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  std::vector<std::size_t> batch_sizes_;
  std::vector<std::int64_t> offsets_;
  std::vector<std::string> crashes_;
  pipeline::Credit credit_{1 << 20};
  std::atomic<std::size_t> batch_messages_max_{100};  ///< More than any policy here.
  ClaimPtr claim_ = std::make_shared<const PartitionClaim>(PartitionClaim{0, 1, {"chat", 0}});
  ClaimPtr other_claim_ = std::make_shared<const PartitionClaim>(PartitionClaim{1, 1, {"chat", 1}});

  TestConfig config_;
  caf::actor_system system_{config_};
  Works works_ = std::make_shared<Handover<Work>>();
  // With an argument each: without one, CAF binds a reference to null, which UBSan reports.
  Extractor extractor_ = system_.spawn(
      [](Extractor::pointer, RouterTest* test) -> Extractor::behavior_type {
        return {[test](Arrived) {
                  for (const auto& work : test->works_->take()) {
                    test->batch_sizes_.push_back(work.batch.size());
                    for (std::size_t i = 0; i < work.batch.size(); ++i) {
                      test->offsets_.push_back(work.batch[i].position.offset);
                    }
                  }
                },
                [](Tick) {}};
      },
      this);
  Supervisor supervisor_ = system_.spawn(
      [](Supervisor::pointer, RouterTest* test) -> Supervisor::behavior_type {
        return {[](Launch) {}, [test](Crashed, const std::string& what) { test->crashes_.push_back(what); }};
      },
      this);
  Router router_{system_};
  std::int64_t next_offset_ = 0;
};

}  // namespace alluvium::actors
