// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_requests.hpp"

#include <gtest/gtest.h>

#include "connectors/process_identity.hpp"
#include "pipeline/conclusion.hpp"
#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::CallMode;
using pipeline::Money;
using pipeline::Outcome;
using pipeline::RequestState;
using pipeline::Reserved;
using pipeline::StoredRequest;
using pipeline::Tier;

class SqliteRequestsTest : public testing::Test {
 protected:
  SqliteRequestsTest() {
    options.path = folder.file("store.db");
    options.models.tiers[Tier::small].enabled = true;
    options.models.tiers[Tier::small].min_messages = 1;
    options.models.selection.rate = 1;
  }

  void open() {
    store = open_sqlite_store(options, test_clock).value();
    claim = store->claim({.partition = chat0, .identity = {}, .range = {.first = 0, .end = 1000}}).value();
    reopen();
  }
  void reopen() {
    requests = open_sqlite_requests(options, budgets, test_clock).value();
  }

  /// Commits one batch of `count` messages, all of them worth asking about.
  pipeline::CommitResult commit(const std::string& agent, std::uint32_t count,
                                const std::vector<std::uint32_t>& by_rules = {}) {
    std::vector<pipeline::Position> positions;
    for (std::uint32_t i = 0; i < count; ++i) {
      positions.push_back({next_offset++, 0, 1});
    }
    auto batch = batch_of(agent, positions, by_rules);
    for (std::uint32_t i = 0; i < count; ++i) {
      batch.meaningful.push_back(i);
    }
    pipeline::PartitionCommit commit{chat0, claim.token, claim.seq, next_offset, {}, {}, {}};
    commit.batches.push_back(std::move(batch));
    ++claim.seq;
    return store->commit({&commit, 1}).value();
  }

  StoredRequest only_due() {
    auto due = requests->due(Tier::small, CallMode::call, 10).value();
    EXPECT_EQ(due.size(), 1U);
    return due.empty() ? StoredRequest{} : std::move(due.front());
  }
  Reserved reserve(const StoredRequest& stored, std::optional<Money> cost = Money{100}, std::string hash = "h") {
    return requests->reserve({stored.id, std::move(hash), "small", "model", cost}).value();
  }
  static pipeline::CallEnd end_of(const StoredRequest& stored, std::optional<Money> cost = Money{60}) {
    pipeline::CallEnd end;
    end.request = stored.id;
    end.agent_id = stored.agent_id;
    end.org_id = stored.org_id;
    end.hash = "h";
    end.endpoint = "small";
    end.model = "model";
    end.ended_ms = test_now_ms;
    end.usage = {.prompt = 10, .completion = 2, .cached = 0, .cache_write = 0};
    end.cost = cost;
    end.answer = pipeline::PaidAnswer{"h", "model", "text", "stop", end.usage, cost};
    return end;
  }
  static pipeline::Settlement memory_of(const StoredRequest& stored, std::uint32_t message,
                                        const std::string& content = "likes tea") {
    pipeline::Settlement settlement;
    settlement.model = "model";
    settlement.answer.understood = true;
    pipeline::Memory memory;
    memory.content = content;
    memory.method = pipeline::ExtractionMethod::small_model;
    memory.prompt_id = "p";
    memory.sources = {message};
    memory.id = pipeline::memory_id(stored.request.messages, memory);
    settlement.answer.memories.push_back(std::move(memory));
    settlement.answer.connections.emplace_back("[]");
    return settlement;
  }

  [[nodiscard]] pipeline::OutcomeCounts outcomes() const {
    return reader()->partitions().value().front().outcomes;
  }
  [[nodiscard]] std::unique_ptr<SqliteReader> reader() const {
    return SqliteReader::open(options.path).value();
  }
  void expect_proved() const {
    const auto audits = reader()->verify().value();  // A loop over a part of a temporary would outlive it.
    for (const auto& audit : audits) {
      EXPECT_EQ(audit.faults, std::vector<std::string>{});
    }
  }
  [[nodiscard]] std::int64_t ask(const std::string& sql) const {
    Database database{options.path, Database::Mode::read_only, std::chrono::milliseconds{1000}};
    return database.integer(sql);
  }

  ScratchFolder folder;
  SqliteStoreOptions options;
  pipeline::BudgetOptions budgets;
  std::unique_ptr<pipeline::Store> store;
  std::unique_ptr<pipeline::RequestStore> requests;
  pipeline::Claim claim;
  std::int64_t next_offset = 0;
};

