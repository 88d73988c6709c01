// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_gathering.hpp"

#include <gtest/gtest.h>

#include "connectors/sqlite_requests.hpp"
#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::CallMode;
using pipeline::Outcome;
using pipeline::RequestState;
using pipeline::StoredRequest;
using pipeline::Tier;
using pipeline::Worth;

class SqliteGatheringTest : public testing::Test {
 protected:
  SqliteGatheringTest() {
    options.path = folder.file("store.db");
    options.models.tiers[Tier::small] = {.enabled = true, .min_messages = 2};
    options.models.by_value = true;
    options.models.gathering.messages_max = 3;
  }

  void open() {
    store = open_sqlite_store(options, test_clock).value();
    claim = store->claim(request()).value();
    requests = open_sqlite_requests(options, {}, test_clock).value();
  }
  static pipeline::ClaimRequest request() {
    return {.partition = chat0, .identity = {}, .range = {.first = 0, .end = 1'000'000}, .selects = true};
  }

  /// Commits a batch with a message for each letter: c for one that is chosen, s for one that is not, n for noise.
  pipeline::CommitResult commit(const std::string& agent, std::string_view letters, const std::string& org = "") {
    pipeline::Batch batch{agent};
    pipeline::ExtractedBatch extracted;
    for (const char letter : letters) {
      const auto text = "message " + std::to_string(next_offset);
      pipeline::MessageView message;
      message.id = text;
      message.agent_id = agent;
      message.org_id = org;
      message.content = text;
      message.timestamp_ms = test_now_ms;
      message.position = {next_offset++, 0, 1};
      message.worth =
          letter == 'n' ? Worth{10, Worth::never} : Worth{100, static_cast<std::uint8_t>(letter == 'c' ? 90 : 110)};
      if (letter != 'n') {
        extracted.meaningful.push_back(static_cast<std::uint32_t>(batch.size()));
      }
      extracted.outcomes.push_back(letter == 'n' ? Outcome::noise : Outcome::empty);
      batch.append(message);
    }
    extracted.id = pipeline::batch_id(batch, chat0.topic, chat0.partition);
    extracted.batch = std::move(batch);
    pipeline::PartitionCommit commit{chat0, claim.token, claim.seq++, next_offset, {}, {}, {}};
    commit.batches.push_back(std::move(extracted));
    return store->commit({&commit, 1}).value();
  }

  std::vector<StoredRequest> due(Tier tier = Tier::small) {
    return requests->due(tier, CallMode::call, 10).value();
  }
  void settle(const StoredRequest& stored, const std::vector<std::vector<std::uint32_t>>& memories,
              const std::string& content = {}) {
    static_cast<void>(requests->reserve({stored.id, "h", "small", "model", pipeline::Money{1}}).value());
    pipeline::CallEnd end;
    end.request = stored.id;
    end.hash = "h";
    end.ended_ms = test_now_ms;
    pipeline::Settlement settlement;
    settlement.model = "model";
    settlement.answer.understood = true;
    for (const auto& sources : memories) {
      pipeline::Memory memory;
      memory.content =
          content.empty() ? "says " + std::string{stored.request.messages.content(sources.front())} : content;
      memory.method = pipeline::ExtractionMethod::small_model;
      memory.sources = sources;
      memory.id = pipeline::memory_id(stored.request.messages, memory);
      settlement.answer.memories.push_back(std::move(memory));
      settlement.answer.connections.emplace_back("[]");
    }
    static_cast<void>(requests->settle(end, settlement).value());
  }
  [[nodiscard]] std::string ask(const std::string& sql) const {
    Database database{options.path, Database::Mode::read_only, std::chrono::milliseconds{1000}};
    return database.text(sql);
  }
  void expect_proved() const {
    const auto audits = SqliteReader::open(options.path).value()->verify().value();
    for (const auto& audit : audits) {
      EXPECT_EQ(audit.faults, std::vector<std::string>{});
    }
  }

  ScratchFolder folder;
  SqliteStoreOptions options;
  std::unique_ptr<pipeline::Store> store;
  std::unique_ptr<pipeline::RequestStore> requests;
  pipeline::Claim claim;
  std::int64_t next_offset = 0;
};

