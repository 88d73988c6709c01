// SPDX-License-Identifier: Apache-2.0
#include "pipeline/batch_policy.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{};

BatchPolicy::Options options() {
  return {.max_messages = 20, .min_messages = 5, .idle_timeout = 60s, .max_hold = 10min, .max_bytes = 1000};
}

BatchPolicy policy() {
  return BatchPolicy::make(options()).value();
}

Pending pending(std::size_t messages, std::size_t bytes = 100, TimePoint first = start, TimePoint last = start) {
  return {.messages = messages, .content_bytes = bytes, .first_at = first, .last_at = last};
}

TEST(BatchPolicy, FlushesAtOnceWhenFullAndNotOneMessageBefore) {
  EXPECT_EQ(policy().flush_reason(pending(20), start), FlushReason::full);
  EXPECT_EQ(policy().flush_reason(pending(19), start), std::nullopt);
}

TEST(BatchPolicy, FlushesAtOnceAtItsBytesAndNotOneByteBefore) {
  EXPECT_EQ(policy().flush_reason(pending(2, 1000), start), FlushReason::bytes);
  EXPECT_EQ(policy().flush_reason(pending(2, 999), start), std::nullopt);
}

TEST(BatchPolicy, FlushesAfterSilenceAndNotBefore) {
  EXPECT_EQ(policy().flush_reason(pending(5), start + 60s), FlushReason::idle);
  EXPECT_EQ(policy().flush_reason(pending(5), start + 60s - 1ns), std::nullopt);
}

TEST(BatchPolicy, MeasuresSilenceFromTheLastMessage) {
  const auto busy = pending(5, 100, start, start + 30s);
  EXPECT_EQ(policy().flush_reason(busy, start + 60s), std::nullopt);
  EXPECT_EQ(policy().flush_reason(busy, start + 90s), FlushReason::idle);
}

TEST(BatchPolicy, LetsFewerThanTheMinimumWaitUntilMaxHoldAndNoLonger) {
  EXPECT_EQ(policy().flush_reason(pending(4), start + 60s), std::nullopt);
  EXPECT_EQ(policy().flush_reason(pending(4), start + 10min - 1ns), std::nullopt);
  EXPECT_EQ(policy().flush_reason(pending(4), start + 10min), FlushReason::hold);
  EXPECT_EQ(policy().flush_reason(pending(1), start + 10min), FlushReason::hold);
}

TEST(BatchPolicy, HoldsNoMessageLongerHoweverManyCome) {
  const auto busy = pending(6, 100, start, start + 10min);
  EXPECT_EQ(policy().flush_reason(busy, start + 10min), FlushReason::hold);
}

TEST(BatchPolicy, NeverFlushesNothing) {
  EXPECT_EQ(policy().flush_reason({}, start + 24h), std::nullopt);
}

TEST(BatchPolicy, MakesRoomForAMessageThatWouldGoBeyondItsBytes) {
  EXPECT_FALSE(policy().must_flush_before(pending(1, 900), 100));
  EXPECT_TRUE(policy().must_flush_before(pending(1, 900), 101));
  EXPECT_FALSE(policy().must_flush_before({}, 5000));  // Alone it may be larger.
}

TEST(BatchPolicy, SweepsATwentiethOfTheIdleTimeWithinTenMillisecondsAndASecond) {
  const auto interval = [](std::chrono::milliseconds idle) {
    auto with = options();
    with.idle_timeout = idle;
    with.max_hold = 24h;
    return BatchPolicy::make(with).value().sweep_interval();
  };
  EXPECT_EQ(interval(1ms), 10ms);
  EXPECT_EQ(interval(200ms), 10ms);
  EXPECT_EQ(interval(220ms), 11ms);
  EXPECT_EQ(interval(20s), 1s);
  EXPECT_EQ(interval(1h), 1s);
}

bool is_refused(const BatchPolicy::Options& with) {
  const auto made = BatchPolicy::make(with);
  return !made && made.error().code == Errc::invalid_config;
}

TEST(BatchPolicy, TakesItsLimitsAtBothEnds) {
  const auto is_taken = [](auto change) {
    auto with = options();
    change(with);
    return BatchPolicy::make(with).has_value();
  };
  EXPECT_TRUE(is_taken([](auto& with) { with.max_messages = 10'000; }));
  EXPECT_TRUE(is_taken([](auto& with) { with.max_messages = with.min_messages = 1; }));
  EXPECT_TRUE(is_taken([](auto& with) { with.min_messages = with.max_messages; }));
  EXPECT_TRUE(is_taken([](auto& with) { with.idle_timeout = 1ms; }));
  EXPECT_TRUE(is_taken([](auto& with) { with.max_hold = with.idle_timeout; }));
  EXPECT_TRUE(is_taken([](auto& with) { with.max_hold = 24h * 7; }));
  EXPECT_TRUE(is_taken([](auto& with) { with.max_bytes = 1; }));
  EXPECT_TRUE(is_taken([](auto& with) { with.max_bytes = std::size_t{1} << 30; }));
}

TEST(BatchPolicy, RefusesWhatIsBeyondItsLimits) {
  const auto refuses = [](auto change) {
    auto with = options();
    change(with);
    return is_refused(with);
  };
  EXPECT_TRUE(refuses([](auto& with) { with.max_messages = 10'001; }));
  EXPECT_TRUE(refuses([](auto& with) { with.max_messages = 0; }));
  EXPECT_TRUE(refuses([](auto& with) { with.min_messages = 0; }));
  EXPECT_TRUE(refuses([](auto& with) { with.min_messages = with.max_messages + 1; }));
  EXPECT_TRUE(refuses([](auto& with) { with.idle_timeout = 0ms; }));
  EXPECT_TRUE(refuses([](auto& with) { with.idle_timeout = -1ms; }));
  EXPECT_TRUE(refuses([](auto& with) { with.max_hold = with.idle_timeout - 1ms; }));
  EXPECT_TRUE(refuses([](auto& with) { with.max_hold = 24h * 7 + 1ms; }));
  EXPECT_TRUE(refuses([](auto& with) { with.max_bytes = 0; }));
  EXPECT_TRUE(refuses([](auto& with) { with.max_bytes = (std::size_t{1} << 30) + 1; }));
}

TEST(BatchPolicy, FlushesByTimeExactlyFromItsDeadlineOn) {
  EXPECT_TRUE(rc::check("for any pending messages that size alone does not flush", [] {
    const auto first = start + std::chrono::seconds{*rc::gen::inRange(0, 1000)};
    const auto last = first + std::chrono::seconds{*rc::gen::inRange(0, 700)};
    const auto waiting =
        pending(*rc::gen::inRange<std::size_t>(1, 20), *rc::gen::inRange<std::size_t>(0, 1000), first, last);
    const auto due = policy().deadline(waiting);
    RC_ASSERT(due <= first + 10min);
    RC_ASSERT(!policy().flush_reason(waiting, due - 1ns));
    RC_ASSERT(policy().flush_reason(waiting, due).has_value());
    RC_ASSERT(policy().flush_reason(waiting, due + 1h).has_value());
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
