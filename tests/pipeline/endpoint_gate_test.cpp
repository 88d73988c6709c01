// SPDX-License-Identifier: Apache-2.0
#include "pipeline/endpoint_gate.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/pipeline/gated.hpp"

namespace alluvium::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(GateLimit, IsTheMostInFlight) {
  Gated gated{at_most(2)};
  EXPECT_TRUE(gated.begin());
  EXPECT_TRUE(gated.begin());
  EXPECT_EQ(gated.state(), GateState::full);
  EXPECT_EQ(gated.gate.next_look(gated.now), std::nullopt) << "time alone changes nothing";
  gated.end(good);
  EXPECT_EQ(gated.state(), GateState::open);
}

TEST(GateLimit, IsWithinOneAndAThousandAndTwentyFour) {
  EXPECT_EQ(EndpointGate{at_most(0)}.limit(), 1U);
  EXPECT_EQ(EndpointGate{at_most(1024)}.limit(), 1024U);
  EXPECT_EQ(EndpointGate{at_most(1025)}.limit(), 1024U);
}

TEST(GateLimit, HalvesOncePerRoundOfOverload) {
  Gated gated{at_most(16)};
  while (gated.begin()) {
  }
  gated.now += milliseconds{100};
  for (int i = 0; i < 16; ++i) {
    gated.end(status(429));
    EXPECT_EQ(gated.gate.limit(), 8U);
  }
  while (gated.begin()) {
  }
  EXPECT_EQ(gated.gate.in_flight(), 8U);
  gated.end(timed_out());
  EXPECT_EQ(gated.gate.limit(), 4U);
}

TEST(GateLimit, NeverFallsBelowOne) {
  GateOptions options = at_most(3);
  options.breaker_calls = 1000;
  Gated gated{options};
  for (int i = 0; i < 10; ++i) {
    gated.call(status(529));
    EXPECT_GE(gated.gate.limit(), 1U);
  }
  EXPECT_EQ(gated.gate.limit(), 1U);
}

TEST(GateLimit, GrowsByOnePerLimitsWorthOfAnswersUpToItsMost) {
  Gated gated{at_most(4)};
  gated.call(status(503));
  EXPECT_EQ(gated.gate.limit(), 2U);
  gated.call(good);
  EXPECT_EQ(gated.gate.limit(), 2U);
  gated.call(good);
  EXPECT_EQ(gated.gate.limit(), 3U);
  for (int i = 0; i < 3; ++i) {
    gated.call(status(400));  // The endpoint works: the request was at fault.
  }
  EXPECT_EQ(gated.gate.limit(), 4U);
  for (int i = 0; i < 20; ++i) {
    gated.call(good);
  }
  EXPECT_EQ(gated.gate.limit(), 4U);
}

TEST(GateLimit, IsLeftAloneByFailuresThatAreNoOverload) {
  Gated gated{at_most(8)};
  ModelReply reset;
  reset.transport = ModelReply::Transport::lost;
  gated.call(reset);
  EXPECT_EQ(gated.gate.limit(), 8U);
}

TEST(GateWait, RetryAfterIsAFloorForTheWholeEndpoint) {
  Gated gated;
  gated.call(status(429, seconds{7}));
  EXPECT_EQ(gated.state(), GateState::waiting);
  EXPECT_EQ(gated.gate.next_look(gated.now), gated.now + seconds{7});
  gated.now += seconds{7} - milliseconds{1};
  EXPECT_EQ(gated.state(), GateState::waiting);
  gated.now += milliseconds{1};
  EXPECT_EQ(gated.state(), GateState::open);
}

TEST(GateWait, IsNotShortenedByALaterReply) {
  Gated gated;
  ASSERT_TRUE(gated.begin() && gated.begin());
  gated.end(status(503, seconds{60}));
  gated.end(status(503, seconds{1}));
  EXPECT_EQ(gated.gate.next_look(gated.now), gated.now + seconds{60});
}

TEST(GateWait, HoldsBackTheProbeToo) {
  Gated gated;
  gated.call(status(401, seconds{9}));
  const auto broken_at = gated.now;
  EXPECT_EQ(gated.gate.next_look(gated.now), broken_at + seconds{5});
  gated.now = broken_at + seconds{5};
  EXPECT_EQ(gated.state(), GateState::waiting);
  gated.now = broken_at + seconds{9};
  EXPECT_EQ(gated.state(), GateState::open);
}

TEST(GateWait, ObeysALimitThatAnAnswerUsedUp) {
  Gated gated;
  auto reply = good;
  reply.limit_reset = seconds{3};
  gated.call(reply);
  EXPECT_EQ(gated.gate.next_look(gated.now), gated.now + seconds{3});
}

TEST(GateWait, IsADayAtMostAndIgnoresWhatABadRequestIsTold) {
  Gated gated;
  gated.call(status(429, hours{1000}));
  EXPECT_EQ(gated.gate.next_look(gated.now), gated.now + hours{24});
  Gated other;
  other.call(status(400, seconds{7}));
  EXPECT_EQ(other.state(), GateState::open);
  other.call(status(429, milliseconds::min()));
  EXPECT_EQ(other.state(), GateState::open);
}

