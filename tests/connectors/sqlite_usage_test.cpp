// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_usage.hpp"

#include <gmock/gmock.h>

#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::BudgetScope;
using pipeline::Money;
using testing::HasSubstr;
using testing::IsEmpty;

class SqliteUsageTest : public SqliteTest {
 protected:
  [[nodiscard]] std::unique_ptr<SqliteUsage> open_usage() const {
    auto usage = SqliteUsage::open(path_);
    EXPECT_TRUE(usage.has_value()) << usage.error().detail;
    return usage ? std::move(*usage) : nullptr;
  }
  void call(int batch, const std::string& tier, const std::string& outcome, int prompt, int completion,
            const std::string& cost, int memories, const std::string& month = "2026-01") const {
    execute(
        "INSERT INTO calls(batch, agent_id, org_id, tier, mode, endpoint, model, month, hash, messages, outcome,"
        " prompt_tokens, completion_tokens, cached_tokens, cost, memories, error, started_ms, ended_ms) VALUES(" +
        std::to_string(batch) + ", 'ada', '', '" + tier + "', 'call', 'e', '" + tier + "-model', '" + month +
        "', 'h', 6, '" + outcome + "', " + std::to_string(prompt) + ", " + std::to_string(completion) + ", 0, " + cost +
        ", " + std::to_string(memories) + ", '', 1, 2)");
  }
  void request(const std::string& agent, const std::string& org, const std::string& state) const {
    const auto sample = batch_of(agent, {{.offset = 0}}).batch;
    const auto text = pipeline::encode_request(pipeline::make_request(pipeline::Tier::small, sample, {0}));
    execute(
        "INSERT INTO requests(batch, agent_id, org_id, tier, mode, state, due_ms, created_ms, updated_ms, messages,"
        " bytes, request) VALUES(1, '" +
        agent + "', '" + org + "', 'small', 'call', '" + state + "', 99, 0, 0, 1, 9, '" + text +
        "'); INSERT INTO request_batches(batch, request_id) SELECT 1, max(id) FROM requests");
  }
  [[nodiscard]] std::int64_t due_now() const {
    return integer("SELECT count(*) FROM requests WHERE due_ms = 0");
  }
};

TEST_F(SqliteUsageTest, ALimitSetIsALimitReadAndAnotherTakesItsPlace) {
  ASSERT_EQ(set_budget(path_, BudgetScope::agent, "ada", Money{50}, 1).value(), 0) << "also where no store is yet";
  ASSERT_TRUE(set_budget(path_, BudgetScope::org, "ada", Money{70}, 1));
  EXPECT_EQ(open_usage()->account(BudgetScope::agent, "ada", "2026-01").value().limit, Money{50});
  EXPECT_EQ(open_usage()->account(BudgetScope::org, "ada", "2026-01").value().limit, Money{70});
  EXPECT_EQ(open_usage()->account(BudgetScope::global, "", "2026-01").value().limit, std::nullopt);
  ASSERT_TRUE(set_budget(path_, BudgetScope::agent, "ada", Money{0}, 2));
  EXPECT_EQ(open_usage()->account(BudgetScope::agent, "ada", "2026-01").value().limit, Money{0});
  ASSERT_TRUE(set_budget(path_, BudgetScope::agent, "ada", std::nullopt, 3));
  EXPECT_EQ(open_usage()->account(BudgetScope::agent, "ada", "2026-01").value().limit, std::nullopt);
  EXPECT_EQ(open_usage()->account(BudgetScope::org, "ada", "2026-01").value().limit, Money{70});
}

TEST_F(SqliteUsageTest, ANewLimitMakesWhatItParkedDueAndNothingElse) {
  create_store();
  request("ada", "acme", "parked");
  request("ada", "acme", "degraded");
  request("bob", "acme", "parked");
  request("eve", "", "parked");
  EXPECT_EQ(set_budget(path_, BudgetScope::agent, "ada", Money{1}, 1).value(), 1);
  EXPECT_EQ(due_now(), 1);
  EXPECT_EQ(set_budget(path_, BudgetScope::org, "acme", std::nullopt, 1).value(), 2);
  EXPECT_EQ(due_now(), 2);
  EXPECT_EQ(set_budget(path_, BudgetScope::global, "", Money{1}, 1).value(), 3);
  EXPECT_EQ(due_now(), 3);
}

TEST_F(SqliteUsageTest, ListsAccountsOfTheMonthTheMostSpentFirst) {
  create_store();
  execute(
      "INSERT INTO spend(scope, key, month, spent, reserved, unknown_calls, alerted) VALUES"
      "('agent', 'ada', '2026-01', 5, 1, 0, NULL), ('agent', 'bob', '2026-01', 9, 0, 2, 8),"
      "('global', '', '2026-01', 14, 1, 2, NULL), ('agent', 'old', '2025-12', 99, 0, 0, NULL)");
  ASSERT_TRUE(set_budget(path_, BudgetScope::agent, "bob", Money{8}, 1));
  ASSERT_TRUE(set_budget(path_, BudgetScope::org, "acme", Money{3}, 1));
  const auto all = open_usage()->accounts("2026-01", 10).value();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].scope, BudgetScope::global);
  EXPECT_EQ(all[1].key, "bob");
  EXPECT_EQ(all[1].spent, Money{9});
  EXPECT_EQ(all[1].limit, Money{8});
  EXPECT_EQ(all[1].alerted, Money{8});
  EXPECT_EQ(all[1].unknown_calls, 2);
  EXPECT_EQ(all[2].key, "ada");
  EXPECT_EQ(all[2].reserved, Money{1});
  EXPECT_EQ(all[2].limit, std::nullopt);
  EXPECT_EQ(all[3].key, "acme");
  EXPECT_EQ(all[3].limit, Money{3});
  EXPECT_EQ(open_usage()->accounts("2026-01", 2).value().size(), 2U);
  EXPECT_EQ(open_usage()->account(BudgetScope::agent, "ada", "2025-12").value().spent, Money{0});
}

