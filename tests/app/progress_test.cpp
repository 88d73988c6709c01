// SPDX-License-Identifier: Apache-2.0
#include "app/progress.hpp"

#include <gtest/gtest.h>

namespace alluvium::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const ProgressDisplay::TimePoint start{};

TEST(ProgressLine, SaysEverythingThatIsKnown) {
  EXPECT_EQ(progress_line({.messages = 12'400,
                           .expected = 50'000,
                           .messages_per_second = 3'134,
                           .memories = 812,
                           .cost_usd = 0.43,
                           .lag = 1'200}),
            "12,400/50,000 msgs  3.1k/s  812 memories  $0.43  lag 1.2k  ETA 12s");
}

TEST(ProgressLine, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(progress_line({.messages = 7, .messages_per_second = 2, .memories = 1}), "7 msgs  2/s  1 memory");
}

TEST(ProgressLine, HasNoEtaAtTheEndOrAtAStandstill) {
  EXPECT_EQ(progress_line({.messages = 10, .expected = 10, .messages_per_second = 5}), "10/10 msgs  5/s  0 memories");
  EXPECT_EQ(progress_line({.messages = 1, .expected = 10, .messages_per_second = 0}), "1/10 msgs  0/s  0 memories");
}

TEST(ShortCount, ChangesUnitWhereTheNumberWouldNeedFourDigits) {
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(999.6), "1.0k");
  EXPECT_EQ(short_count(1'200), "1.2k");
  EXPECT_EQ(short_count(9'949), "9.9k");
  EXPECT_EQ(short_count(9'950), "10k");
  EXPECT_EQ(short_count(310'000), "310k");
  EXPECT_EQ(short_count(999'600), "1.0M");
  EXPECT_EQ(short_count(4'500'000), "4.5M");
  EXPECT_EQ(short_count(-1), "0");
}

TEST(ShortDuration, GoesFromSecondsToMinutesToHours) {
  EXPECT_EQ(short_duration(seconds{0}), "0s");
  EXPECT_EQ(short_duration(seconds{59}), "59s");
  EXPECT_EQ(short_duration(seconds{60}), "1m00s");
  EXPECT_EQ(short_duration(seconds{3599}), "59m59s");
  EXPECT_EQ(short_duration(seconds{3600}), "1h00m");
  EXPECT_EQ(short_duration(seconds{7800}), "2h10m");
}

TEST(ProgressDisplay, DrawsOneLiveLineOnATerminal) {
  ProgressDisplay display{ProgressMode::automatic, true, true, start};
  ASSERT_TRUE(display.due(start));
  EXPECT_EQ(display.draw({.messages = 1}, start, 80), "\r\x1b[K1 msgs  0/s  0 memories");
  EXPECT_FALSE(display.due(start + milliseconds{199}));
  EXPECT_TRUE(display.due(start + milliseconds{200}));
  EXPECT_EQ(display.clear(), "\r\x1b[K");
  EXPECT_EQ(display.clear(), "");
}

TEST(ProgressDisplay, NeverWrapsTheLiveLine) {
  ProgressDisplay display{ProgressMode::automatic, true, true, start};
  EXPECT_EQ(display.draw({.messages = 1}, start, 10), "\r\x1b[K1 msgs  …");
}

TEST(ProgressDisplay, WritesAPlainLineEachTenSecondsElsewhere) {
  ProgressDisplay display{ProgressMode::automatic, false, true, start};
  EXPECT_FALSE(display.due(start + milliseconds{9'999}));
  ASSERT_TRUE(display.due(start + seconds{10}));
  EXPECT_EQ(display.draw({.messages = 1}, start + seconds{10}, 5), "1 msgs  0/s  0 memories\n");
  EXPECT_FALSE(display.due(start + milliseconds{19'999}));
  EXPECT_TRUE(display.due(start + seconds{20}));
  EXPECT_EQ(display.clear(), "");
}

TEST(ProgressDisplay, IsPlainWhereTheTerminalMustNotBeDrawnOn) {
  ProgressDisplay display{ProgressMode::automatic, true, false, start};
  EXPECT_FALSE(display.due(start));
  EXPECT_EQ(display.draw({}, start + seconds{10}, 80), "0 msgs  0/s  0 memories\n");
}

TEST(ProgressDisplay, AlwaysBeginsAtOnceAndNeverStaysSilent) {
  EXPECT_TRUE((ProgressDisplay{ProgressMode::always, false, false, start}.due(start)));
  ProgressDisplay never{ProgressMode::never, true, true, start};
  EXPECT_FALSE(never.due(start + seconds{100}));
  EXPECT_EQ(never.draw({}, start, 80), "");
}

}  // namespace
}  // namespace alluvium::app
