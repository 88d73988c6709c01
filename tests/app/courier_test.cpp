// SPDX-License-Identifier: Apache-2.0
#include "actors/courier.hpp"

#include "tests/app/courier_fixture.hpp"

namespace alluvium::actors {
namespace {

using pipeline::Money;
using Submit = tests::FakeBatches::Submit;

constexpr Submit overloaded{.takes = false, .tells = true, .status = 529};

TEST_F(CourierTest, AnswersComeBackInAnyOrderAndReachTheirOwnMessages) {
  commit(7);
  finish();
  EXPECT_EQ(provider.submissions, 1U);
  EXPECT_EQ(memories(), 7);
  EXPECT_EQ(ask("SELECT count(*) FROM requests"), 0);
  // Each memory rests on the message whose text was in its body.
  for (const auto& [body, count] : provider.answered) {
    const auto from = body.find("message ") + 8;
    const auto number = body.substr(from, body.find_first_not_of("0123456789", from) - from);
    EXPECT_EQ(ask("SELECT count(*) FROM memories WHERE source_message_ids = '[\"m" + number + "\"]' AND content = '" +
                  "Read: " + pipeline::request_hash("", body) + "'"),
              1)
        << body;
  }
  expect_proved();
}

TEST_F(CourierTest, AJobIsPolledEveryPollIntervalAndNotBefore) {
  provider.polls_until_end = 3;
  commit(1);
  step();
  ASSERT_EQ(provider.jobs.size(), 1U);
  const auto sent_ms = provider.submitted_at.front();
  while (provider.jobs.front().polls < 3) {
    const auto before = provider.jobs.front().polls;
    const auto now_ms = connectors::test_now_ms;
    step();
    if (provider.jobs.front().polls > before) {
      EXPECT_GE(now_ms - sent_ms, (before + 1) * 300'000);
      EXPECT_LT(now_ms - sent_ms, (before + 1) * 300'000 + 60'000);
    }
  }
  EXPECT_EQ(memories(), 1);
}

TEST_F(CourierTest, ResultsCostHalfThePrice) {
  commit(2);
  finish();
  EXPECT_EQ(ask("SELECT spent FROM spend WHERE scope = 'global'"), 2 * (100 * 500 + 20 * 1000));
  EXPECT_EQ(ask("SELECT count(*) FROM calls WHERE mode = 'batch' AND outcome = 'answered'"), 2);
}

TEST_F(CourierTest, OneMoreRequestThanAJobHoldsMakesTwoJobs) {
  provider.most_requests = 10'000;
  commit(10'001);
  step();
  ASSERT_EQ(provider.jobs.size(), 2U);
  EXPECT_EQ(provider.jobs[0].requests.size(), 10'000U);
  EXPECT_EQ(provider.jobs[1].requests.size(), 1U);
  finish();
  EXPECT_EQ(memories(), 10'001);
  EXPECT_EQ(most_answers(), 1);
}

TEST_F(CourierTest, ExactlyAsManyRequestsAsAJobHoldsAreOneJob) {
  options.requests_max = 5;
  remake();
  commit(5);
  step();
  EXPECT_EQ(provider.jobs.size(), 1U);
}

TEST_F(CourierTest, AJobHoldsNoMoreBytesThanItsLimit) {
  commit(1);
  step();
  const auto one = provider.jobs.front().requests.front().body.size();
  commit(9);
  options.bytes_max = one * 4;
  remake();
  step();
  ASSERT_EQ(provider.jobs.size(), 4U);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_LE(provider.jobs[i].requests.size(), 4U);
  }
  finish();
  EXPECT_EQ(memories(), 10);
}

TEST_F(CourierTest, ARequestLargerThanTheLimitGoesAlone) {
  options.bytes_max = 10;
  remake();
  commit(2);
  step();
  EXPECT_EQ(provider.jobs.size(), 2U);
}

TEST_F(CourierTest, OnlyWhatFailedIsSentAgain) {
  int failures = 0;
  provider.fate = [&](const pipeline::JobRequest& request, pipeline::JobResult& result) {
    if (failures >= 3 || provider.jobs.size() > 1) {
      return true;
    }
    ++failures;
    if (failures == 1) {
      result.reply = {};
      result.reply.status = 500;
    } else if (failures == 2) {
      result.expired_or_canceled = true;
    }
    provider.answered[request.body] = 0;
    return failures != 3;  // The third one is not in the results at all.
  };
  commit(8);
  finish();
  ASSERT_GE(provider.jobs.size(), 2U);
  std::size_t again = 0;
  for (std::size_t i = 1; i < provider.jobs.size(); ++i) {
    again += provider.jobs[i].requests.size();
  }
  EXPECT_EQ(again, 3U);
  EXPECT_EQ(memories(), 8);
  EXPECT_EQ(most_answers(), 1);
  expect_proved();
}

TEST_F(CourierTest, WhatIsNeverAnsweredEndsInTheBacklog) {
  provider.fate = [](const pipeline::JobRequest&, pipeline::JobResult&) { return false; };
  commit(2);
  for (int i = 0; i < 60 && waiting("degraded") < 2; ++i) {
    step();
  }
  EXPECT_EQ(waiting("degraded"), 2);
  EXPECT_EQ(provider.submissions, options.models.retry.max + 1);
  EXPECT_EQ(memories(), 0);
}

TEST_F(CourierTest, ARefusedRequestIsDividedUntilTheMessageAtFaultIsAlone) {
  provider.fate = [](const pipeline::JobRequest& request, pipeline::JobResult& result) {
    if (request.body.find("message 2\n") != std::string::npos) {
      result.reply = {};
      result.reply.status = 400;
      result.reply.error_type = "invalid_request_error";
    }
    return true;
  };
  commit(1, 4);
  finish();
  EXPECT_EQ(ask("SELECT count(*) FROM dead_letters WHERE message_id = 'm2'"), 1);
  EXPECT_EQ(ask("SELECT count(*) FROM dead_letters"), 1);
  EXPECT_EQ(ask("SELECT count(*) FROM requests"), 0);
  expect_proved();
}

TEST_F(CourierTest, FailedSubmissionsComeAgainAfterOneTwoAndFourSeconds) {
  provider.next = {overloaded, overloaded, overloaded};
  commit(3);
  finish();
  ASSERT_EQ(provider.submissions, 4U);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto gap = provider.submitted_at[i + 1] - provider.submitted_at[i];
    EXPECT_GE(gap, 800 << i);
    EXPECT_LE(gap, (1200 << i) + 1);
  }
  EXPECT_EQ(provider.jobs.size(), 1U);
  EXPECT_EQ(memories(), 3);
}

TEST_F(CourierTest, AProviderThatNeverTakesThemLeavesThemInTheBacklog) {
  provider.next.assign(4, overloaded);
  commit(3);
  for (int i = 0; i < 20 && waiting("degraded") < 3; ++i) {
    step();
  }
  EXPECT_EQ(provider.submissions, 4U);
  EXPECT_EQ(waiting("degraded"), 3);
  EXPECT_EQ(ask("SELECT count(*) FROM jobs WHERE state = 'failed'"), 1);
  expect_proved();
  connectors::test_now_ms += 3'600'000;
  finish();
  EXPECT_EQ(memories(), 3);
}

TEST_F(CourierTest, AKeyThatIsRefusedIsNotTriedAgainAtOnce) {
  provider.next = {{.takes = false, .tells = true, .status = 401}};
  commit(3);
  step();
  EXPECT_EQ(provider.submissions, 1U);
  EXPECT_EQ(waiting("degraded"), 3);
}

TEST_F(CourierTest, AJobThatIsRefusedAsAWholeIsFollowedBySmallerOnes) {
  provider.next = {{.takes = false, .tells = true, .status = 413}};
  commit(9);
  finish();
  EXPECT_EQ(provider.jobs.front().requests.size(), 5U);
  EXPECT_EQ(memories(), 9);
  EXPECT_EQ(most_answers(), 1);
}

TEST_F(CourierTest, AJobThatFailsItsProvidersValidationLeavesItsRequestsInTheBacklog) {
  commit(4);
  step();
  provider.jobs.front().status.state = pipeline::JobState::failed;
  provider.jobs.front().status.detail = "token_limit_exceeded";
  for (int i = 0; i < 10 && waiting("degraded") == 0; ++i) {
    step();
  }
  EXPECT_EQ(waiting("degraded"), 4);
  EXPECT_EQ(ask("SELECT count(*) FROM jobs WHERE state = 'failed' AND detail = 'token_limit_exceeded'"), 1);
  expect_proved();
}

TEST_F(CourierTest, WithoutBudgetRequestsAreParkedUntilNextMonthWithOneAlert) {
  budgets.global = Money{1};
  reopen();
  commit(3);
  step();
  EXPECT_EQ(provider.submissions, 0U);
  EXPECT_EQ(waiting("parked"), 3);
  EXPECT_EQ(metrics.requests_parked.load(), 3);
  EXPECT_EQ(ask("SELECT count(*) FROM spend WHERE alerted IS NOT NULL"), 1);
  EXPECT_GT(ask("SELECT min(due_ms) FROM requests"), connectors::test_now_ms);
  budgets.global = Money{1'000'000'000};
  reopen();
  connectors::test_now_ms += std::int64_t{32} * 24 * 3'600'000;
  finish();
  EXPECT_EQ(memories(), 3);
}

TEST_F(CourierTest, TheBudgetIsHeldWhileResultsAreOut) {
  commit(1);
  step();
  const auto one = ask("SELECT reserved FROM spend WHERE scope = 'global'");
  ASSERT_GT(one, 0);
  budgets.global = Money{one * 3};
  reopen();
  commit(5);
  steps(2);
  EXPECT_LE(ask("SELECT reserved + spent FROM spend WHERE scope = 'global'"), one * 3);
  EXPECT_GE(waiting("submitted"), 2);
  EXPECT_LT(waiting("submitted"), 4);
  finish(2000);
  EXPECT_EQ(memories() + waiting("parked"), 6);
  EXPECT_LE(ask("SELECT reserved + spent FROM spend WHERE scope = 'global'"), one * 3);
}

TEST_F(CourierTest, TwinsAreAskedOnce) {
  commit(5, 1, "the same to all");
  finish();
  EXPECT_EQ(provider.answered.size(), 1U);
  EXPECT_EQ(most_answers(), 1);
  EXPECT_EQ(memories(), 5);  // Of five agents.
  EXPECT_EQ(metrics.answers_reused.load(), 4);
  expect_proved();
}

TEST_F(CourierTest, AnotherConfigMeansThatTheRequestsOfAnUnsentJobGoAnew) {
  provider.next = {overloaded};
  commit(2);
  step();
  options.models.tiers[0].voice.instructions = "another prompt";
  reopen();
  finish();
  EXPECT_EQ(memories(), 2);
  EXPECT_EQ(provider.jobs.size(), 1U);
  EXPECT_NE(provider.jobs.front().requests.front().body.find("another prompt"), std::string::npos);
  expect_proved();
}

TEST_F(CourierTest, ACanceledJobIsCanceledAtItsProviderAndItsRequestsWaitForResume) {
  const auto list = connectors::SqliteJobList::open(store_options.path).value();
  commit(3);
  step();
  ASSERT_TRUE(list->cancel(1).value());
  finish();
  EXPECT_TRUE(provider.jobs.front().canceled);
  EXPECT_EQ(waiting("parked"), 3);
  EXPECT_EQ(ask("SELECT count(*) FROM jobs WHERE state = 'canceled'"), 1);
  connectors::test_now_ms += std::int64_t{40} * 24 * 3'600'000;
  steps(3);
  EXPECT_EQ(waiting("parked"), 3);
  EXPECT_FALSE(list->cancel(1).value());
  EXPECT_EQ(list->resume(1).value(), 3);
  finish();
  EXPECT_EQ(memories(), 3);
  expect_proved();
}

TEST_F(CourierTest, AnUnsentJobIsCanceledWithoutAWordToItsProvider) {
  provider.next = {overloaded};
  commit(3);
  step();
  ASSERT_TRUE(connectors::SqliteJobList::open(store_options.path).value()->cancel(1).value());
  finish();
  EXPECT_EQ(provider.submissions, 1U);
  EXPECT_EQ(waiting("parked"), 3);
}

TEST_F(CourierTest, WhatWasAnsweredBeforeACancelIsKept) {
  commit(4);
  step();
  int answers = 2;
  provider.fate = [&](const pipeline::JobRequest&, pipeline::JobResult& result) {
    result.expired_or_canceled = answers-- <= 0;
    return true;
  };
  ASSERT_TRUE(connectors::SqliteJobList::open(store_options.path).value()->cancel(1).value());
  finish();
  EXPECT_EQ(memories(), 2);
  EXPECT_EQ(waiting("parked"), 2);
}

TEST_F(CourierTest, AJobThatNobodyCanTellAnythingAboutIsGivenUpAfterThreeDays) {
  commit(2);
  step();
  provider.jobs.clear();
  for (int i = 0; i < 5; ++i) {
    step();
  }
  EXPECT_EQ(waiting("submitted"), 2);
  connectors::test_now_ms += options.silence_max.count();
  step();
  EXPECT_EQ(waiting("submitted"), 0);
  EXPECT_EQ(ask("SELECT count(*) FROM calls WHERE outcome = 'possibly_paid'"), 2);
}

TEST_F(CourierTest, StopEndsAStepBetweenTwoResults) {
  commit(5);
  step();
  provider.polls_until_end = 1;
  int given = 0;
  provider.fate = [&](const pipeline::JobRequest&, pipeline::JobResult&) {
    stop.store(++given == 3);
    return true;
  };
  for (int i = 0; i < 10 && given < 3; ++i) {
    step();
  }
  EXPECT_EQ(memories(), 2);
  EXPECT_EQ(waiting("submitted"), 3);
  stop.store(false);
  finish();
  EXPECT_EQ(memories(), 5);
}

}  // namespace
}  // namespace alluvium::actors