TEST_F(SqliteRequestsTest, ASelectedBatchIsStoredWithARequestAndItsMessagesArePending) {
  open();
  const auto result = commit("a", 3, {1});
  EXPECT_EQ(result.requests, 1);
  EXPECT_EQ(result.moved[Outcome::pending], 2);
  EXPECT_EQ(outcomes()[Outcome::pending], 2);
  EXPECT_EQ(outcomes()[Outcome::extracted], 1);
  EXPECT_EQ(only_due().request.messages.size(), 3U);
  EXPECT_EQ(store->open_calls().value(), 1);
  expect_proved();
}

TEST_F(SqliteRequestsTest, WithoutATierNothingWaits) {
  options.models.tiers[Tier::small].enabled = false;
  open();
  EXPECT_EQ(commit("a", 3).requests, 0);
  EXPECT_EQ(outcomes()[Outcome::empty], 3);
}

TEST_F(SqliteRequestsTest, ABatchThatIsNotSelectedIsSkipped) {
  options.models.selection.rate = 0;
  open();
  commit("a", 3, {0});
  EXPECT_EQ(outcomes()[Outcome::skipped], 2);
  EXPECT_EQ(outcomes()[Outcome::extracted], 1);
  expect_proved();
}

TEST_F(SqliteRequestsTest, TheRateHoldsForEveryAgent) {
  options.models.selection.rate = 0.3;
  open();
  for (int i = 0; i < 20; ++i) {
    commit("a", 1);
    commit("b", 1);
  }
  EXPECT_NEAR(static_cast<double>(outcomes()[Outcome::pending]), 12, 2);
}

TEST_F(SqliteRequestsTest, AnAnswerBecomesMemoriesOutcomesAndMoneyInOneTransaction) {
  open();
  commit("a", 3);
  const auto stored = only_due();
  ASSERT_EQ(reserve(stored).verdict, Reserved::Verdict::send);
  EXPECT_EQ(ask("SELECT reserved FROM spend WHERE scope = 'global'"), 100);
  const auto settled = requests->settle(end_of(stored), memory_of(stored, 2)).value();
  EXPECT_EQ(settled.memories, 1);
  EXPECT_EQ(settled.moved[Outcome::pending], -3);
  EXPECT_EQ(outcomes()[Outcome::extracted], 1);
  EXPECT_EQ(outcomes()[Outcome::empty], 2);
  EXPECT_EQ(ask("SELECT spent FROM spend WHERE scope = 'global'"), 60);
  EXPECT_EQ(ask("SELECT spent FROM spend WHERE scope = 'agent' AND key = 'a'"), 60);
  EXPECT_EQ(ask("SELECT reserved FROM spend WHERE scope = 'global'"), 0);
  EXPECT_EQ(requests->counts().value().open_calls, 0);
  expect_proved();
}

TEST_F(SqliteRequestsTest, SettlingTwiceChangesNothing) {
  open();
  commit("a", 2);
  const auto stored = only_due();
  static_cast<void>(reserve(stored));
  ASSERT_TRUE(requests->settle(end_of(stored), memory_of(stored, 0)));
  const auto again = requests->settle(end_of(stored), memory_of(stored, 0)).value();
  EXPECT_TRUE(again.gone);
  EXPECT_EQ(ask("SELECT count(*) FROM memories"), 1);
  EXPECT_EQ(ask("SELECT spent FROM spend WHERE scope = 'global'"), 60);
  auto late = end_of(stored);  // Another call for it was paid for too.
  late.started_ms = 1;
  EXPECT_TRUE(requests->settle(late, memory_of(stored, 0)).value().gone);
  EXPECT_EQ(ask("SELECT spent FROM spend WHERE scope = 'global'"), 120);
  commit("b", 2);  // Another engine may still have the first one in hand: its number is never given again.
  EXPECT_GT(only_due().id, stored.id);
  EXPECT_EQ(reserve(stored).verdict, Reserved::Verdict::gone);
}

TEST_F(SqliteRequestsTest, WhatWasPaidForOnceIsNotAskedAgain) {
  open();
  commit("a", 2);
  auto stored = only_due();
  static_cast<void>(reserve(stored));
  ASSERT_TRUE(requests->settle(end_of(stored), memory_of(stored, 0)));
  commit("b", 2);
  stored = only_due();
  const auto reserved = reserve(stored);
  EXPECT_EQ(reserved.verdict, Reserved::Verdict::cached);
  ASSERT_TRUE(reserved.answer);
  EXPECT_EQ(reserved.answer->text, "text");
}

