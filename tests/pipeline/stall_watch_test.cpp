// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stall_watch.hpp"

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

using namespace std::chrono_literals;
using Step = StallWatch::Step;

class StallWatchTest : public testing::Test {
 protected:
  Step after(std::chrono::milliseconds time, std::int64_t progress, bool work = true) {
    now += time;
    return watch.observe({.progress = progress, .work = work}, now);
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