TEST(GateRetries, AreABurstAndThenAShareOfAllCalls) {
  GateOptions options;
  options.retry_burst = 2;
  Gated gated{options};
  ASSERT_TRUE(gated.begin(true));
  gated.end(good);
  ASSERT_TRUE(gated.begin(true));
  gated.end(good);
  EXPECT_EQ(gated.state(true), GateState::retries_spent);
  EXPECT_EQ(gated.state(false), GateState::open);
  EXPECT_EQ(gated.gate.next_look(gated.now), std::nullopt);
  for (int i = 0; i < 3; ++i) {  // With the two that were retries: 5 calls, a fifth of which is 1.
    EXPECT_EQ(gated.state(true), GateState::retries_spent);
    gated.call(good);
  }
  EXPECT_EQ(gated.state(true), GateState::open);
}

TEST(GateRetries, AreSavedUpToTheBurstAndNoFurther) {
  GateOptions options;
  options.retry_burst = 2;
  Gated gated{options};
  for (int i = 0; i < 100; ++i) {
    gated.call(good);
  }
  ASSERT_TRUE(gated.begin(true) && gated.begin(true));
  EXPECT_EQ(gated.state(true), GateState::retries_spent);
}

TEST(GateRetries, CanBeSwitchedOffAndHaveTheirShareWithoutABurst) {
  GateOptions options;
  options.retry_burst = 0;
  Gated gated{options};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(gated.state(true), GateState::retries_spent);
    gated.call(good);
  }
  EXPECT_EQ(gated.state(true), GateState::open);
  options.retry_share = std::nan("");
  Gated none{options};
  for (int i = 0; i < 50; ++i) {
    none.call(good);
  }
  EXPECT_EQ(none.state(true), GateState::retries_spent);
}

ModelReply any_reply() {
  const auto pick = *rc::gen::inRange(0, 12);
  if (pick == 0) {
    return timed_out();
  }
  if (pick == 1) {
    return status(401);
  }
  if (pick == 2) {
    return status(429, milliseconds{*rc::gen::inRange(0, 20'000)});
  }
  if (pick == 3) {
    auto reply = good;
    reply.limit_reset = milliseconds{*rc::gen::inRange(0, 5'000)};
    return reply;
  }
  return pick < 6 ? status(500) : pick == 6 ? status(400) : good;
}

/// What must hold at any moment, whatever happened before.
void check_next_look(const Gated& gated) {
  for (const bool extra : {false, true}) {
    const auto state = gated.state(extra);
    const auto next = gated.gate.next_look(gated.now);
    RC_ASSERT(!next || *next > gated.now);
    const auto last = next ? *next - TimePoint::duration{1} : gated.now + hours{48};
    RC_ASSERT(gated.gate.state(last, extra) == state);
    RC_ASSERT(gated.gate.state(gated.now + (last - gated.now) / 2, extra) == state);
  }
}

TEST(Gate, KeepsItsLawsForAnyTraffic) {
  EXPECT_TRUE(rc::check("limit, probe, floor, retry budget, next look", [] {
    GateOptions options = at_most(*rc::gen::inRange<std::size_t>(1, 9));
    options.retry_burst = *rc::gen::inRange<std::size_t>(0, 5);
    options.breaker_calls = *rc::gen::inRange<std::size_t>(1, 8);
    Gated gated{options};
    std::vector<bool> probes;  // Of the calls in flight: started while the breaker was half-open.
    TimePoint floor = TimePoint::min();
    std::size_t calls = 0;
    std::size_t extra_calls = 0;
    for (int step = 0; step < 300; ++step) {
      const auto what = *rc::gen::inRange(0, 10);
      if (what < 5) {
        const bool extra = *rc::gen::inRange(0, 3) == 0;
        const bool half_open = gated.gate.is_broken(gated.now);
        const auto before = gated.gate.in_flight();
        if (gated.begin(extra)) {
          RC_ASSERT(before < gated.gate.limit());
          RC_ASSERT(gated.now >= floor);
          if (half_open) {
            RC_ASSERT(std::count(probes.begin(), probes.end(), true) == 0);
          }
          probes.push_back(half_open);
          ++calls;
          extra_calls += extra ? 1U : 0U;
          RC_ASSERT(static_cast<double>(extra_calls) <=
                    static_cast<double>(options.retry_burst) + 0.2 * static_cast<double>(calls) + 1e-9);
        }
      } else if (what < 8 && !gated.started.empty()) {
        const auto place = *rc::gen::inRange<std::size_t>(0, gated.started.size());
        const auto reply = any_reply();
        for (const auto told : {reply.retry_after, reply.limit_reset}) {
          floor = told ? std::max(floor, gated.now + *told) : floor;
        }
        const auto limit = gated.gate.limit();
        gated.end(reply, place);
        probes.erase(probes.begin() + static_cast<std::ptrdiff_t>(place));
        RC_ASSERT(gated.gate.limit() >= std::max<std::size_t>(limit / 2, 1));
        RC_ASSERT(gated.gate.limit() <= std::min(limit + 1, options.concurrent_max));
      } else {
        gated.now += milliseconds{*rc::gen::inRange(1, 8000)};
      }
      RC_ASSERT(gated.gate.in_flight() == gated.started.size());
      check_next_look(gated);
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