TEST_F(SqliteRequestsTest, ARequestUnderWayIsNobodyElses) {
  open();
  commit("a", 2);
  const auto stored = only_due();
  ASSERT_EQ(reserve(stored).verdict, Reserved::Verdict::send);
  EXPECT_EQ(reserve(stored).verdict, Reserved::Verdict::gone);
  EXPECT_TRUE(requests->due(Tier::small, CallMode::call, 10).value().empty());
  EXPECT_EQ(requests->recover_others().value(), 0);
}

TEST_F(SqliteRequestsTest, WhatACrashLeftUnderWayIsQueuedAgainAndCountedAsPossiblyPaid) {
  open();
  commit("a", 2);
  static_cast<void>(reserve(only_due()));
  reopen();
  EXPECT_EQ(requests->recover().value(), 1);
  const auto stored = only_due();
  EXPECT_EQ(stored.attempts, 0U);
  EXPECT_EQ(ask("SELECT spent FROM spend WHERE scope = 'global'"), 100);
  EXPECT_EQ(ask("SELECT count(*) FROM calls WHERE outcome = 'possibly_paid'"), 1);
  expect_proved();
}

TEST_F(SqliteRequestsTest, ALeaseThatRanOutIsTakenBackByOthers) {
  open();
  commit("a", 2);
  static_cast<void>(reserve(only_due()));
  {
    Database database{options.path, Database::Mode::read_write, std::chrono::milliseconds{1000}};
    database.execute("UPDATE requests SET lease_owner = 'another-machine:1:1'");
  }
  EXPECT_EQ(requests->recover_others().value(), 0);
  test_now_ms += pipeline::lease_time.count() + 1;
  EXPECT_EQ(requests->recover_others().value(), 1);
}

TEST_F(SqliteRequestsTest, ABudgetRefusesWhatDoesNotFitAndAlertsOnce) {
  budgets.global = Money{150};
  open();
  commit("a", 2);
  commit("b", 2);
  auto due = requests->due(Tier::small, CallMode::call, 10).value();
  ASSERT_EQ(due.size(), 2U);
  ASSERT_EQ(reserve(due[0]).verdict, Reserved::Verdict::send);
  // 100 are set aside, not spent: what is left of them may do.
  EXPECT_EQ(reserve(due[1]).verdict, Reserved::Verdict::wait);
  ASSERT_TRUE(requests->settle(end_of(due[0], Money{90}), memory_of(due[0], 0)));
  auto refused = reserve(due[1], Money{100}, "other");
  EXPECT_EQ(refused.verdict, Reserved::Verdict::refused);
  EXPECT_TRUE(refused.alert);
  EXPECT_FALSE(reserve(due[1], Money{100}, "other").alert);
  EXPECT_EQ(reserve(due[1], Money{60}, "other").verdict, Reserved::Verdict::send);
}

TEST_F(SqliteRequestsTest, AnUnknownPriceFitsIntoNoBudgetAndNeedsNone) {
  open();
  commit("a", 2);
  EXPECT_EQ(reserve(only_due(), std::nullopt).verdict, Reserved::Verdict::send);
  budgets.per_agent = Money{1'000'000};
  commit("b", 2);
  reopen();
  EXPECT_EQ(reserve(only_due(), std::nullopt).verdict, Reserved::Verdict::refused);
}

TEST_F(SqliteRequestsTest, ADividedRequestLeavesItsMessagesPendingUntilTheLastPart) {
  open();
  commit("a", 3);
  auto stored = only_due();
  static_cast<void>(reserve(stored));
  pipeline::Settlement halves;
  halves.halves = true;
  halves.follow_ups = pipeline::parts_of(stored.request, 2);
  auto end = end_of(stored, std::nullopt);
  end.answer.reset();
  end.usage = {};
  end.error = "400";
  ASSERT_TRUE(requests->settle(end, halves));
  EXPECT_EQ(outcomes()[Outcome::pending], 3);
  const auto parts = requests->due(Tier::small, CallMode::call, 10).value();
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].halvings, 1U);
  static_cast<void>(reserve(parts[0], Money{100}, "h0"));
  ASSERT_TRUE(requests->settle(end_of(parts[0]), memory_of(parts[0], 1)));
  EXPECT_EQ(outcomes()[Outcome::pending], 1);
  static_cast<void>(reserve(parts[1], Money{100}, "h1"));
  pipeline::Settlement dead;
  dead.dead = {0};
  dead.dead_detail = "400: no";
  ASSERT_TRUE(requests->settle(end_of(parts[1]), dead));
  EXPECT_EQ(outcomes()[Outcome::pending], 0);
  EXPECT_EQ(outcomes()[Outcome::dead], 1);
  EXPECT_EQ(outcomes()[Outcome::extracted], 1);
  EXPECT_EQ(outcomes()[Outcome::empty], 1);
  expect_proved();
}

