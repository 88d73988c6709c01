// SPDX-License-Identifier: Apache-2.0
#include "pipeline/commit_pace.hpp"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

using namespace std::chrono_literals;

TEST(CommitPace, LetsTheFirstGoAtOnce) {
  EXPECT_LE(CommitPace{20ms}.next(), TimePoint{});
}

TEST(CommitPace, CountsFromWhenACommitBegan) {
  CommitPace pace{20ms};
  pace.committed(TimePoint{1h}, TimePoint{1h + 2ms});
  EXPECT_EQ(pace.next(), TimePoint{1h + 20ms}) << "what came while it lasted has waited since";
}

TEST(CommitPace, SlowsDownWithTheStore) {
  CommitPace pace{20ms};
  pace.committed(TimePoint{1h}, TimePoint{1h + 5ms});
  pace.committed(TimePoint{2h}, TimePoint{2h + 6ms});
  EXPECT_EQ(pace.next(), TimePoint{2h + 8 * 5ms});
}

TEST(CommitPace, ForgivesOneSlowCommit) {
  CommitPace pace{20ms};
  pace.committed(TimePoint{1h}, TimePoint{1h + 2ms});
  pace.committed(TimePoint{2h}, TimePoint{2h + 60ms});
  EXPECT_EQ(pace.next(), TimePoint{2h + 20ms}) << "which is over: what waits is committed at once";
}

TEST(CommitPace, KeepsNothingWaitingForLong) {
  EXPECT_TRUE(rc::check("any commits", [] {
    const std::chrono::milliseconds interval{*rc::gen::inRange(1, 10'001)};
    CommitPace pace{interval};
    TimePoint now{1h};
    for (const auto took : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 10'000))) {
      const auto begin = std::max(now, pace.next());
      now = begin + std::chrono::milliseconds{took};
      pace.committed(begin, now);
      RC_ASSERT(pace.next() >= begin + interval);
      RC_ASSERT(pace.next() <= begin + 4 * interval);
      RC_ASSERT(pace.next() <= begin + std::max<std::chrono::milliseconds>(interval, 1s));
      RC_ASSERT(pace.next() <= begin + std::max<TimePoint::duration>(interval, 8 * (now - begin)));
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
