// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_reply.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/timestamp.hpp"
#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

ModelReply answer(std::string text, std::string finish = "stop") {
  ModelReply reply;
  reply.status = 200;
  reply.readable = true;
  reply.text = std::move(text);
  reply.finish = std::move(finish);
  return reply;
}

ModelReply failure(int status, std::string type = "", std::string code = "", std::string message = "") {
  ModelReply reply;
  reply.status = status;
  reply.error_type = std::move(type);
  reply.error_code = std::move(code);
  reply.error_message = std::move(message);
  return reply;
}

ModelReply broken(ModelReply::Transport transport, bool timed_out = false) {
  ModelReply reply;
  reply.transport = transport;
  reply.timed_out = timed_out;
  return reply;
}

TEST(Classify, TakesAReadableTextForAnAnswer) {
  EXPECT_EQ(classify(answer("[]")), ReplyClass::answered);
  EXPECT_EQ(classify(answer("[]", "")), ReplyClass::answered);
  EXPECT_EQ(classify(answer("[{\"content\":\"cut", "length")), ReplyClass::answered);
}

TEST(Classify, AsksAgainForWhatIsNoAnswerInA200) {
  EXPECT_EQ(classify(answer("no", "refusal")), ReplyClass::ask_again);
  EXPECT_EQ(classify(answer("no", "content_filter")), ReplyClass::ask_again);
  EXPECT_EQ(classify(answer("")), ReplyClass::ask_again);
  EXPECT_EQ(classify(answer(" \r\n")), ReplyClass::ask_again);
  EXPECT_EQ(classify(failure(200)), ReplyClass::ask_again);
}

TEST(Classify, TellsALimitThatLeftNoTextFromOtherEmptyAnswers) {
  EXPECT_EQ(classify(answer("", "length")), ReplyClass::cut_off);
  auto unreadable = answer("", "length");
  unreadable.readable = false;
  EXPECT_EQ(classify(unreadable), ReplyClass::ask_again);
}

TEST(Classify, SortsEveryStatus) {
  for (const int status : {408, 409, 425, 429, 500, 502, 503, 504, 529, 501, 520, 599}) {
    EXPECT_EQ(classify(failure(status)), ReplyClass::retry) << status;
  }
  for (const int status : {400, 413, 422, 406, 415, 418, 451, 499}) {
    EXPECT_EQ(classify(failure(status)), ReplyClass::bisect) << status;
  }
  for (const int status : {401, 402, 403, 404, 405, 407, 410, 0, 100, 199, 301, 302, 307, 399, 600, 999, -1}) {
    EXPECT_EQ(classify(failure(status)), ReplyClass::blocked) << status;
  }
}

TEST(Classify, TriesAgainWhatDidNotComeThrough) {
  EXPECT_EQ(classify(broken(ModelReply::Transport::not_sent)), ReplyClass::retry);
  EXPECT_EQ(classify(broken(ModelReply::Transport::lost)), ReplyClass::retry);
  EXPECT_EQ(classify(broken(ModelReply::Transport::lost, true)), ReplyClass::retry);
}

TEST(Classify, KnowsAQuotaThatNoWaitingFills) {
  EXPECT_EQ(classify(failure(429, "rate_limit_error")), ReplyClass::retry);
  EXPECT_EQ(classify(failure(429, "", "rate_limit_exceeded", "Rate limit reached")), ReplyClass::retry);
  EXPECT_EQ(classify(failure(429, "insufficient_quota")), ReplyClass::blocked);
  EXPECT_EQ(classify(failure(429, "", "insufficient_quota")), ReplyClass::blocked);
  EXPECT_EQ(classify(failure(429, "billing_error")), ReplyClass::blocked);
  EXPECT_EQ(classify(failure(429, "", "billing_hard_limit_reached")), ReplyClass::blocked);
  EXPECT_EQ(classify(failure(429, "RESOURCE_EXHAUSTED", "", "quotaId: GenerateRequestsPerDayPerProject")),
            ReplyClass::blocked);
  EXPECT_EQ(classify(failure(429, "GenerateRequestsPerDay")), ReplyClass::blocked);
  // Gemini says this of its limits per minute too.
  EXPECT_EQ(classify(failure(429, "RESOURCE_EXHAUSTED", "", "check your plan and billing details")), ReplyClass::retry);
}

TEST(Classify, KnowsAnAccountAtFaultBehindA400) {
  EXPECT_EQ(classify(failure(400, "billing_error")), ReplyClass::blocked);
  EXPECT_EQ(classify(failure(400, "invalid_request_error", "", "Your credit balance is too low to access the API.")),
            ReplyClass::blocked);
  EXPECT_EQ(classify(failure(400, "INVALID_ARGUMENT", "", "API key not valid. Please pass a valid API key.")),
            ReplyClass::blocked);
}

TEST(Classify, LetsNoQuotedChatBlockTheEndpoint) {
  EXPECT_EQ(classify(failure(400, "invalid_request_error", "",
                             "bad input: 'Your credit balance is too low, insufficient_quota, PerDay, billing'")),
            ReplyClass::bisect);
}

