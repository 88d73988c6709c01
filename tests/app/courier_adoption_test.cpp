// SPDX-License-Identifier: Apache-2.0
// A job whose submission was lost: is it at its provider?
#include "tests/app/courier_fixture.hpp"

namespace alluvium::actors {
namespace {

using Submit = tests::FakeBatches::Submit;

constexpr Submit lost_but_taken{.takes = true, .tells = false};
constexpr Submit lost{.takes = false, .tells = false};

TEST_F(CourierTest, AJobWhoseSubmissionWasLostIsAdoptedByItsTag) {
  provider.next = {lost_but_taken};
  commit(3);
  finish();
  EXPECT_EQ(provider.submissions, 1U);
  EXPECT_EQ(memories(), 3);
  EXPECT_EQ(most_answers(), 1);
  expect_proved();
}

TEST_F(CourierTest, AJobWhoseSubmissionWasLostIsAdoptedByItsLooksWhereThereAreNoTags) {
  provider.keeps_tags = false;
  provider.next = {lost_but_taken};
  commit(3);
  finish();
  EXPECT_EQ(provider.submissions, 1U);
  EXPECT_EQ(memories(), 3);
}

TEST_F(CourierTest, TwoJobsThatLookAlikeEachGetTheirOwnResults) {
  provider.keeps_tags = false;
  options.requests_max = 3;
  provider.next = {lost_but_taken, lost_but_taken};
  commit(6);
  remake();
  finish();
  EXPECT_EQ(memories(), 6);
  EXPECT_EQ(most_answers(), 1);
  expect_proved();
}

TEST_F(CourierTest, AnothersJobThatLooksLikeOursIsGivenBack) {
  provider.keeps_tags = false;
  provider.next = {lost};
  commit(2);
  step();
  // Somebody with the same key has two requests in a job of the same moment.
  tests::FakeBatches::Job foreign;
  foreign.status.id = "job_foreign";
  foreign.status.requests = 2;
  foreign.status.created_ms = connectors::test_now_ms;
  foreign.requests = {{"x-1", "their first"}, {"x-2", "their second"}};
  provider.jobs.push_back(foreign);
  finish();
  EXPECT_EQ(provider.submissions, 2U);
  EXPECT_EQ(memories(), 2);
  expect_proved();
}

TEST_F(CourierTest, AnOldJobIsNotTakenForOne) {
  provider.keeps_tags = false;
  provider.next = {lost};
  tests::FakeBatches::Job old;
  old.status.id = "job_old";
  old.status.requests = 2;
  old.status.created_ms = connectors::test_now_ms - 5'001;
  provider.jobs.push_back(old);
  commit(2);
  steps(2);
  EXPECT_EQ(provider.submissions, 2U);
  EXPECT_EQ(provider.jobs.front().polls, 0);
}

TEST_F(CourierTest, NothingIsSentAgainBeforeTheProviderHasSaidThatItHasNotGotIt) {
  provider.next = {lost};
  provider.lists = false;
  commit(2);
  steps(10);
  EXPECT_EQ(provider.submissions, 1U);
  provider.lists = true;
  finish();
  EXPECT_EQ(provider.submissions, 2U);
  EXPECT_EQ(memories(), 2);
}

}  // namespace
}  // namespace alluvium::actors
