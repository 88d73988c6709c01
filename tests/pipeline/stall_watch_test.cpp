// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stall_watch.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

using namespace std::chrono_literals;
using Step = StallWatch::Step;

class StallWatchTest : public testing::Test {
 protected:
  /// Looks every 5 s at most; the first step that is taken.
  Step after(std::chrono::milliseconds time, std::int64_t progress, bool work = true) {
    auto step = Step::none;
    do {
      const auto part = std::min<std::chrono::milliseconds>(time, 5s);
      now += part;
      time -= part;
      step = watch.observe({.progress = progress, .work = work}, now);
    } while (time > 0s && step == Step::none);
    return step;
  }

  StallWatch watch{20s};
  TimePoint now{1h};
};

TEST_F(StallWatchTest, LetsWhatMovesMove) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(after(15s, i), Step::none);
  }
}

TEST_F(StallWatchTest, LetsIdlenessLast) {
  static_cast<void>(after(0s, 7));
  EXPECT_EQ(after(24h, 7, false), Step::none);
  EXPECT_EQ(after(1s, 7), Step::none) << "work has come only now";
}

TEST_F(StallWatchTest, RestartsFirstAndEndsThen) {
  static_cast<void>(after(0s, 7));
  EXPECT_EQ(after(0s, 7), Step::none);
  EXPECT_EQ(after(19s, 7), Step::none);
  EXPECT_EQ(after(1s, 7), Step::restart);
  EXPECT_EQ(after(19s, 7), Step::none);
  EXPECT_EQ(after(1s, 7), Step::end);
}

TEST_F(StallWatchTest, AProcessThatWasFrozenIsGivenTime) {
  static_cast<void>(after(0s, 7));
  EXPECT_EQ(after(15s, 7), Step::none);
  now += 1h;
  EXPECT_EQ(after(15s, 7), Step::none);
  EXPECT_EQ(after(20s, 7), Step::restart);
}

TEST_F(StallWatchTest, ARestartThatHelpedIsForgotten) {
  static_cast<void>(after(0s, 7));
  static_cast<void>(after(0s, 7));
  EXPECT_EQ(after(20s, 7), Step::restart);
  EXPECT_EQ(after(5s, 8), Step::none);
  static_cast<void>(after(0s, 8));
  EXPECT_EQ(after(20s, 8), Step::restart);
}

}  // namespace
}  // namespace alluvium::pipeline
