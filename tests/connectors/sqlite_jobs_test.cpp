// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_jobs.hpp"

#include <gtest/gtest.h>

#include "connectors/process_identity.hpp"
#include "connectors/sqlite_job_list.hpp"
#include "connectors/sqlite_requests.hpp"
#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Adoption;
using pipeline::CallMode;
using pipeline::JobPhase;
using pipeline::Money;
using pipeline::Reserved;
using pipeline::Tier;

class SqliteJobsTest : public testing::Test {
 protected:
  SqliteJobsTest() {
    test_now_ms = 1'767'225'600'000;
    options.path = folder.file("store.db");
    options.models.tiers[Tier::small] = {.enabled = true, .min_messages = 1, .mode = CallMode::batch};
    options.models.selection.rate = 1;
    store = open_sqlite_store(options, test_clock).value();
    claim = store->claim({.partition = chat0, .identity = {}, .range = {.first = 0, .end = 1000}}).value();
    reopen();
  }
  void reopen() {
    jobs = open_sqlite_jobs(options, budgets, test_clock).value();
    requests = open_sqlite_requests(options, budgets, test_clock).value();
  }
  /// One request each.
  void commit(int count) {
    pipeline::PartitionCommit commit{chat0, claim.token, claim.seq++, 0, {}, {}, {}};
    for (int i = 0; i < count; ++i) {
      auto batch = batch_of("a" + std::to_string(next_offset), {{next_offset, 0, 1}});
      ++next_offset;
      batch.meaningful = {0};
      commit.batches.push_back(std::move(batch));
    }
    commit.watermark = next_offset;
    ASSERT_TRUE(store->commit({&commit, 1}).has_value());
  }
  static pipeline::Reservation wanted(std::int64_t request, std::optional<Money> cost = Money{100},
                                      std::string hash = {}) {
    return {request, hash.empty() ? "hash-of-request-" + std::to_string(request) : std::move(hash), "small", "model",
            cost};
  }
  pipeline::StoredJob job_of(const std::vector<std::int64_t>& ids) {
    std::vector<pipeline::Reservation> reservations;
    for (const auto id : ids) {
      reservations.push_back(wanted(id));
    }
    return jobs->fill(0, reservations, 0).value().job.value();
  }
  [[nodiscard]] std::int64_t ask(const std::string& sql) const {
    return Database{options.path, Database::Mode::read_only, std::chrono::milliseconds{1000}}.integer(sql);
  }
  void execute(const std::string& sql) const {
    Database{options.path, Database::Mode::read_write, std::chrono::milliseconds{1000}}.execute(sql.c_str());
  }
  [[nodiscard]] std::int64_t reserved() const {
    return ask("SELECT coalesce(sum(reserved), 0) FROM spend WHERE scope = 'global'");
  }

  ScratchFolder folder;
  SqliteStoreOptions options;
  pipeline::BudgetOptions budgets;
  std::unique_ptr<pipeline::Store> store;
  std::unique_ptr<pipeline::JobStore> jobs;
  std::unique_ptr<pipeline::RequestStore> requests;
  pipeline::Claim claim;
  std::int64_t next_offset = 0;
};

TEST_F(SqliteJobsTest, TheOldestRequestsGoFirstAndOnlyThoseThatAreDue) {
  commit(4);
  execute("UPDATE requests SET due_ms = " + std::to_string(test_now_ms + 1) + " WHERE id = 2");
  execute("UPDATE requests SET state = 'degraded' WHERE id = 1");
  std::vector<std::int64_t> ids;
  const auto due = jobs->due(Tier::small, 10).value();
  for (const auto& stored : due) {
    ids.push_back(stored.id);
  }
  EXPECT_EQ(ids, (std::vector<std::int64_t>{3, 4, 1}));
  EXPECT_EQ(jobs->due(Tier::small, 2).value().size(), 2U);
  EXPECT_TRUE(jobs->due(Tier::premium, 10).value().empty());
  test_now_ms += 1;
  EXPECT_EQ(jobs->due(Tier::small, 10).value().size(), 4U);
}