TEST_F(SqliteGatheringTest, ChosenMessagesWaitUntilThereAreEnoughToAsk) {
  open();
  EXPECT_EQ(commit("ada", "scnsc").requests, 0);
  EXPECT_EQ(ask("SELECT outcomes FROM batches"), "spnsp");
  EXPECT_TRUE(due().empty());
  EXPECT_EQ(store->gathering().value(), 1);
  EXPECT_EQ(store->open_calls().value(), 0);
  expect_proved();
  EXPECT_EQ(commit("ada", "ccs").requests, 1);
  const auto ready = due();
  ASSERT_EQ(ready.size(), 1U);
  ASSERT_EQ(ready[0].request.messages.size(), 3U);
  EXPECT_EQ(ready[0].request.messages.content(0), "message 1");
  EXPECT_EQ(ready[0].request.messages.content(2), "message 5");
  EXPECT_EQ(store->gathering().value(), 1) << "the message that was one too many";
  expect_proved();
}

TEST_F(SqliteGatheringTest, AnAnswerSettlesTheMessagesOfAllItsBatches) {
  open();
  commit("ada", "scc");
  commit("ada", "ncs");
  settle(due().at(0), {{0, 2}});
  EXPECT_EQ(ask("SELECT group_concat(outcomes) FROM batches"), "sxe,nxs");
  EXPECT_EQ(ask("SELECT group_concat(memories) FROM batches"), "1,0");
  EXPECT_EQ(ask("SELECT batch || ' ' || source_message_ids FROM memories"), R"(1 ["message 1","message 4"])");
  EXPECT_EQ(ask("SELECT extracted || empty || skipped || noise || pending FROM partitions"), "21210");
  EXPECT_EQ(ask("SELECT count(*) FROM request_batches"), "0");
  expect_proved();
}

TEST_F(SqliteGatheringTest, TheOrderOfAnswersLeavesNoTraceInWhatIsRemembered) {
  open();
  commit("ada", "cccccc");
  const auto asked = due();
  ASSERT_EQ(asked.size(), 2U);
  const auto likes_tea = [&](const StoredRequest& stored) { settle(stored, {{1}}, "likes tea"); };
  likes_tea(asked[1]);
  EXPECT_EQ(ask("SELECT source_message_ids FROM memories"), R"(["message 4"])");
  likes_tea(asked[0]);
  EXPECT_EQ(ask("SELECT group_concat(source_message_ids) FROM memories"), R"(["message 1"])");
  EXPECT_EQ(ask("SELECT memories FROM batches"), "1");
  expect_proved();
}

TEST_F(SqliteGatheringTest, OneBatchCanFillSeveralRequests) {
  open();
  EXPECT_EQ(commit("ada", "ccccccc").requests, 2);
  EXPECT_EQ(due().size(), 2U);
  EXPECT_EQ(store->gathering().value(), 1);
  expect_proved();
}

TEST_F(SqliteGatheringTest, VerifyMissesAMessageWhoseRequestIsGoneThoughItsBatchHasAnother) {
  open();
  commit("ada", "cccc");
  expect_proved();
  {
    Database database{options.path, Database::Mode::read_write, std::chrono::milliseconds{1000}};
    database.execute("DELETE FROM requests WHERE state = 'gathering'");
  }
  const auto audits = SqliteReader::open(options.path).value()->verify().value();
  EXPECT_FALSE(audits.front().faults.empty());
}

TEST_F(SqliteGatheringTest, ThousandsAreClosedSomeHundredAtATime) {
  open();
  for (int agent = 0; agent < 1200; ++agent) {
    commit("agent-" + std::to_string(agent), "c");
  }
  EXPECT_EQ(store->close_gathered().value(), Gathering::closed_at_once_max);
  EXPECT_EQ(store->close_gathered().value(), Gathering::closed_at_once_max);
  EXPECT_EQ(store->close_gathered().value(), 200);
  EXPECT_EQ(store->gathering().value(), 0);
}

TEST_F(SqliteGatheringTest, WhatIsReadAgainDoesNotJoinWhatWasGatheredBefore) {
  open();
  commit("ada", "cc");
  auto again = request();
  again.reset = true;
  claim = store->claim(again).value();
  next_offset = 0;
  commit("ada", "cc");
  ASSERT_EQ(due().size(), 1U);
  EXPECT_EQ(due()[0].request.messages.size(), 2U);
  EXPECT_EQ(store->gathering().value(), 1);
  expect_proved();
}

TEST_F(SqliteGatheringTest, AgentsAndOrganisationsAreGatheredApart) {
  open();
  commit("ada", "cc");
  commit("bob", "cc");
  commit("ada", "cc", "acme");
  EXPECT_EQ(store->gathering().value(), 3);
  EXPECT_TRUE(due().empty());
}