TEST(Classify, BisectsWhatIsTooLong) {
  EXPECT_EQ(classify(failure(400, "invalid_request_error", "context_length_exceeded")), ReplyClass::bisect);
  EXPECT_EQ(classify(failure(413, "request_too_large")), ReplyClass::bisect);
}

TEST(Classify, ObeysAServerThatWantsNoRetry) {
  auto reply = failure(429);
  reply.should_retry = false;
  EXPECT_EQ(classify(reply), ReplyClass::blocked);
  reply.status = 500;
  EXPECT_EQ(classify(reply), ReplyClass::bisect);
  reply.status = 401;
  EXPECT_EQ(classify(reply), ReplyClass::blocked);
  reply.status = 500;
  reply.should_retry = true;
  EXPECT_EQ(classify(reply), ReplyClass::retry);
}

TEST(Overload, IsWhatLessTrafficWouldHelp) {
  for (const int status : {408, 429, 500, 502, 503, 504, 529, 599}) {
    EXPECT_TRUE(is_overload(failure(status))) << status;
  }
  for (const int status : {200, 400, 401, 404, 409, 413, 422, 499, 600}) {
    EXPECT_FALSE(is_overload(failure(status))) << status;
  }
  EXPECT_TRUE(is_overload(broken(ModelReply::Transport::lost, true)));
  EXPECT_TRUE(is_overload(broken(ModelReply::Transport::not_sent, true)));
  EXPECT_FALSE(is_overload(broken(ModelReply::Transport::lost)));
}

TEST(Describe, SaysWhatHappenedInOneLine) {
  EXPECT_EQ(describe(failure(429, "rate_limit_error", "", "Slow down")), "429 rate_limit_error: Slow down");
  EXPECT_EQ(describe(failure(503, "unavailable_error", "503", "Loading model")),
            "503 unavailable_error: Loading model");
  EXPECT_EQ(describe(failure(502)), "502");
  EXPECT_EQ(describe(broken(ModelReply::Transport::lost, true)), "timed out");
  EXPECT_EQ(describe(failure(200)), "200 the reply is not the API's");
  EXPECT_EQ(describe(answer("secret", "refusal")), "200 no usable text, finish refusal");
  EXPECT_EQ(describe(failure(500, "a\nb", "",
                             "c\x01"
                             "d")),
            "500 a b: c d");
  auto refused = broken(ModelReply::Transport::not_sent);
  refused.error_message = "connection refused";
  EXPECT_EQ(describe(refused), "not sent: connection refused");
}

TEST(Describe, KeepsNoChatThatARefusedRequestQuotes) {
  EXPECT_EQ(describe(failure(422, "", "", "Input should be valid, got {\"content\":\"my secret\"}")),
            "422: Input should be valid, got ");
  EXPECT_EQ(describe(failure(400, "invalid_request_error", "unsupported_value", "Bad value: my secret")),
            "400 invalid_request_error unsupported_value: Bad value");
}

TEST(Describe, IsShortUtf8AndHoldsNoAnswer) {
  EXPECT_TRUE(rc::check("at most 300 bytes of UTF-8 without control characters", [] {
    auto reply = failure(*rc::gen::element(200, 400, 429, 500), *rc::gen::arbitrary<std::string>(),
                         *rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<std::string>());
    reply.finish = *rc::gen::arbitrary<std::string>();
    reply.text = "secret";
    reply.readable = *rc::gen::arbitrary<bool>();
    reply.error_message += std::string(*rc::gen::inRange<std::size_t>(0, 400), '\xC3') + "\u20AC";
    const auto text = describe(reply);
    RC_ASSERT(text.size() <= 300U);
    RC_ASSERT(first_not_utf8(text) == std::string::npos);
    RC_ASSERT(text.find("secret") == std::string::npos);
    for (const char c : text) {
      RC_ASSERT(static_cast<unsigned char>(c) >= 0x20U);
    }
  }));
}

const std::int64_t now_ms = *parse_timestamp("2026-11-21T12:00:00Z");

std::optional<milliseconds> retry_after(std::string_view text) {
  return parse_retry_after(text, now_ms);
}