TEST_F(SqliteUsageTest, AddsUpWorkByTierAndMonth) {
  create_store();
  EXPECT_THAT(open_usage()->work("").value(), IsEmpty());
  call(1, "small", "failed", 0, 0, "NULL", 0);
  call(1, "small", "answered", 100, 20, "5", 2);
  call(1, "premium", "answered", 10, 2, "7", 1);
  call(2, "small", "cached", 0, 0, "NULL", 1);
  call(3, "small", "answered", 1, 1, "NULL", 0, "2026-02");
  const auto january = open_usage()->work("2026-01").value();
  ASSERT_EQ(january.size(), 3U);
  EXPECT_EQ(january[0].tier, "small");
  EXPECT_EQ(january[0].batches, 2);
  EXPECT_EQ(january[0].calls, 2) << "an answer from the store is no call";
  EXPECT_EQ(january[0].answers, 1);
  EXPECT_EQ(january[0].prompt_tokens, 100);
  EXPECT_EQ(january[0].memories, 3);
  EXPECT_EQ(january[0].cost, Money{5}) << "a failed call cost nothing";
  EXPECT_EQ(january[1].tier, "premium");
  EXPECT_EQ(january[2].tier, "all");
  EXPECT_EQ(january[2].batches, 2);
  EXPECT_EQ(january[2].cost, Money{12});
  EXPECT_EQ(open_usage()->work("").value().front().cost, std::nullopt) << "February's price is unknown";
  EXPECT_THAT(open_usage()->work("2026-03").value(), IsEmpty());
}

TEST_F(SqliteUsageTest, CountsWhatWasSelectedAndWhatWasNot) {
  {
    const auto store = open_store();
    auto skipped = batch_of("ada", {{.offset = 0}, {.offset = 1}}, {0});
    skipped.outcomes[1] = pipeline::Outcome::skipped;
    commit(*store, {commit_of(claim(*store), 4, {skipped, batch_of("bob", {{.offset = 2}, {.offset = 3}})})});
  }
  call(2, "small", "answered", 1, 1, "1", 0);
  request("bob", "", "queued");  // Of batch 1, by its row.
  const auto shape = open_usage()->shape().value();
  EXPECT_EQ(shape.messages, 4);
  EXPECT_EQ(shape.batches, 2);
  EXPECT_EQ(shape.memories, 1);
  EXPECT_EQ(shape.skipped, 1);
  EXPECT_EQ(shape.selected, 2);
}

TEST_F(SqliteUsageTest, KnowsHowOftenThePremiumTierFollowed) {
  create_store();
  EXPECT_EQ(open_usage()->premium_share(6).value().small, 0);
  call(1, "small", "answered", 1, 1, "1", 0);
  call(1, "premium", "failed", 0, 0, "NULL", 0);
  call(2, "small", "answered", 1, 1, "1", 0);
  call(3, "small", "failed", 0, 0, "NULL", 0);
  EXPECT_EQ(open_usage()->premium_share(6).value().small, 2);
  EXPECT_EQ(open_usage()->premium_share(6).value().premium, 1);
  EXPECT_EQ(open_usage()->premium_share(7).value().small, 0) << "too few messages for it";
}

TEST_F(SqliteUsageTest, RemembersTheMeanAnswerAndTheCalibrationOfAModel) {
  create_store();
  EXPECT_EQ(open_usage()->completion_tokens(pipeline::Tier::small, "small-model").value(), std::nullopt);
  EXPECT_EQ(open_usage()->calibration("small-model").value().samples, 0);
  call(1, "small", "answered", 1, 10, "1", 0);
  call(2, "small", "answered", 1, 21, "1", 0);
  call(3, "small", "failed", 0, 0, "NULL", 0);
  execute("INSERT INTO calibrations VALUES('small-model', 4.25, 7)");
  EXPECT_EQ(open_usage()->completion_tokens(pipeline::Tier::small, "small-model").value(), 15.5);
  EXPECT_EQ(open_usage()->completion_tokens(pipeline::Tier::premium, "small-model").value(), std::nullopt);
  EXPECT_EQ(open_usage()->calibration("small-model").value().bytes_per_token, 4.25);
}

TEST_F(SqliteUsageTest, GivesTheRequestsThatWait) {
  create_store();
  request("ada", "", "queued");
  request("bob", "", "parked");
  std::vector<std::string> agents;
  ASSERT_TRUE(open_usage()->requests([&](const pipeline::StoredRequest& stored) {
    EXPECT_EQ(stored.request.messages.size(), 1U);
    agents.push_back(stored.agent_id);
  }));
  EXPECT_THAT(agents, testing::ElementsAre("ada", "bob"));
}

TEST_F(SqliteUsageTest, SaysSoIfThereIsNoStore) {
  const auto error = SqliteUsage::open(path_).error();
  EXPECT_EQ(error.code, pipeline::Errc::invalid_config);
  EXPECT_THAT(error.detail, HasSubstr("there is no store here"));
}

}  // namespace
}  // namespace alluvium::connectors
