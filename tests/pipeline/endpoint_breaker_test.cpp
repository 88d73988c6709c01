// SPDX-License-Identifier: Apache-2.0
// The breaker of an endpoint's gate.
#include <gtest/gtest.h>

#include "pipeline/endpoint_gate.hpp"
#include "tests/pipeline/gated.hpp"

namespace alluvium::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(GateBreaker, OpensAtHalfOfTwentyCallsAndNotBefore) {
  Gated gated;
  for (int i = 0; i < 10; ++i) {
    gated.call(good);
  }
  for (int i = 0; i < 9; ++i) {
    gated.call(status(500));
    ASSERT_FALSE(gated.gate.is_broken(gated.now)) << i;
  }
  gated.call(status(500));
  EXPECT_TRUE(gated.gate.is_broken(gated.now));
  EXPECT_EQ(gated.state(), GateState::broken);
  EXPECT_EQ(gated.gate.next_look(gated.now), gated.now + seconds{5});
}

TEST(GateBreaker, StaysClosedBelowHalf) {
  Gated gated;
  for (int i = 0; i < 300; ++i) {
    gated.call(i % 100 < 51 ? good : status(500));
    if (gated.gate.is_broken(gated.now)) {
      // 51 good ones, then up to 49 failures: half is reached only if the window has lost good ones.
      FAIL() << i;
    }
  }
}

TEST(GateBreaker, ForgetsCallsThatAreOlderThanItsWindow) {
  Gated gated;
  for (int i = 0; i < 19; ++i) {
    gated.call(status(500));
  }
  gated.now += seconds{30};
  gated.call(good);
  EXPECT_FALSE(gated.gate.is_broken(gated.now));
  gated.now += seconds{29};
  for (int i = 0; i < 18; ++i) {
    gated.call(status(500));
  }
  EXPECT_FALSE(gated.gate.is_broken(gated.now)) << "19 in the window";
  gated.call(status(500));
  EXPECT_TRUE(gated.gate.is_broken(gated.now));
}

TEST(GateBreaker, OpensForAnEndpointThatHangs) {
  Gated gated;  // 16 calls in flight, then 8, 4, ... that time out after as long as the window is.
  for (int i = 0; i < 3 && !gated.gate.is_broken(gated.now); ++i) {
    while (gated.begin()) {
    }
    gated.now += seconds{30};
    while (!gated.started.empty()) {
      gated.end(timed_out());
    }
  }
  EXPECT_TRUE(gated.gate.is_broken(gated.now));
}

void open_breaker(Gated& gated) {
  gated.call(status(401));
  ASSERT_TRUE(gated.gate.is_broken(gated.now));
}

TEST(GateBreaker, OpensAtOnceWhenTheEndpointIsBlocked) {
  Gated gated;
  open_breaker(gated);
  EXPECT_EQ(gated.state(), GateState::broken);
}

TEST(GateBreaker, LetsExactlyOneProbeThroughAfterItsDelay) {
  Gated gated;
  open_breaker(gated);
  gated.now += seconds{5} - milliseconds{1};
  EXPECT_FALSE(gated.begin());
  gated.now += milliseconds{1};
  EXPECT_TRUE(gated.begin());
  EXPECT_FALSE(gated.begin());
  EXPECT_EQ(gated.state(), GateState::broken);
  EXPECT_EQ(gated.gate.next_look(gated.now), std::nullopt) << "only the probe's end changes it";
  gated.end(good);
  EXPECT_FALSE(gated.gate.is_broken(gated.now));
  EXPECT_TRUE(gated.begin());
  EXPECT_TRUE(gated.begin());
}

TEST(GateBreaker, DoublesItsDelayFromFiveToSixtySecondsAndStartsAnewOnceClosed) {
  Gated gated;
  open_breaker(gated);
  for (const int delay : {5, 10, 20, 40, 60, 60}) {
    EXPECT_EQ(gated.gate.next_look(gated.now), gated.now + seconds{delay});
    gated.now += seconds{delay};
    gated.call(status(500));
  }
  gated.now += seconds{60};
  gated.call(good);
  open_breaker(gated);
  EXPECT_EQ(gated.gate.next_look(gated.now), gated.now + seconds{5});
}

TEST(GateBreaker, ClosesOnAnyReplyOfAnEndpointThatWorks) {
  for (const int code : {200, 400, 413, 422}) {
    Gated gated;
    open_breaker(gated);
    gated.now += seconds{5};
    gated.call(status(code));
    EXPECT_FALSE(gated.gate.is_broken(gated.now)) << code;
  }
}

TEST(GateBreaker, RemembersNoFailureFromBeforeItClosed) {
  Gated gated;
  for (int i = 0; i < 19; ++i) {
    gated.call(status(500));
  }
  open_breaker(gated);
  gated.now += seconds{5};
  gated.call(good);
  gated.call(status(500));
  EXPECT_FALSE(gated.gate.is_broken(gated.now));
}

TEST(GateBreaker, OpensAgainOnAReplyThatIsNotTheApis) {
  auto page = status(200);
  page.readable = false;
  Gated gated;
  open_breaker(gated);
  gated.now += seconds{5};
  gated.call(page);
  EXPECT_TRUE(gated.gate.is_broken(gated.now));
}

TEST(GateBreaker, IsNotJudgedByCallsThatAreOlderThanItsProbe) {
  Gated gated;
  ASSERT_TRUE(gated.begin() && gated.begin() && gated.begin());
  gated.now += seconds{1};
  gated.end(status(401));
  gated.now += seconds{5};
  ASSERT_TRUE(gated.begin());
  gated.now += milliseconds{10};
  gated.end(status(500));
  EXPECT_EQ(gated.state(), GateState::broken) << "one probe is still enough";
  gated.end(good);
  EXPECT_EQ(gated.state(), GateState::broken);
  gated.end(good);
  EXPECT_EQ(gated.state(), GateState::open);
}

TEST(GateBreaker, TakesTheOnlyCallInFlightForItsProbeWhateverTimeItSaysItTook) {
  Gated gated;
  open_breaker(gated);
  gated.now += seconds{5};
  ASSERT_TRUE(gated.begin());
  auto reply = good;
  reply.took = hours{1};
  gated.gate.ended(reply, ReplyClass::answered, gated.now);
  EXPECT_FALSE(gated.gate.is_broken(gated.now));
}

}  // namespace
}  // namespace alluvium::pipeline
