// SPDX-License-Identifier: Apache-2.0
#include "pipeline/token_estimate.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

TokenUsage prompt_of(std::int64_t tokens) {
  return {.prompt = tokens};
}

TEST(TokenEstimate, StartsAtThreeAndAHalfBytesRoundedUp) {
  const TokenCalibration fresh;
  EXPECT_EQ(fresh.prompt_tokens(0), 0);
  EXPECT_EQ(fresh.prompt_tokens(1), 1);
  EXPECT_EQ(fresh.prompt_tokens(7), 2);
  EXPECT_EQ(fresh.prompt_tokens(8), 3);
  EXPECT_EQ(fresh.prompt_tokens(-5), 0);
}

TEST(TokenEstimate, MovesATenthOfTheWayToEachCall) {
  TokenCalibration calibration;
  calibration.learn(450, prompt_of(100));
  EXPECT_NEAR(calibration.bytes_per_token, 3.6, 1e-12);
  EXPECT_EQ(calibration.samples, 1);
}

TEST(TokenEstimate, BelievesADenserTextAtOnce) {
  TokenCalibration calibration;
  calibration.learn(200, prompt_of(100));
  EXPECT_EQ(calibration.bytes_per_token, 2.0);
}

TEST(TokenEstimate, ComesWithinAPercentOfASteadyModel) {
  TokenCalibration calibration;
  for (int i = 0; i < 50; ++i) {
    calibration.learn(4500, prompt_of(1000));
  }
  EXPECT_NEAR(calibration.bytes_per_token, 4.5, 0.045);
}

TEST(TokenEstimate, IgnoresCallsThatSayNothing) {
  TokenCalibration calibration;
  calibration.learn(1000, prompt_of(0));
  calibration.learn(1000, prompt_of(-3));
  calibration.learn(0, prompt_of(100));
  EXPECT_EQ(calibration.bytes_per_token, 3.5);
  EXPECT_EQ(calibration.samples, 0);
}

TEST(TokenEstimate, StaysWithinOneAndEightBytesWhateverItIsTold) {
  EXPECT_TRUE(rc::check("within 1 and 8", [] {
    TokenCalibration calibration;
    for (int i = 0; i < 20; ++i) {
      calibration.learn(*rc::gen::arbitrary<std::int64_t>(), prompt_of(*rc::gen::arbitrary<std::int64_t>()));
      RC_ASSERT(calibration.bytes_per_token >= 1.0);
      RC_ASSERT(calibration.bytes_per_token <= 8.0);
    }
  }));
}

TEST(TokenEstimate, MakesDoWithADamagedCalibration) {
  for (const double damaged : {0.0, -1.0, std::nan(""), -std::numeric_limits<double>::infinity()}) {
    const TokenCalibration calibration{.bytes_per_token = damaged, .samples = 3};
    EXPECT_EQ(calibration.prompt_tokens(100), 100) << damaged;
  }
  const TokenCalibration huge{.bytes_per_token = std::numeric_limits<double>::infinity(), .samples = 3};
  EXPECT_EQ(huge.prompt_tokens(80), 10);
  EXPECT_GT(TokenCalibration{}.prompt_tokens(std::numeric_limits<std::int64_t>::max()), 0);
}

TEST(Reservation, HasAQuarterOnTopAndAllThatMayBeAnswered) {
  const auto reserved = reserve_tokens(TokenCalibration{}, 3500, 300);
  EXPECT_EQ(reserved, (TokenUsage{.prompt = 1250, .completion = 300}));
  EXPECT_EQ(reserve_tokens(TokenCalibration{}, 0, -1), TokenUsage{});
}

TEST(Reservation, IsNeverBelowAQuarterOfTheBytesUntilTenCallsWereSeen) {
  TokenCalibration calibration{.bytes_per_token = 8, .samples = 9};
  EXPECT_EQ(reserve_tokens(calibration, 8000, 0).prompt, 2000);
  calibration.samples = 10;
  EXPECT_EQ(reserve_tokens(calibration, 8000, 0).prompt, 1250);
}

}  // namespace
}  // namespace alluvium::pipeline
