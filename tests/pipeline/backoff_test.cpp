// SPDX-License-Identifier: Apache-2.0
#include "pipeline/backoff.hpp"

#include <limits>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

RetryOptions documented() {
  RetryOptions options;
  options.delay = seconds{5};
  options.jitter = false;
  return options;
}

TEST(Backoff, DoublesExactlyWithoutJitter) {
  const auto options = documented();
  EXPECT_EQ(retry_delay(options, 1, "h"), seconds{5});
  EXPECT_EQ(retry_delay(options, 2, "h"), seconds{10});
  EXPECT_EQ(retry_delay(options, 3, "h"), seconds{20});
  EXPECT_EQ(retry_delay(options, 4, "h"), seconds{40});
  EXPECT_EQ(retry_delay(options, 5, "h"), seconds{60});
  EXPECT_EQ(retry_delay(options, 1000, "h"), seconds{60});
}

TEST(Backoff, OfTheBacklogDoublesUpToAnHour) {
  const auto options = documented();
  EXPECT_EQ(backlog_delay(options, 1, "h"), seconds{60});
  EXPECT_EQ(backlog_delay(options, 2, "h"), seconds{120});
  EXPECT_EQ(backlog_delay(options, 6, "h"), seconds{1920});
  EXPECT_EQ(backlog_delay(options, 7, "h"), hours{1});
  EXPECT_EQ(backlog_delay(options, std::numeric_limits<std::size_t>::max(), "h"), hours{1});
}

TEST(Backoff, WithJitterStaysBetweenTheFirstDelayAndTheDoubledOne) {
  EXPECT_TRUE(rc::check("within bounds, and the same again", [] {
    const RetryOptions options;
    const auto hash = *rc::gen::arbitrary<std::string>();
    const auto attempt = *rc::gen::inRange<std::size_t>(1, 12);
    const auto delay = retry_delay(options, attempt, hash);
    RC_ASSERT(delay >= options.delay);
    RC_ASSERT(delay <= std::min(options.delay_max, options.delay * (1 << attempt)));
    RC_ASSERT(delay == retry_delay(options, attempt, hash));
    const auto backlog = backlog_delay(options, attempt, hash);
    RC_ASSERT(backlog >= options.backlog_delay);
    RC_ASSERT(backlog <= std::min(backlog_delay_max, options.backlog_delay * (1 << attempt)));
    RC_ASSERT(backlog == backlog_delay(options, attempt, hash));
  }));
}

TEST(Backoff, WithJitterSpreadsRequestsOverTheWholeInterval) {
  const RetryOptions options;
  std::set<milliseconds> delays;
  milliseconds sum{0};
  for (int i = 0; i < 1000; ++i) {
    const auto delay = retry_delay(options, 3, std::to_string(i));
    delays.insert(delay);
    sum += delay;
  }
  // Between 500 and 4000 ms: 1000 draws out of 3501 leave about 870 different ones, with a mean of 2250 +- 32.
  EXPECT_GT(delays.size(), 800U);
  EXPECT_LT(*delays.begin(), milliseconds{600});
  EXPECT_GT(*delays.rbegin(), milliseconds{3900});
  EXPECT_NEAR(static_cast<double>(sum.count()) / 1000, 2250, 160);
}

TEST(Backoff, DrawsAnewForEachAttempt) {
  RetryOptions options;
  options.delay = options.backlog_delay = milliseconds{500};
  std::set<milliseconds> delays;
  for (std::size_t attempt = 7; attempt < 17; ++attempt) {  // All of the same interval, up to delay_max.
    delays.insert(retry_delay(options, attempt, "h"));
  }
  EXPECT_GT(delays.size(), 8U);
}

TEST(Backoff, HasABoundWhateverTheOptions) {
  EXPECT_TRUE(rc::check("never negative, never beyond the most", [] {
    RetryOptions options;
    options.delay = milliseconds{*rc::gen::arbitrary<std::int64_t>()};
    options.delay_max = milliseconds{*rc::gen::arbitrary<std::int64_t>()};
    options.jitter = *rc::gen::arbitrary<bool>();
    const auto delay = retry_delay(options, *rc::gen::arbitrary<std::size_t>(), "h");
    RC_ASSERT(delay >= milliseconds{0});
    RC_ASSERT(delay <= std::max(options.delay_max, milliseconds{0}));
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
