// SPDX-License-Identifier: Apache-2.0
#include "pipeline/endpoint_health.hpp"

#include <gtest/gtest.h>

#include "tests/pipeline/gated.hpp"

namespace alluvium::pipeline {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using News = EndpointHealth::News;

constexpr milliseconds patience{30'000};

class EndpointHealthTest : public testing::Test {
 protected:
  News call(const ModelReply& reply) {
    EXPECT_EQ(health.gate().state(now, false), GateState::open);
    health.gate().started(now, false);
    return health.ended(reply, classify(reply), now);
  }
  /// Calls that fail, until they are held back.
  void fail() {
    while (call(status(500)) != News::fails) {
    }
  }
  /// Waits for the probe.
  void wait() {
    const auto next = health.gate().next_look(now);
    ASSERT_TRUE(next);
    now = *next;
  }
  [[nodiscard]] bool given_up() const {
    return health.is_given_up(now, patience);
  }

  TimePoint now;
  EndpointHealth health{GateOptions{}};
};

TEST_F(EndpointHealthTest, OneThatFailsIsWaitedForAsLongAsPatienceLasts) {
  fail();
  EXPECT_FALSE(given_up());
  now += patience - milliseconds{1};
  health.gate().started(now, false);  // Its probe is under way.
  EXPECT_FALSE(given_up());
  now += milliseconds{1};
  EXPECT_TRUE(given_up());
  EXPECT_EQ(health.ended(good, classify(good), now), News::works_again);
  EXPECT_FALSE(given_up());
}

TEST_F(EndpointHealthTest, OneThatAnswersNowAndThenUsesUpThatPatience) {
  const auto first = now;
  fail();
  while (now - first < patience) {
    EXPECT_FALSE(given_up());
    wait();
    EXPECT_EQ(call(good), News::works_again);
    EXPECT_FALSE(given_up());
    fail();
  }
  EXPECT_TRUE(given_up());
}

TEST_F(EndpointHealthTest, OneThatWasWellIsWaitedForAnew) {
  fail();
  wait();
  EXPECT_EQ(call(good), News::works_again);
  now += EndpointHealth::well_after;
  fail();
  EXPECT_FALSE(given_up());
}

TEST_F(EndpointHealthTest, OneThatRefusesUsIsNotWaitedFor) {
  EXPECT_EQ(call(status(401)), News::fails);
  EXPECT_TRUE(given_up());
}

}  // namespace
}  // namespace alluvium::pipeline