TEST(RetryAfter, IsReadInSecondsAndFractionsOfThem) {
  EXPECT_EQ(retry_after("0"), milliseconds{0});
  EXPECT_EQ(retry_after("1"), seconds{1});
  EXPECT_EQ(retry_after(" 120 "), seconds{120});
  EXPECT_EQ(retry_after("0.5"), milliseconds{500});
  EXPECT_EQ(retry_after("59.95"), milliseconds{59'950});
  EXPECT_EQ(retry_after("0.0001"), milliseconds{1}) << "a floor is rounded up";
}

TEST(RetryAfter, IsADayAtMost) {
  EXPECT_EQ(retry_after("86400"), hours{24});
  EXPECT_EQ(retry_after("86401"), hours{24});
  EXPECT_EQ(retry_after("99999999999999999999999999"), hours{24});
  EXPECT_EQ(retry_after(std::string(500, '9')), hours{24});
  EXPECT_EQ(retry_after("Fri, 31 Dec 9999 23:59:59 GMT"), hours{24});
}

TEST(RetryAfter, IsReadAsADateInItsThreeForms) {
  EXPECT_EQ(retry_after("Sat, 21 Nov 2026 12:00:30 GMT"), seconds{30});
  EXPECT_EQ(retry_after("Saturday, 21-Nov-26 12:01:00 GMT"), seconds{60});
  EXPECT_EQ(retry_after("Sat Nov 21 13:00:00 2026"), hours{1});
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:38 1994", *parse_timestamp("1994-11-06T08:49:37Z")), seconds{1});
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:38 GMT", *parse_timestamp("1994-11-06T08:49:37Z")), seconds{1});
}

TEST(RetryAfter, OfAPastDateIsNow) {
  EXPECT_EQ(retry_after("Sat, 21 Nov 2026 12:00:00 GMT"), milliseconds{0});
  EXPECT_EQ(retry_after("Sat, 21 Nov 2026 11:59:59 GMT"), milliseconds{0});
  EXPECT_EQ(retry_after("Sunday, 06-Nov-94 08:49:37 GMT"), milliseconds{0}) << "1994, not 2094";
  EXPECT_EQ(retry_after("Sun Nov  6 08:49:37 1994"), milliseconds{0});
}

TEST(RetryAfter, IsNothingIfItIsNonsense) {
  for (const auto* text : {"",
                           " ",
                           "soon",
                           "-1",
                           "+1",
                           "1e3",
                           "inf",
                           "nan",
                           "0x10",
                           "1 s",
                           "1,5",
                           "1.2.3",
                           ".5",
                           "Sat, 21 Nov 2026 12:00:30",
                           "Sat, 21 Nov 2026 12:00:30 CET",
                           "Sat, 31 Feb 2026 12:00:00 GMT",
                           "Xyz, 21 Nov 2026 12:00:30 GMT",
                           "Sat, 21 Nov 2026 25:00:00 GMT",
                           "Sat",
                           "Sat, 21 Nov 2026 12:00:30 GMT!",
                           "Sat, 21 Nvo 2026 12:00:30 GMT",
                           "2026-11-21T12:00:00Z"}) {
    EXPECT_EQ(retry_after(text), std::nullopt) << text;
  }
}

std::optional<milliseconds> limit_reset(std::string_view text) {
  return parse_limit_reset(text, now_ms);
}

TEST(LimitReset, IsReadAsGoWritesDurations) {
  EXPECT_EQ(limit_reset("1s"), seconds{1});
  EXPECT_EQ(limit_reset("6m0s"), seconds{360});
  EXPECT_EQ(limit_reset("12ms"), milliseconds{12});
  EXPECT_EQ(limit_reset("59.5s"), milliseconds{59'500});
  EXPECT_EQ(limit_reset("1h2m3s"), seconds{3723});
  EXPECT_EQ(limit_reset("2m59.56s"), milliseconds{179'560});
  EXPECT_EQ(limit_reset("250\u00B5s"), milliseconds{1});
  EXPECT_EQ(limit_reset("0s"), milliseconds{0});
  EXPECT_EQ(limit_reset("48h"), hours{24});
}

TEST(LimitReset, IsReadAsATime) {
  EXPECT_EQ(limit_reset("2026-11-21T12:00:07Z"), seconds{7});
  EXPECT_EQ(limit_reset("2026-11-21T13:00:07+01:00"), seconds{7});
  EXPECT_EQ(limit_reset("2026-11-21T11:59:00Z"), milliseconds{0});
}

TEST(LimitReset, TakesABareNumberForSecondsUnlessItIsATime) {
  EXPECT_EQ(limit_reset("13"), seconds{13});
  EXPECT_EQ(limit_reset("0.25"), milliseconds{250});
  EXPECT_EQ(limit_reset(std::to_string(now_ms / 1000 + 5)), seconds{5});
  EXPECT_EQ(limit_reset(std::to_string(now_ms + 5000)), seconds{5});
}

TEST(LimitReset, IsNothingIfItIsNonsense) {
  for (const auto* text : {"", "soon", "s", "1x", "1s2", "-1s", "6m 0s", "2026-13-01T00:00:00Z", "1.s.", "m6"}) {
    EXPECT_EQ(limit_reset(text), std::nullopt) << text;
  }
}

TEST(WaitTimes, AreWithinADayForAnyText) {
  EXPECT_TRUE(rc::check("0 to 24 h, or nothing", [] {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string{"0123456789.-: ,hmsSatNovGMT"}));
    const auto now = *rc::gen::arbitrary<std::int64_t>();
    for (const auto wait : {parse_retry_after(text, now), parse_limit_reset(text, now)}) {
      RC_ASSERT(!wait || (*wait >= milliseconds{0} && *wait <= hours{24}));
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
