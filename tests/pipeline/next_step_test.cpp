// SPDX-License-Identifier: Apache-2.0
#include "pipeline/next_step.hpp"

#include <gtest/gtest.h>

#include "tests/pipeline/requests.hpp"

namespace alluvium::pipeline {
namespace {

using Kind = NextStep::Kind;
using std::chrono::milliseconds;

constexpr std::string_view hash = "0123456789abcdef0123456789abcdef";

NextStep after(const StoredRequest& stored, const CallOutcome& outcome, const RetryOptions& retry = {}) {
  return next_step(stored, outcome, retry, hash);
}

TEST(NextStep, AnAnswerSettlesTheRequest) {
  EXPECT_EQ(after(stored_request({"a", "b"}), {.what = ReplyClass::answered, .understood = true}).kind, Kind::settle);
}

TEST(NextStep, AFailureOfTheEndpointIsTriedAgainAsOftenAsAllowedAndThenWaitsInTheBacklog) {
  auto stored = stored_request({"a", "b"});
  for (stored.attempts = 1; stored.attempts <= 3; ++stored.attempts) {
    const auto next = after(stored, {.what = ReplyClass::retry});
    EXPECT_EQ(next.kind, Kind::again);
    EXPECT_FALSE(next.asked);
    EXPECT_GE(next.delay, milliseconds{500});
  }
  const auto last = after(stored, {.what = ReplyClass::retry});
  EXPECT_EQ(last.kind, Kind::backlog);
  EXPECT_GE(last.delay, milliseconds{1000});
}

TEST(NextStep, TheDocumentsDelaysDoubleFromFiveSeconds) {
  RetryOptions retry;
  retry.delay = milliseconds{5000};
  retry.jitter = false;
  auto stored = stored_request({"a", "b"});
  std::vector<std::int64_t> delays;
  for (stored.attempts = 1; stored.attempts <= 3; ++stored.attempts) {
    delays.push_back(after(stored, {.what = ReplyClass::retry}, retry).delay.count());
  }
  EXPECT_EQ(delays, (std::vector<std::int64_t>{5000, 10'000, 20'000}));
}

TEST(NextStep, WithAFallbackSizeARetryComesInSmallerParts) {
  RetryOptions retry;
  retry.fallback_batch_size = 2;
  const auto next = after(stored_request({"a", "b", "c"}), {.what = ReplyClass::retry}, retry);
  EXPECT_EQ(next.kind, Kind::divide);
  EXPECT_EQ(next.part_size, 2U);
  EXPECT_EQ(after(stored_request({"a", "b"}), {.what = ReplyClass::retry}, retry).kind, Kind::again);
}

TEST(NextStep, WhatIsNoAnswerIsAskedForOnceMoreAndThenDivided) {
  auto stored = stored_request({"a", "b", "c"});
  for (const auto what : {ReplyClass::ask_again, ReplyClass::cut_off, ReplyClass::answered}) {
    stored.asks = 0;
    const auto first = after(stored, {.what = what, .cut_off = what == ReplyClass::cut_off});
    EXPECT_EQ(first.kind, Kind::again);
    EXPECT_TRUE(first.asked);
    EXPECT_EQ(first.longer, what == ReplyClass::cut_off);
    stored.asks = 1;
    const auto second = after(stored, {.what = what});
    EXPECT_EQ(second.kind, Kind::divide);
    EXPECT_EQ(second.part_size, 2U);
  }
}

TEST(NextStep, ARequestAtFaultIsHalvedUntilTheMessageIsAloneAndThenItDies) {
  EXPECT_EQ(after(stored_request({"a", "b"}), {.what = ReplyClass::bisect}).part_size, 1U);
  EXPECT_EQ(after(stored_request({"a"}), {.what = ReplyClass::bisect}).kind, Kind::dead);
}

TEST(NextStep, NothingDiesAtAnEndpointThatHasNeverAnswered) {
  auto stored = stored_request({"a"});
  const CallOutcome outcome{.what = ReplyClass::bisect, .endpoint_has_answered = false};
  for (stored.asks = 0; stored.asks + 1 < asks_alone_max; ++stored.asks) {
    EXPECT_EQ(after(stored, outcome).kind, Kind::again);
  }
  EXPECT_EQ(after(stored, outcome).kind, Kind::backlog);
}

TEST(NextStep, AReplyThatIsNotTheApisKillsNoMessageForHours) {
  auto stored = stored_request({"a"});
  const CallOutcome page{.what = ReplyClass::ask_again, .readable = false};
  const auto reply = [&] {  // As the store keeps count.
    const auto next = after(stored, page);
    EXPECT_EQ(next.asked, next.kind != Kind::dead);
    stored.asks += next.asked ? 1 : 0;
    stored.rounds += next.kind == Kind::backlog ? 1 : 0;
    return next.kind;
  };
  for (std::size_t i = 1; i < asks_alone_max; ++i) {
    EXPECT_EQ(reply(), Kind::again) << i;
  }
  for (std::size_t i = 0; i < unreadable_rounds_max; ++i) {
    EXPECT_EQ(reply(), Kind::backlog) << i;
  }
  EXPECT_EQ(reply(), Kind::dead);
  stored.asks = 1;
  stored.rounds = 100;  // For other reasons: nobody answered at all.
  EXPECT_EQ(reply(), Kind::again);
  stored.asks = 1;
  EXPECT_EQ(after(stored, {.what = ReplyClass::ask_again}).kind, Kind::dead) << "a refusal is about the message";
}

TEST(NextStep, AnEndpointThatRefusesUsIsNotTriedAgainAtOnce) {
  EXPECT_EQ(after(stored_request({"a"}), {.what = ReplyClass::blocked}).kind, Kind::backlog);
}

TEST(NextStep, PartsHoldEveryMessageOnceInOrder) {
  const auto stored = stored_request({"a", "b", "c", "d", "e"});
  for (std::size_t size = 1; size <= 6; ++size) {
    std::vector<std::uint32_t> places;
    for (const auto& part : parts_of(stored.request, size)) {
      EXPECT_LE(part.messages.size(), size);
      EXPECT_EQ(part.messages.size(), part.places.size());
      places.insert(places.end(), part.places.begin(), part.places.end());
    }
    EXPECT_EQ(places, stored.request.places);
  }
}

}  // namespace
}  // namespace alluvium::pipeline
