// SPDX-License-Identifier: Apache-2.0
#include "pipeline/striped_sum.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

TEST(StripedSum, IsWhatWasAddedAndNotTaken) {
  StripedSum sum;
  EXPECT_EQ(sum.value(), 0);
  sum.add(7);
  sum.take(3);
  EXPECT_EQ(sum.value(), 4);
}

TEST(StripedSum, CountsWhatOneThreadAddedAndAnotherTook) {
  StripedSum sum;
  std::thread{[&] { sum.add(100); }}.join();
  std::thread{[&] { sum.take(100); }}.join();
  EXPECT_EQ(sum.value(), 0);
}

// Bytes change hands: the next owner adds them before the last one takes them away. Whoever asks meanwhile must not
// find that there are none, or the engine would believe that it is done.
TEST(StripedSum, IsNeverLessThanWhatThereWasAllTheTime) {
  constexpr std::int64_t always = 1000;
  StripedSum sum;
  sum.add(always);
  std::atomic<int> running{4};
  std::vector<std::thread> owners;
  for (int i = 0; i < 4; ++i) {
    owners.emplace_back([&] {
      for (int turn = 0; turn < 50'000; ++turn) {
        sum.add(always);
        sum.take(always);
      }
      --running;
    });
  }
  auto least = std::numeric_limits<std::int64_t>::max();
  while (running > 0) {
    least = std::min(least, sum.value());
  }
  for (auto& owner : owners) {
    owner.join();
  }
  EXPECT_GE(least, always);
  EXPECT_EQ(sum.value(), always);
}

}  // namespace
}  // namespace alluvium::pipeline
