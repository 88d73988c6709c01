// SPDX-License-Identifier: Apache-2.0
#include "actors/writer.hpp"

#include <algorithm>

#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

#include "tests/support/fake_store.hpp"

namespace alluvium::actors {
namespace {

/// The writer on CAF's test scheduler: one thread, virtual time, every run the same.
class WriterTest : public testing::Test {
 protected:
  struct TestConfig : caf::actor_system_config {
    TestConfig() {
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  void SetUp() override {
    for (const auto& claim : {chat_, mail_}) {
      caf::anon_send(writer_, ClaimCommand{claim, {.partition = claim->name, .identity = {}, .range = {0, 1'000'000}}});
    }
    scheduler().run();
    ASSERT_EQ(inbox_.take().size(), 2U);
  }
  void TearDown() override {
    store_.before_commit = nullptr;
    caf::anon_send_exit(writer_, caf::exit_reason::user_shutdown);
    scheduler().run();
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  /// As an extractor does with a batch of one message.
  void extract(const ClaimPtr& claim, std::int64_t offset) {
    pipeline::MessageView message;
    message.id = "m";
    message.agent_id = "ada";
    message.content = "hello";
    message.position.offset = offset;
    pipeline::Batch batch{"ada"};
    batch.append(message);
    Extracted extracted{claim, {}, pipeline::Charge{credit_}, pipeline::Charge{credit_}};
    extracted.batch.outcomes.assign(1, pipeline::Outcome::empty);
    extracted.batch.batch = std::move(batch);
    extracted.charge.add(1);
    if (extracts_->put(std::move(extracted))) {
      caf::anon_send(writer_, Arrived::value);
    }
  }

  /// Whether that has come, among other things, since it was asked last.
  template <class What>
  bool was_told() {
    const auto events = inbox_.take();
    return std::ranges::any_of(events, [](const auto& event) { return std::holds_alternative<What>(event); });
  }

  tests::FakeStore store_;
  Inbox inbox_{[] {}};
  pipeline::Metrics metrics_;
  ModelLoad load_;
  pipeline::Credit credit_{1 << 20};
  ClaimPtr chat_ = std::make_shared<const PartitionClaim>(PartitionClaim{0, 1, {"chat", 0}});
  ClaimPtr mail_ = std::make_shared<const PartitionClaim>(PartitionClaim{1, 2, {"mail", 0}});

  TestConfig config_;
  caf::actor_system system_{config_};
  Extracts extracts_ = std::make_shared<Handover<Extracted>>(1);
  Writer writer_ =
      system_.spawn(writer, &store_, &inbox_, &metrics_, &load_, Caller{}, extracts_, WriterOptions{.batches_max = 1});
};

TEST_F(WriterTest, ReleasesAPartitionWhileMoreComesThanTheStoreTakes) {
  // Each commit lasts as long as the extractors need for the next transaction: from now on there is always one more.
  std::int64_t commits = 0;
  store_.before_commit = [&] {
    if (++commits < 1000) {
      extract(mail_, commits);
    }
  };
  extract(chat_, 0);
  extract(mail_, 0);
  caf::anon_send(writer_, ReleaseCommand{{chat_->slot}});
  scheduler().run_once();
  EXPECT_LT(commits, 10) << "what came meanwhile is for later";
  while (!was_told<Released>()) {
    ASSERT_TRUE(scheduler().try_run_once());
    ASSERT_LT(commits, 10);
  }
  scheduler().run();
  EXPECT_EQ(commits, 1001) << "and the rest was committed then";
  EXPECT_EQ(credit_.held(), 0);
}

}  // namespace
}  // namespace alluvium::actors
