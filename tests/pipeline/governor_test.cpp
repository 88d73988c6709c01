// SPDX-License-Identifier: Apache-2.0
#include "pipeline/governor.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace alluvium::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t mib = std::int64_t{1} << 20;
constexpr Governor::Options usual{
    .limit = 100 * mib, .credit = 16 * mib, .batch_messages_max = 20, .calls_max = 16, .delay_max = 1000ms};

/// A governor of an engine that needs 20 MB by itself.
class GovernorTest : public testing::Test {
 protected:
  GovernorTest() {
    static_cast<void>(at(20));
  }
  PressureOrders at(std::int64_t resident_mib, HeldBytes held = {.messages = 1}) {
    now += 50ms;
    return governor.observe({.resident = resident_mib * mib}, held, now);
  }

  Governor governor{usual};
  TimePoint now{1h};
};

TEST_F(GovernorTest, LeavesEverythingAsItIsWhileThereIsRoom) {
  const auto orders = at(69);
  EXPECT_EQ(orders.level, Pressure::none);
  EXPECT_EQ(orders.delay, 0ms);
  EXPECT_EQ(orders.batch_messages_max, 20U);
  EXPECT_EQ(orders.calls_max, 16);
  EXPECT_EQ(orders.buffered_bytes_max, usual.credit);
  EXPECT_GT(orders.poll_bytes_max, 0);
  EXPECT_FALSE(orders.release_unused);
  EXPECT_FALSE(orders.alert);
}

TEST_F(GovernorTest, FlushesSmallerAndCallsLessFromLevelToLevel) {
  auto orders = at(71);
  EXPECT_EQ(orders.level, Pressure::raised);
  EXPECT_EQ(orders.batch_messages_max, 10U);
  EXPECT_EQ(orders.calls_max, 8);
  orders = at(86);
  EXPECT_EQ(orders.level, Pressure::high);
  EXPECT_EQ(orders.batch_messages_max, 3U);
  EXPECT_EQ(orders.calls_max, 4);
  EXPECT_GT(orders.poll_bytes_max, 0);
  orders = at(96);
  EXPECT_EQ(orders.level, Pressure::critical);
  EXPECT_EQ(orders.batch_messages_max, 2U);
  EXPECT_EQ(orders.calls_max, 1);
  EXPECT_EQ(orders.buffered_bytes_max, 0);
  EXPECT_EQ(orders.poll_bytes_max, 0);
}

TEST_F(GovernorTest, LeavesALevelFivePercentBelowItsEntry) {
  static_cast<void>(at(96));
  EXPECT_EQ(at(91).level, Pressure::critical);
  EXPECT_EQ(at(89).level, Pressure::high);
  EXPECT_EQ(at(81).level, Pressure::high);
  EXPECT_EQ(at(79).level, Pressure::raised);
  EXPECT_EQ(at(66).level, Pressure::raised);
  EXPECT_EQ(at(64).level, Pressure::none);
  EXPECT_EQ(at(69).level, Pressure::none);
}

TEST_F(GovernorTest, GoesOnInSmallPortionsWhenWaitingCantHelp) {
  const auto orders = at(99, {.prefetched = 5 * mib});
  EXPECT_EQ(orders.level, Pressure::critical);
  EXPECT_EQ(orders.poll_bytes_max, Governor::portion_min);
  EXPECT_EQ(orders.delay, usual.delay_max);
}

TEST_F(GovernorTest, CountsWhatItHoldsAsWellAsWhatIsResident) {
  EXPECT_EQ(at(30, {.messages = 45 * mib}).level, Pressure::raised);
  EXPECT_EQ(at(30, {.memories = 70 * mib}).level, Pressure::critical);
}

TEST_F(GovernorTest, KeepsToTheLimitOfTheControlGroup) {
  const auto orders =
      governor.observe({.resident = 30 * mib, .group_used = 60 * mib, .group_limit = 64 * mib}, {}, now + 1s);
  EXPECT_EQ(orders.level, Pressure::high);
  EXPECT_DOUBLE_EQ(orders.utilization, 60.0 / 64);
}

