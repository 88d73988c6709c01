// SPDX-License-Identifier: Apache-2.0
#include "actors/handover.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alluvium::actors {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Handover, TellsTheTakerOfTheFirstAndOfEnough) {
  Handover<int> handover{3};
  EXPECT_TRUE(handover.put(1));
  EXPECT_FALSE(handover.put(2));
  EXPECT_FALSE(handover.has_enough());
  EXPECT_TRUE(handover.put(3));
  EXPECT_TRUE(handover.has_enough());
  EXPECT_FALSE(handover.put(4)) << "it has been told";
  EXPECT_THAT(handover.take(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(handover.take(), IsEmpty());
  EXPECT_TRUE(handover.put(5)) << "there are some again";
}

TEST(Handover, WithoutEnoughTellsOfTheFirstOnly) {
  Handover<std::unique_ptr<int>> handover;
  EXPECT_TRUE(handover.put(std::make_unique<int>(1)));
  for (int i = 0; i < 5000; ++i) {
    EXPECT_FALSE(handover.put(std::make_unique<int>(i)));
  }
  EXPECT_EQ(handover.take().size(), 5001U);
}

/// Nothing is left lying: whoever was not told knows that another was, for what it put as well.
TEST(Handover, GivesTheRoomBackThatTheTakerBrings) {
  Handover<int> handover;
  std::vector<int> taken(1000, 7);
  const auto* const room = taken.data();
  handover.take(taken);
  EXPECT_THAT(taken, IsEmpty());
  for (int i = 0; i < 1000; ++i) {
    std::ignore = handover.put(i);
  }
  handover.take(taken);
  EXPECT_EQ(taken.data(), room);
  EXPECT_EQ(taken.size(), 1000U);
}

TEST(Handover, LetsGoOfRoomFarBeyondTheUsual) {
  Handover<int> handover;
  std::vector<int> taken(1'000'000);
  handover.take(taken);
  std::ignore = handover.put(1);
  handover.take(taken);
  EXPECT_THAT(taken, ElementsAre(1));
  EXPECT_LE(taken.capacity(), Handover<int>::room_kept_max);
}

TEST(Handover, TellsOftenEnoughForATakerThatOnlyTakesWhenTold) {
  Handover<int> handover{100};
  std::atomic<int> tells{0};
  const auto give = [&] {
    for (int i = 0; i < 20'000; ++i) {
      if (handover.put(i)) {
        tells.fetch_add(1, std::memory_order_release);
      }
    }
  };
  std::thread first{give};
  std::thread second{give};
  int taken = 0;
  while (taken < 40'000) {
    if (tells.load(std::memory_order_acquire) > 0) {
      tells.fetch_sub(1, std::memory_order_acq_rel);
      taken += static_cast<int>(handover.take().size());
    } else {
      std::this_thread::yield();
    }
  }
  first.join();
  second.join();
  EXPECT_EQ(taken, 40'000);
  EXPECT_THAT(handover.take(), IsEmpty());
}

}  // namespace
}  // namespace alluvium::actors
