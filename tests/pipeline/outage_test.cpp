// SPDX-License-Identifier: Apache-2.0
#include "pipeline/outage.hpp"

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

using namespace std::chrono_literals;

TEST(Outage, IsSaidAtOnceAndThenEverLessOften) {
  Outage outage;
  std::vector<std::int64_t> said;
  for (auto at = 0s; at <= 1h; at += 1s) {
    if (outage.failed(TimePoint{at})) {
      said.push_back(at.count());
    }
  }
  EXPECT_EQ(said, (std::vector<std::int64_t>{0,   1,    3,    7,    15,   31,   63,   127,  255,  511,
                                             811, 1111, 1411, 1711, 2011, 2311, 2611, 2911, 3211, 3511}));
}

TEST(Outage, IsOverOnceAndSaysHowLongItWas) {
  Outage outage;
  EXPECT_EQ(outage.over(TimePoint{1s}), std::nullopt);
  EXPECT_TRUE(outage.failed(TimePoint{2s}));
  EXPECT_FALSE(outage.failed(TimePoint{2500ms}));
  EXPECT_EQ(outage.over(TimePoint{4s}), 2000ms);
  EXPECT_EQ(outage.over(TimePoint{5s}), std::nullopt);
}

TEST(Outage, ThatComesBackIsSaidAtOnce) {
  Outage outage;
  EXPECT_TRUE(outage.failed(TimePoint{0s}));
  outage.over(TimePoint{100ms});
  EXPECT_TRUE(outage.failed(TimePoint{200ms}));
}

}  // namespace
}  // namespace alluvium::pipeline