TEST_F(SqliteJobsTest, AJobIsBegunByTheFirstRequestThatGoesIntoItAndGrows) {
  commit(3);
  const auto first = jobs->fill(0, {wanted(1), wanted(2)}, 0).value();
  ASSERT_TRUE(first.job);
  EXPECT_EQ(first.job->requests, 2);
  EXPECT_EQ(first.job->attempts, 0);
  EXPECT_TRUE(first.job->tag.starts_with("alluvium-"));
  EXPECT_EQ(first.job->tag.size(), 25U);
  const auto second = jobs->fill(first.job->id, {wanted(3)}, 0).value();
  EXPECT_EQ(second.job->id, first.job->id);
  EXPECT_EQ(second.job->requests, 3);
  EXPECT_EQ(reserved(), 300);
  EXPECT_EQ(requests->counts()->submitted, 3);
  const auto entries = jobs->entries(first.job->id, 1, 10).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].custom_id, "r2-hash-of-request-");
  EXPECT_EQ(entries[0].hash, "hash-of-request-2");
  EXPECT_EQ(entries[0].stored.attempts, 1U);
}

TEST_F(SqliteJobsTest, ARequestThatIsInAJobOrSentGoesIntoNoOther) {
  commit(2);
  job_of({1});
  ASSERT_EQ(requests->reserve(wanted(2))->verdict, Reserved::Verdict::send);
  const auto again = jobs->fill(0, {wanted(1), wanted(2)}, 0).value();
  EXPECT_FALSE(again.job);
  EXPECT_EQ(again.verdicts[0].verdict, Reserved::Verdict::gone);
  EXPECT_EQ(again.verdicts[1].verdict, Reserved::Verdict::gone);
  EXPECT_EQ(requests->reserve(wanted(1))->verdict, Reserved::Verdict::gone);
}

TEST_F(SqliteJobsTest, ATwinWaitsForTheAnswerOfTheOther) {
  commit(2);
  const auto fill = jobs->fill(0, {wanted(1, Money{5}, "same"), wanted(2, Money{5}, "same")}, test_now_ms + 7).value();
  EXPECT_EQ(fill.verdicts[0].verdict, Reserved::Verdict::send);
  EXPECT_EQ(fill.verdicts[1].verdict, Reserved::Verdict::wait);
  EXPECT_EQ(reserved(), 5);
  EXPECT_TRUE(jobs->due(Tier::small, 10)->empty());
  test_now_ms += 7;
  EXPECT_EQ(jobs->due(Tier::small, 10)->size(), 1U);
}

TEST_F(SqliteJobsTest, WhatWasPaidForIsNotPutIntoAJob) {
  commit(1);
  execute("INSERT INTO answers VALUES('paid', 'model', 'text', 'stop', 1, 1, 0, 0, NULL, " +
          std::to_string(test_now_ms) + ")");
  const auto fill = jobs->fill(0, {wanted(1, Money{5}, "paid")}, 0).value();
  EXPECT_FALSE(fill.job);
  EXPECT_EQ(fill.verdicts[0].verdict, Reserved::Verdict::cached);
  EXPECT_EQ(fill.verdicts[0].answer->text, "text");
  EXPECT_EQ(reserved(), 0);
}

TEST_F(SqliteJobsTest, ABudgetThatHoldsTwoTakesTwo) {
  budgets.global = Money{200};
  reopen();
  commit(4);
  const auto fill = jobs->fill(0, {wanted(1), wanted(2), wanted(3), wanted(4, Money{201})}, test_now_ms + 1).value();
  EXPECT_EQ(fill.job->requests, 2);
  EXPECT_EQ(fill.verdicts[2].verdict, Reserved::Verdict::wait);
  EXPECT_EQ(fill.verdicts[3].verdict, Reserved::Verdict::refused);
  EXPECT_TRUE(fill.verdicts[3].alert);
  EXPECT_EQ(reserved(), 200);
}

TEST_F(SqliteJobsTest, AnUnknownPriceGoesOnlyWhereNothingIsLimited) {
  commit(1);
  budgets.global = Money{1'000'000};
  reopen();
  EXPECT_EQ(jobs->fill(0, {wanted(1, std::nullopt)}, 0)->verdicts[0].verdict, Reserved::Verdict::refused);
  budgets = {};
  reopen();
  EXPECT_EQ(jobs->fill(0, {wanted(1, std::nullopt)}, 0)->verdicts[0].verdict, Reserved::Verdict::send);
}

TEST_F(SqliteJobsTest, AJobOfAnotherLivingProcessIsLeftAloneUntilItsLeaseEnds) {
  commit(1);
  const auto job = job_of({1});
  const auto parent = "pid:[1]:1:1";  // Of another namespace: nobody here can tell whether it lives.
  execute(std::string{"UPDATE jobs SET lease_owner = '"} + parent + "'");
  EXPECT_TRUE(jobs->lease({"small"})->empty());
  EXPECT_FALSE(jobs->renew(job.id).value());
  test_now_ms += pipeline::job_lease_time.count();
  EXPECT_TRUE(jobs->lease({"small"})->empty());
  test_now_ms += 1;
  EXPECT_EQ(jobs->lease({"small"})->size(), 1U);
  EXPECT_TRUE(jobs->renew(job.id).value());
}