TEST_F(GovernorTest, TakesWaitingForMemoryForASign) {
  const auto orders = governor.observe({.resident = 30 * mib, .stalled_percent = 11}, {}, now + 1s);
  EXPECT_EQ(orders.level, Pressure::raised);
  EXPECT_EQ(orders.delay, 0ms);
}

TEST_F(GovernorTest, WarnsOncePerCrossing) {
  EXPECT_FALSE(at(79).alert);
  EXPECT_EQ(at(81).alert.value(), "High memory usage detected: 81MB of 100MB; reading slows down");
  EXPECT_FALSE(at(90).alert);
  EXPECT_FALSE(at(78).alert);
  EXPECT_FALSE(at(81).alert) << "it has not been gone for real";
  EXPECT_FALSE(at(74).alert);
  EXPECT_TRUE(at(81).alert);
}

TEST_F(GovernorTest, AsksTheAllocatorOncePerSecondUnderPressureAndOnceAfterIt) {
  EXPECT_TRUE(at(90).release_unused);
  EXPECT_FALSE(at(90).release_unused);
  now += 1s;
  EXPECT_TRUE(at(90).release_unused);
  now += 1s;
  EXPECT_TRUE(at(30).release_unused);
  now += 10s;
  EXPECT_FALSE(at(30).release_unused);
}

TEST(GovernorLaw, TheDelayIsThatOfTheDocumentation) {
  EXPECT_EQ(Governor::delay_of(0.70, 1000ms), 0ms);
  EXPECT_EQ(Governor::delay_of(0.80, 1000ms), 26ms);
  EXPECT_EQ(Governor::delay_of(0.90, 1000ms), 410ms);
  EXPECT_EQ(Governor::delay_of(0.95, 1000ms), 1000ms);
  EXPECT_EQ(Governor::delay_of(3.00, 1000ms), 1000ms);
}

RC_GTEST_PROP(GovernorLaw, MoreMemoryNeverMeansLessRelief, ()) {
  const auto low = *rc::gen::inRange(0, 120);
  const auto high = *rc::gen::inRange(low, 121);
  const auto orders_at = [](int resident) {
    Governor fresh{usual};
    static_cast<void>(fresh.observe({.resident = 0}, {}, TimePoint{1h}));
    return fresh.observe({.resident = resident * mib}, {.messages = 1}, TimePoint{2h});
  };
  const auto less = orders_at(low);
  const auto more = orders_at(high);
  RC_ASSERT(less.level <= more.level);
  RC_ASSERT(less.delay <= more.delay);
  RC_ASSERT(less.batch_messages_max >= more.batch_messages_max);
  RC_ASSERT(less.buffered_bytes_max >= more.buffered_bytes_max);
  RC_ASSERT(less.poll_bytes_max >= more.poll_bytes_max);
  RC_ASSERT(less.calls_max >= more.calls_max);
}

RC_GTEST_PROP(GovernorLaw, NeverStandsStillWithNothingToLetGoOf, ()) {
  Governor governor{usual};
  auto now = TimePoint{1h};
  for (int i = 0; i < 20; ++i) {
    now += std::chrono::milliseconds{*rc::gen::inRange(1, 3000)};
    const auto orders = governor.observe({.resident = *rc::gen::inRange<std::int64_t>(0, 300) * mib,
                                          .group_used = *rc::gen::inRange<std::int64_t>(0, 300) * mib,
                                          .group_limit = *rc::gen::inRange<std::int64_t>(0, 300) * mib},
                                         {.prefetched = *rc::gen::inRange<std::int64_t>(0, 50) * mib}, now);
    RC_ASSERT(orders.poll_bytes_max >= Governor::portion_min);
    RC_ASSERT(orders.delay <= usual.delay_max);
    RC_ASSERT(orders.batch_messages_max >= 1U);
    RC_ASSERT(orders.calls_max >= 1);
  }
}

}  // namespace
}  // namespace alluvium::pipeline