TEST_F(SqliteRequestsTest, AMessageThatDiedIsNotReadAgain) {
  open();
  commit("a", 1);
  const auto stored = only_due();
  static_cast<void>(reserve(stored));
  pipeline::Settlement dead;
  dead.dead = {0};
  ASSERT_TRUE(requests->settle(end_of(stored), dead));
  EXPECT_EQ(store->claim({.partition = chat0, .identity = {}, .range = {.first = 0, .end = 1000}}).value().watermark,
            1);
  expect_proved();
}

TEST_F(SqliteRequestsTest, WhatIsPostponedIsDueWhenItsTimeComesAndDegradedIsRevived) {
  open();
  commit("a", 2);
  const auto stored = only_due();
  static_cast<void>(reserve(stored));
  auto end = end_of(stored, std::nullopt);
  end.error = "503";
  ASSERT_TRUE(requests->postpone(end, {.state = RequestState::degraded,
                                       .due_ms = test_now_ms + 5000,
                                       .asked = false,
                                       .new_round = true,
                                       .mode = std::nullopt,
                                       .reason = "503"}));
  EXPECT_TRUE(requests->due(Tier::small, CallMode::call, 10).value().empty());
  EXPECT_EQ(requests->counts().value().degraded, 1);
  EXPECT_EQ(store->open_calls().value(), 0);
  ASSERT_TRUE(requests->revive(Tier::small));
  const auto again = only_due();
  EXPECT_EQ(again.attempts, 0U);
  EXPECT_EQ(again.rounds, 1U);
  EXPECT_EQ(ask("SELECT reserved FROM spend WHERE scope = 'global'"), 0);
}

TEST_F(SqliteRequestsTest, AgentsTakeTurns) {
  open();
  for (int i = 0; i < 5; ++i) {
    commit("busy", 1);
  }
  commit("quiet", 1);
  const auto due = requests->due(Tier::small, CallMode::call, 2).value();
  ASSERT_EQ(due.size(), 2U);
  EXPECT_NE(due[0].agent_id, due[1].agent_id);
}

TEST_F(SqliteRequestsTest, AFullBacklogLeavesWhatRulesFound) {
  options.models.backlog_requests_max = 1;
  open();
  commit("a", 2);
  const auto stored = only_due();
  ASSERT_TRUE(
      requests->put_off({stored.id}, {.state = RequestState::degraded, .due_ms = test_now_ms + 5000, .reason = "x"}));
  test_now_ms += 2000;
  const auto result = commit("b", 2, {0});
  EXPECT_EQ(result.backlog_full, 1);
  EXPECT_EQ(result.requests, 0);
  EXPECT_EQ(outcomes()[Outcome::skipped], 1);
  expect_proved();
}

TEST_F(SqliteRequestsTest, VerifyFindsAMessageThatWaitsForNothing) {
  open();
  commit("a", 2);
  {
    Database database{options.path, Database::Mode::read_write, std::chrono::milliseconds{1000}};
    database.execute("DELETE FROM requests");
  }
  EXPECT_FALSE(reader()->verify().value().front().faults.empty());
}

TEST_F(SqliteRequestsTest, WithBothTiersAMessageIsPendingUntilBothHaveAnswered) {
  options.models.tiers[Tier::premium].enabled = true;
  options.models.tiers[Tier::premium].min_messages = 1;
  options.models.tiers.both = true;
  open();
  EXPECT_EQ(commit("a", 2).requests, 2);
  const auto small = only_due();
  static_cast<void>(reserve(small));
  ASSERT_TRUE(requests->settle(end_of(small), memory_of(small, 0)));
  EXPECT_EQ(outcomes()[Outcome::extracted], 1);
  EXPECT_EQ(outcomes()[Outcome::pending], 1);
  expect_proved();
}

TEST(ProcessIdentity, ThisProcessLivesAndOneWithAnotherStartTimeDoesNot) {
  EXPECT_TRUE(may_live(this_process()));
  EXPECT_FALSE(may_live(this_process() + "1"));
  EXPECT_TRUE(may_live("another-namespace:1:1"));
  EXPECT_TRUE(may_live(""));
}

}  // namespace
}  // namespace alluvium::connectors
