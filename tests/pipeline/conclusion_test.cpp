// SPDX-License-Identifier: Apache-2.0
#include "pipeline/conclusion.hpp"

#include <gtest/gtest.h>

#include "tests/pipeline/requests.hpp"

namespace alluvium::pipeline {
namespace {

class ConclusionTest : public testing::Test {
 protected:
  ConclusionTest() {
    policies[Tier::small].enabled = true;
    price.input = Money{150'000};
    price.output = Money{600'000};
  }

  Conclusion conclude_with(const StoredRequest& stored, const ModelReply& reply) {
    return conclude({.stored = stored,
                     .hash = "h",
                     .endpoint = "small",
                     .model = "m",
                     .prompt_id = "p",
                     .started_ms = 1000,
                     .ended_ms = 2000,
                     .prompt_bytes = 350,
                     .price = known_price ? &price : nullptr,
                     .policies = policies,
                     .retry = retry},
                    reply, classify(reply));
  }

  static ModelReply answer(const std::string& text) {
    ModelReply reply;
    reply.status = 200;
    reply.readable = true;
    reply.text = text;
    reply.finish = "stop";
    reply.usage = TokenUsage{.prompt = 100, .completion = 10, .cached = 0, .cache_write = 0};
    return reply;
  }
  static std::string memory_of(int message) {
    return R"({"memories":[{"content":"likes tea","type":"semantic","importance":0.7,"keywords":["tea"],"messages":[)" +
           std::to_string(message) + R"(]}],"unsure":[]})";
  }

  TierPolicies policies;
  RetryOptions retry;
  ModelPrice price;
  bool known_price = true;
};

TEST_F(ConclusionTest, AnAnswerIsPaidForKeptAndSettled) {
  const auto out = conclude_with(stored_request({"I like tea", "and biscuits"}), answer(memory_of(1)));
  ASSERT_TRUE(out.settlement);
  EXPECT_FALSE(out.postponement);
  ASSERT_EQ(out.settlement->answer.memories.size(), 1U);
  EXPECT_EQ(out.settlement->answer.memories[0].sources, (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(out.end.cost, (Money{100 * 150'000 + 10 * 600'000}));
  ASSERT_TRUE(out.end.answer);
  EXPECT_EQ(out.end.answer->hash, "h");
  EXPECT_TRUE(out.end.error.empty());
}

TEST_F(ConclusionTest, AnUnknownPriceIsNoPrice) {
  known_price = false;
  EXPECT_FALSE(conclude_with(stored_request({"I like tea"}), answer(memory_of(1))).end.cost);
}

TEST_F(ConclusionTest, WhatTheSmallTierLeftGoesToThePremiumTierWithItsPlacesInTheBatch) {
  policies[Tier::premium].enabled = true;
  policies[Tier::premium].min_messages = 3;
  auto stored = stored_request({"I like tea", "b", "c"});
  stored.request.places = {4, 5, 9};
  const auto out = conclude_with(stored, answer(memory_of(1)));
  ASSERT_TRUE(out.settlement);
  ASSERT_EQ(out.settlement->follow_ups.size(), 1U);
  EXPECT_EQ(out.settlement->follow_ups[0].tier, Tier::premium);
  EXPECT_EQ(out.settlement->follow_ups[0].places, (std::vector<std::uint32_t>{5, 9}));
  EXPECT_FALSE(out.settlement->halves);
}

TEST_F(ConclusionTest, APageInPlaceOfTheReplyLeavesTheMessageToTheBacklog) {
  ModelReply page;
  page.status = 200;
  auto stored = stored_request({"a"});
  stored.asks = asks_alone_max - 1;
  const auto out = conclude_with(stored, page);
  EXPECT_FALSE(out.settlement);
  ASSERT_TRUE(out.postponement);
  EXPECT_EQ(out.postponement->state, RequestState::degraded);
}

TEST_F(ConclusionTest, GarbageIsPaidForButNotKeptAndAskedForAgain) {
  const auto out = conclude_with(stored_request({"a", "b"}), answer("I am sorry, I can't."));
  ASSERT_TRUE(out.postponement);
  EXPECT_TRUE(out.postponement->asked);
  EXPECT_EQ(out.postponement->state, RequestState::queued);
  EXPECT_TRUE(out.end.cost);
  EXPECT_FALSE(out.end.answer);
  EXPECT_FALSE(out.end.error.empty());
}

TEST_F(ConclusionTest, OfAnAnswerThatWasCutOffTheRestIsAskedForAgain) {
  auto reply = answer(R"({"memories":[{"content":"likes tea","type":"semantic","importance":0.7,"keywords":[],)"
                      R"("messages":[2]},{"content":"likes cof)");
  reply.finish = "length";
  const auto out = conclude_with(stored_request({"a", "b", "c", "d"}), reply);
  ASSERT_TRUE(out.settlement);
  EXPECT_EQ(out.settlement->answer.memories.size(), 1U);
  ASSERT_EQ(out.settlement->follow_ups.size(), 1U);
  EXPECT_EQ(out.settlement->follow_ups[0].places, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_TRUE(out.settlement->halves);
}

TEST_F(ConclusionTest, ALostReplyIsPossiblyPaidAndTriedAgain) {
  ModelReply reply;
  reply.transport = ModelReply::Transport::lost;
  reply.timed_out = true;
  const auto out = conclude_with(stored_request({"a", "b"}), reply);
  ASSERT_TRUE(out.postponement);
  EXPECT_TRUE(out.end.possibly_paid);
  EXPECT_EQ(out.end.error, "Batch processing timeout after 30000ms");
  EXPECT_GT(out.postponement->due_ms, 2000);
}

TEST_F(ConclusionTest, WhatNeverLeftIsNotPaid) {
  ModelReply reply;
  reply.transport = ModelReply::Transport::not_sent;
  const auto out = conclude_with(stored_request({"a", "b"}), reply);
  EXPECT_FALSE(out.end.possibly_paid);
  EXPECT_FALSE(out.end.cost);
}

TEST_F(ConclusionTest, ABadRequestIsDividedAndALoneMessageDies) {
  ModelReply reply;
  reply.status = 400;
  const auto halves = conclude_with(stored_request({"a", "b", "c"}), reply);
  ASSERT_TRUE(halves.settlement);
  EXPECT_TRUE(halves.settlement->halves);
  EXPECT_EQ(halves.settlement->follow_ups.size(), 2U);
  const auto dead = conclude_with(stored_request({"a"}), reply);
  ASSERT_TRUE(dead.settlement);
  EXPECT_EQ(dead.settlement->dead, (std::vector<std::uint32_t>{0}));
  EXPECT_FALSE(dead.settlement->dead_detail.empty());
}

TEST_F(ConclusionTest, AnAnswerFromTheStoreCostsNothing) {
  const auto stored = stored_request({"I like tea"});
  const PaidAnswer paid{
      .hash = "h", .model = "m", .text = memory_of(1), .finish = "stop", .usage = {}, .cost = Money{5}};
  const auto out = conclude({.stored = stored,
                             .hash = "h",
                             .endpoint = "small",
                             .model = "m",
                             .prompt_id = "p",
                             .price = &price,
                             .policies = policies,
                             .retry = retry,
                             .cached = true},
                            reply_of(paid), ReplyClass::answered);
  ASSERT_TRUE(out.settlement);
  EXPECT_TRUE(out.end.from_cache);
  EXPECT_FALSE(out.end.cost);
  EXPECT_FALSE(out.end.answer);
  EXPECT_EQ(out.settlement->answer.memories.size(), 1U);
}

TEST_F(ConclusionTest, AnAnswerAboutPairsIsItsVerdicts) {
  const auto out = conclude_with(stored_pairs(2), answer(R"({"verdicts":[{"pair":2,"verdict":"same"}]})"));
  ASSERT_TRUE(out.settlement);
  EXPECT_EQ(out.settlement->verdicts, (std::vector{Verdict::unsure, Verdict::same}));
  EXPECT_EQ(out.settlement->model, "m");
  EXPECT_TRUE(out.settlement->answer.memories.empty());
  EXPECT_TRUE(out.settlement->follow_ups.empty());
  EXPECT_EQ(out.end.messages, 0);
  EXPECT_TRUE(out.end.answer);
  EXPECT_EQ(out.end.cost, (Money{100 * 150'000 + 10 * 600'000}));
}

TEST_F(ConclusionTest, PairsThatNobodyCanJudgeStayAsTheyAre) {
  ModelReply refusal;
  refusal.status = 400;
  const auto out = conclude_with(stored_pairs(3), refusal);
  ASSERT_TRUE(out.settlement);
  EXPECT_TRUE(out.settlement->verdicts.empty());
  EXPECT_TRUE(out.settlement->dead.empty());
  EXPECT_TRUE(out.settlement->follow_ups.empty());
  EXPECT_FALSE(out.end.error.empty());
  // No answer is asked for once more; then it ends.
  auto stored = stored_pairs(3);
  const auto first = conclude_with(stored, answer("I would rather not."));
  ASSERT_TRUE(first.postponement);
  EXPECT_EQ(first.postponement->state, RequestState::queued);
  EXPECT_EQ(first.end.error, "the model's answer holds no list of verdicts (finish: stop)");
  stored.asks = 1;
  EXPECT_TRUE(conclude_with(stored, answer("I would rather not.")).settlement);
}

}  // namespace
}  // namespace alluvium::pipeline
