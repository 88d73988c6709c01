// SPDX-License-Identifier: Apache-2.0
#include "actors/writer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

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
    start();
  }
  void start() {
    for (const auto& claim : {chat_, mail_}) {
      caf::anon_send(writer_, ClaimCommand{claim, {.partition = claim->name, .identity = {}, .range = {0, 1'000'000}}});
    }
    scheduler().run();
    ASSERT_EQ(inbox_.take().size(), 2U);
    advance(std::chrono::milliseconds{0});
  }
  void TearDown() override {
    store_.before_commit = nullptr;
    caf::anon_send_exit(writer_, caf::exit_reason::user_shutdown);
    scheduler().run();
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  /// In the place of the one there is.
  void start_another(Extracts extracts, const WriterOptions& options) {
    TearDown();
    extracts_ = std::move(extracts);
    writer_ = system_.spawn(writer, &store_, &inbox_, &metrics_, &load_, Caller{}, extracts_, options);
    start();
  }
  /// What was sent before is taken before.
  void advance(std::chrono::milliseconds time) {
    scheduler().run();
    scheduler().clock().advance_time(time);
    scheduler().run();
  }
  std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(scheduler().clock().now().time_since_epoch()).count();
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

TEST_F(WriterTest, CommitsAtOnceWhatComesAfterAQuietTime) {
  auto patient = std::make_shared<Handover<Extracted>>(100);
  start_another(patient, {.batches_max = 100, .interval = std::chrono::milliseconds{20}});
  std::vector<std::int64_t> commits;  // When, in ms.
  store_.before_commit = [&] { commits.push_back(now_ms()); };

  const auto begin = now_ms();
  extract(chat_, 0);
  advance(std::chrono::milliseconds{0});
  EXPECT_EQ(commits, std::vector{begin});

  advance(std::chrono::milliseconds{5});
  extract(chat_, 1);
  advance(std::chrono::milliseconds{14});
  EXPECT_EQ(commits.size(), 1U) << "it waits for company";
  extract(chat_, 2);
  advance(std::chrono::milliseconds{1});
  EXPECT_EQ(commits, (std::vector{begin, begin + 20})) << "counted from the first, and both in one";
  advance(std::chrono::hours{1});
  EXPECT_EQ(commits.size(), 2U);
  EXPECT_EQ(credit_.held(), 0);
}

TEST_F(WriterTest, DoesNotCommitTheLittleThatCameAfterEnough) {
  auto patient = std::make_shared<Handover<Extracted>>(3);
  start_another(patient, {.batches_max = 3, .interval = std::chrono::milliseconds{20}});
  std::int64_t commits = 0;
  store_.before_commit = [&] { ++commits; };
  extract(chat_, 0);
  advance(std::chrono::milliseconds{0});
  ASSERT_EQ(commits, 1);
  advance(std::chrono::milliseconds{10});
  for (std::int64_t offset = 1; offset <= 3; ++offset) {
    extract(chat_, offset);  // The first of these sets the alarm for the 20th ms.
    scheduler().run();
  }
  ASSERT_EQ(commits, 2) << "at once: it is enough";
  extract(chat_, 4);
  advance(std::chrono::milliseconds{15});
  EXPECT_EQ(commits, 2) << "what the alarm was set for is committed; this one has time until the 30th ms";
  advance(std::chrono::milliseconds{5});
  EXPECT_EQ(commits, 3);
  EXPECT_EQ(credit_.held(), 0);
}

TEST_F(WriterTest, TriesAgainBeforeAnAlarmThatWasSetForCompany) {
  auto patient = std::make_shared<Handover<Extracted>>(100);
  start_another(patient, {.batches_max = 100, .interval = std::chrono::seconds{10}});
  std::int64_t commits = 0;
  store_.before_commit = [&] { ++commits; };
  extract(chat_, 0);
  advance(std::chrono::milliseconds{0});
  ASSERT_EQ(commits, 1);
  extract(chat_, 1);  // This one sets the alarm for the tenth second.
  scheduler().run();
  store_.fail_commits(1);
  caf::anon_send(writer_, Finish::value);
  scheduler().run();
  ASSERT_EQ(commits, 2);
  EXPECT_FALSE(was_told<Finished>());
  advance(WriterOptions{}.retry_first);
  EXPECT_EQ(commits, 3);
  EXPECT_TRUE(was_told<Finished>());
}

TEST_F(WriterTest, HasNoTurnForNothingWhileTheStoreIsAway) {
  auto patient = std::make_shared<Handover<Extracted>>(100);
  start_another(patient, {.batches_max = 100, .interval = std::chrono::milliseconds{20}});
  store_.fail_claims(1);
  caf::anon_send(writer_, ClaimCommand{chat_, {.partition = chat_->name, .identity = {}, .range = {0, 1'000'000}}});
  for (int i = 0; i < 100; ++i) {
    auto settled = std::make_shared<Settled>();
    settled->claim = mail_;
    caf::anon_send(writer_, SettledPtr{settled});
  }
  scheduler().run();
  std::size_t turns = 0;
  for (int i = 0; i < 99; ++i) {
    scheduler().clock().advance_time(std::chrono::milliseconds{1});
    turns += scheduler().run();
  }
  EXPECT_LE(turns, 1U) << "one alarm, set before the store was away";
  EXPECT_TRUE(inbox_.take().empty());
  advance(std::chrono::milliseconds{1});
  EXPECT_TRUE(was_told<Claimed>());
}

}  // namespace
}  // namespace alluvium::actors