TEST_F(SqliteJobsTest, AJobOfADeadProcessIsTakenAtOnce) {
  commit(1);
  job_of({1});
  auto dead = this_process();
  dead.replace(dead.rfind(':') + 1, std::string::npos, "1");  // Our number, but started at another time.
  execute("UPDATE jobs SET lease_owner = '" + dead + "'");
  EXPECT_EQ(jobs->lease({"small"})->size(), 1U);
}

TEST_F(SqliteJobsTest, OnlyOpenJobsOfTheseEndpointsAreLeased) {
  commit(2);
  const auto job = job_of({1});
  EXPECT_TRUE(jobs->lease({"other"})->empty());
  ASSERT_TRUE(jobs->finish(job.id, JobPhase::ended, "").has_value());
  EXPECT_TRUE(jobs->lease({"small"})->empty());
  EXPECT_EQ(jobs->counts({"small"}, {Tier::small})->open, 0);
  EXPECT_EQ(jobs->counts({"small"}, {Tier::small})->waiting, 1);
}

TEST_F(SqliteJobsTest, LeasesThatAreGivenBackAreAnothersAtOnce) {
  commit(1);
  job_of({1});
  ASSERT_TRUE(jobs->release_leases().has_value());
  EXPECT_EQ(ask("SELECT count(*) FROM jobs WHERE lease_owner = ''"), 1);
}

TEST_F(SqliteJobsTest, AnAttemptLeavesTheJobUnsureUntilItIsKnown) {
  commit(1);
  const auto job = job_of({1});
  ASSERT_TRUE(jobs->attempt(job.id, test_now_ms + 5).has_value());
  auto now = jobs->lease({"small"})->front();
  EXPECT_TRUE(now.unsure);
  EXPECT_EQ(now.attempts, 1);
  EXPECT_EQ(now.due_ms, test_now_ms + 5);
  ASSERT_TRUE(jobs->attempt_failed(job.id, false, 77, "529").has_value());
  now = jobs->lease({"small"})->front();
  EXPECT_FALSE(now.unsure);
  EXPECT_EQ(now.due_ms, 77);
  EXPECT_EQ(now.detail, "529");
  EXPECT_EQ(jobs->submitted(job.id, "batch_1", false, 88).value(), Adoption::taken);
  now = jobs->lease({"small"})->front();
  EXPECT_EQ(now.phase, JobPhase::running);
  EXPECT_EQ(now.provider_id, "batch_1");
}

TEST_F(SqliteJobsTest, AProvidersJobIsOneOfOursAndGoesToTheOneWithProof) {
  commit(3);
  const auto a = job_of({1});
  const auto b = job_of({2});
  const auto c = job_of({3});
  EXPECT_EQ(jobs->submitted(a.id, "theirs", true, 0).value(), Adoption::taken);
  EXPECT_EQ(jobs->submitted(b.id, "theirs", true, 0).value(), Adoption::disputed);
  EXPECT_EQ(jobs->submitted(b.id, "theirs", false, 0).value(), Adoption::taken);
  EXPECT_EQ(jobs->submitted(c.id, "theirs", false, 0).value(), Adoption::held);
  EXPECT_EQ(jobs->submitted(c.id, "theirs", true, 0).value(), Adoption::held);
  const auto open = jobs->lease({"small"}).value();
  EXPECT_EQ(open[0].phase, JobPhase::submitting);
  EXPECT_TRUE(open[0].unsure);
  EXPECT_EQ(open[0].rejected, "theirs");
  EXPECT_EQ(open[1].provider_id, "theirs");
}

TEST_F(SqliteJobsTest, AResultFindsItsRequestByCustomIdAndNoOther) {
  commit(2);
  const auto job = job_of({1, 2});
  EXPECT_EQ(jobs->entry(job.id, "r2-hash-of-request-").value()->stored.id, 2);
  for (const auto* wrong :
       {"r3-hash-of-request-", "r2-another", "x2-hash-of-request-", "", "r", "r2", "r99999999999999999999999-hash"}) {
    EXPECT_FALSE(jobs->entry(job.id, wrong).value()) << wrong;
  }
  EXPECT_FALSE(jobs->entry(job.id + 1, "r2-hash-of-request-").value());
}

