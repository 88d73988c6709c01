// SPDX-License-Identifier: Apache-2.0
#include "pipeline/selection.hpp"

#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

constexpr double rates[] = {.1, .2, .3, .5, .8};

std::int64_t selected(double rate, const std::string& agent, std::int64_t batches, std::int64_t from = 0) {
  std::int64_t count = 0;
  for (auto ordinal = from; ordinal < from + batches; ++ordinal) {
    count += is_selected({rate}, agent, ordinal) ? 1 : 0;
  }
  return count;
}

TEST(Selection, TakesNoneAtZeroAndAllAtOne) {
  for (const double none : {0.0, -0.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(selected(none, "ada", 1000), 0);
  }
  for (const double all : {1.0, 1.5, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(selected(all, "ada", 1000), 1000);
  }
  EXPECT_GE(selected(std::nextafter(1.0, 0.0), "ada", 1000), 999);
  EXPECT_LE(selected(std::numeric_limits<double>::denorm_min(), "ada", 1000), 1);
}

TEST(Selection, HoldsTheRateOverAThousandBatchesOfOneAgent) {
  for (const double rate : rates) {
    EXPECT_NEAR(static_cast<double>(selected(rate, "ada", 1000)), rate * 1000, 1) << rate;
    EXPECT_NEAR(static_cast<double>(selected(rate, "agent-17", 1000)), rate * 1000, 1) << rate;
  }
}

TEST(Selection, HoldsTheRateOverAThousandNumberedAgentsWithOneBatchEach) {
  for (const std::string prefix : {"agent-", "", "bot_00", "tenant-3/agent-"}) {
    for (const std::int64_t ordinal : {0, 1, 7}) {
      for (const double rate : rates) {
        double count = 0;
        for (int agent = 0; agent < 1000; ++agent) {
          count += is_selected({rate}, prefix + std::to_string(agent), ordinal) ? 1 : 0;
        }
        EXPECT_NEAR(count / 1000, rate, 0.01) << prefix << " at " << rate << ", batch " << ordinal;
      }
    }
  }
}

TEST(Selection, HoldsTheRateOverFiftyAgentsWithTwentyBatchesEach) {
  for (const double rate : {.1, .2, .3, .33, .5, .61803, .8}) {
    double count = 0;
    for (int agent = 0; agent < 50; ++agent) {
      count += static_cast<double>(selected(rate, "agent-" + std::to_string(agent), 20));
    }
    EXPECT_NEAR(count / 1000, rate, 0.01) << rate;
  }
}

TEST(Selection, SpreadsUnnumberedAgentsToo) {
  for (const double rate : rates) {
    double count = 0;
    for (int agent = 0; agent < 10'000; ++agent) {
      count += is_selected({rate}, std::to_string(agent) + "-agent", 0) ? 1 : 0;
    }
    EXPECT_NEAR(count / 10'000, rate, 0.02) << rate;
  }
}

TEST(Selection, IsNeverOffByAsMuchAsOneOverAnyFirstBatches) {
  EXPECT_TRUE(rc::check("for any agent and rate", [](const std::string& agent) {
    const auto rate = *rc::gen::inRange(0, 1001) / 1000.0;
    std::int64_t count = 0;
    for (std::int64_t n = 1; n <= 500; ++n) {
      count += is_selected({rate}, agent, n - 1) ? 1 : 0;
      RC_ASSERT(std::abs(static_cast<double>(count) - rate * static_cast<double>(n)) < 1 + 1e-9);
    }
  }));
}

TEST(Selection, HoldsTheRateForAnAgentWithABillionBatchesBehindIt) {
  EXPECT_NEAR(static_cast<double>(selected(.3, "ada", 1000, 1'000'000'000)), 300, 1);
}

TEST(Selection, StaysTheSameFromVersionToVersion) {
  std::string chosen;
  for (std::int64_t ordinal = 0; ordinal < 20; ++ordinal) {
    chosen += is_selected({.3}, "agent-17", ordinal) ? 'x' : '.';
  }
  EXPECT_EQ(chosen, "..x..x...x..x..x...x");
}

}  // namespace
}  // namespace alluvium::pipeline