TEST_F(SqliteGatheringTest, IsAskedAboutAfterAWhileHoweverLittleThereIs) {
  options.models.gathering.wait_max = std::chrono::milliseconds{1};
  open();
  commit("ada", "cs");
  EXPECT_EQ(requests->close_gathered().value(), 0) << "its time has not come";
  options.models.gathering.wait_max = std::chrono::milliseconds{0};
  open();
  commit("bob", "cs");
  EXPECT_EQ(requests->close_gathered().value(), 1);
  ASSERT_EQ(due().size(), 1U);
  EXPECT_EQ(due()[0].agent_id, "bob");
  EXPECT_EQ(due()[0].state, RequestState::queued);
}

TEST_F(SqliteGatheringTest, TheEndOfTheStreamEndsTheWait) {
  open();
  commit("ada", "c");
  commit("bob", "cc");
  EXPECT_EQ(store->close_gathered().value(), 2);
  EXPECT_EQ(store->gathering().value(), 0);
  EXPECT_EQ(store->open_calls().value(), 2);
  EXPECT_EQ(due().size(), 2U);
}

TEST_F(SqliteGatheringTest, BothTiersAreAskedAboutTheSameMessages) {
  options.models.tiers[Tier::premium] = {.enabled = true, .min_messages = 1};
  options.models.tiers.both = true;
  open();
  EXPECT_EQ(commit("ada", "ccc").requests, 2);
  EXPECT_EQ(due(Tier::premium).at(0).request.places, due(Tier::small).at(0).request.places);
  settle(due().at(0), {});
  EXPECT_EQ(ask("SELECT outcomes FROM batches"), "ppp") << "the other tier is still to answer";
  settle(due(Tier::premium).at(0), {{1}});
  EXPECT_EQ(ask("SELECT outcomes FROM batches"), "exe");
  expect_proved();
}

TEST_F(SqliteGatheringTest, AFullBacklogKeepsNothingWaiting) {
  options.models.backlog_bytes_max = 1;
  open();
  commit("ada", "c");
  options.models.backlog_bytes_max = 0;
  open();
  EXPECT_EQ(commit("ada", "c").backlog_full, 1);
  EXPECT_EQ(ask("SELECT group_concat(outcomes) FROM batches"), "p,s");
}

TEST_F(SqliteGatheringTest, ScoresAndBytesAreKeptWithTheBatch) {
  open();
  commit("ada", "scn");
  EXPECT_EQ(ask("SELECT hex(scores) FROM batches"), "646E645A0AFF");
  EXPECT_EQ(ask("SELECT bytes || ' ' || noise_bytes || ' ' || chosen_bytes FROM batches"), "27 9 9");
}

// The selector's state ---------------------------------------------------------------------------

TEST_F(SqliteGatheringTest, AClaimBringsTheSelectorOfTheNewestCommit) {
  open();
  ASSERT_TRUE(claim.selector);
  EXPECT_EQ(claim.selector->offset, 0);
  EXPECT_EQ(claim.selector->bytes, "");
  pipeline::PartitionCommit commit{chat0, claim.token, claim.seq, 7, {{0, 7}}, {}, {}};
  commit.selector = {.offset = 5, .bytes = std::string{"a\0b", 3}};
  ASSERT_TRUE(store->commit({&commit, 1}));
  claim = store->claim(request()).value();
  ASSERT_TRUE(claim.selector);
  EXPECT_EQ(claim.selector->offset, 5);
  EXPECT_EQ(claim.selector->bytes, (std::string{"a\0b", 3}));
  auto by_hash = request();
  by_hash.selects = false;
  EXPECT_FALSE(store->claim(by_hash).value().selector);
}

TEST_F(SqliteGatheringTest, ASelectorThatWasLeftFarBehindBeginsAnew) {
  open();
  pipeline::PartitionCommit commit{chat0, claim.token, claim.seq, 300'000, {{0, 300'000}}, {}, {}};
  commit.selector = {.offset = 5, .bytes = "state"};
  ASSERT_TRUE(store->commit({&commit, 1}));
  claim = store->claim(request()).value();
  EXPECT_EQ(claim.selector->offset, 300'000);
  EXPECT_EQ(claim.selector->bytes, "");
  EXPECT_EQ(ask("SELECT selection_offset || hex(selection) FROM partitions"), "300000");
}

}  // namespace
}  // namespace alluvium::connectors