TEST_F(SqliteJobsTest, PostponingWithAJobTakesTheRequestOutOfItAndGivesItsMoneyBack) {
  commit(1);
  const auto job = job_of({1});
  pipeline::CallEnd end;
  end.request = 1;
  end.ended_ms = test_now_ms;
  end.error = "500";
  pipeline::Postponement how;
  how.due_ms = 9;
  // Of a call, or of another job: not this one's.
  ASSERT_TRUE(requests->postpone(end, how).has_value());
  end.job = job.id + 1;
  ASSERT_TRUE(requests->postpone(end, how).has_value());
  EXPECT_EQ(requests->counts()->submitted, 1);
  end.job = job.id;
  ASSERT_TRUE(requests->postpone(end, how).has_value());
  EXPECT_EQ(requests->counts()->queued, 1);
  EXPECT_EQ(reserved(), 0);
  EXPECT_TRUE(jobs->entries(job.id, 0, 10)->empty());
}

TEST_F(SqliteJobsTest, ReleasedWithoutAResultNothingIsSpentUnlessItMayHaveBeen) {
  commit(2);
  const auto job = job_of({1, 2});
  pipeline::Postponement how;
  how.state = pipeline::RequestState::degraded;
  how.new_round = true;
  how.due_ms = test_now_ms + 1;
  how.reason = "why";
  ASSERT_TRUE(jobs->release(job.id, {1}, how, false).has_value());
  EXPECT_EQ(reserved(), 100);
  EXPECT_EQ(ask("SELECT spent FROM spend WHERE scope = 'global'"), 0);
  ASSERT_TRUE(jobs->release(job.id, {2}, how, true).has_value());
  EXPECT_EQ(reserved(), 0);
  EXPECT_EQ(ask("SELECT spent FROM spend WHERE scope = 'global'"), 100);
  EXPECT_EQ(ask("SELECT count(*) FROM calls WHERE outcome = 'possibly_paid'"), 1);
  EXPECT_EQ(ask("SELECT sum(rounds) FROM requests WHERE state = 'degraded' AND attempts = 0"), 2);
  // Twice is once.
  ASSERT_TRUE(jobs->release(job.id, {2}, how, true).has_value());
  EXPECT_EQ(ask("SELECT spent FROM spend WHERE scope = 'global'"), 100);
}

TEST_F(SqliteJobsTest, TheListShowsWhereTheRequestsOfAJobAre) {
  commit(5);
  const auto job = job_of({1, 2, 3, 4});
  pipeline::Postponement how;
  ASSERT_TRUE(jobs->release(job.id, {1}, how, false).has_value());
  how.state = pipeline::RequestState::parked;
  how.due_ms = pipeline::until_resumed_ms;
  ASSERT_TRUE(jobs->release(job.id, {2}, how, false).has_value());
  execute("DELETE FROM requests WHERE id = 3");
  const auto list = SqliteJobList::open(options.path).value();
  const auto row = list->job(job.id).value().value();
  EXPECT_EQ(row.queued, 1);
  EXPECT_EQ(row.parked, 1);
  EXPECT_EQ(row.submitted, 1);
  EXPECT_EQ(row.answered(), 1);
  EXPECT_FALSE(list->job(99).value());
  EXPECT_EQ(list->waiting()->size(), 3U);  // queued, parked, submitted
  EXPECT_EQ(list->resume(job.id).value(), 2);
  EXPECT_EQ(requests->counts()->parked, 0);
}

TEST_F(SqliteJobsTest, ACancelIsTakenBackByResumeUnlessTheProviderKnows) {
  commit(1);
  const auto job = job_of({1});
  const auto list = SqliteJobList::open(options.path).value();
  EXPECT_TRUE(list->cancel(job.id).value());
  EXPECT_EQ(jobs->lease({"small"})->front().cancel, pipeline::CancelState::wanted);
  ASSERT_TRUE(list->resume(job.id).has_value());
  EXPECT_EQ(jobs->lease({"small"})->front().cancel, pipeline::CancelState::no);
  ASSERT_TRUE(jobs->cancel_told(job.id).has_value());
  ASSERT_TRUE(list->resume(job.id).has_value());
  EXPECT_EQ(jobs->lease({"small"})->front().cancel, pipeline::CancelState::told);
  ASSERT_TRUE(jobs->finish(job.id, JobPhase::canceled, "").has_value());
  EXPECT_FALSE(list->cancel(job.id).value());
}

}  // namespace
}  // namespace alluvium::connectors
