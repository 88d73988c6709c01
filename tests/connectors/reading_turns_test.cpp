// SPDX-License-Identifier: Apache-2.0
#include "connectors/reading_turns.hpp"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::connectors {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::span<const std::size_t> order(ReadingTurns& turns, const std::vector<std::size_t>& depths) {
  return turns.order(depths.size(), [&](std::size_t slot) { return depths[slot]; });
}

TEST(ReadingTurns, BeginWithTheDeepestAndLeaveOutTheEmpty) {
  ReadingTurns turns;
  EXPECT_THAT(order(turns, {3, 0, 9, 3}), ElementsAre(2, 0, 3));
  EXPECT_THAT(order(turns, {0, 0}), IsEmpty());
  EXPECT_THAT(order(turns, {}), IsEmpty());
}

TEST(ReadingTurns, AlwaysEndWithinAFewPollsForATrickleBesideAFlood) {
  ReadingTurns turns;
  std::uint32_t polls = 0;
  for (std::size_t first = 0; first != 1; ++polls) {
    ASSERT_LE(polls, ReadingTurns::passes_max);
    first = order(turns, {10'000, 1}).front();
    turns.read(first);
  }
  EXPECT_EQ(order(turns, {10'000, 1}).front(), 0U) << "it has had its turn";
}

TEST(ReadingTurns, GoRoundAmongManyFloods) {
  constexpr std::size_t floods = 12;
  std::vector<std::size_t> depths(floods + 1);
  for (std::size_t slot = 0; slot < floods; ++slot) {
    depths[slot] = 1000 - slot;
  }
  depths[floods] = 1;
  ReadingTurns turns;
  std::vector<int> waited(depths.size());
  for (int poll = 0; poll < 500; ++poll) {
    const auto first = order(turns, depths).front();  // One a poll: it is refilled by the next.
    turns.read(first);
    for (std::size_t slot = 0; slot < waited.size(); ++slot) {
      waited[slot] = slot == first ? 0 : waited[slot] + 1;
      ASSERT_LE(waited[slot], static_cast<int>(depths.size() + ReadingTurns::passes_max)) << "slot " << slot;
    }
  }
}

TEST(ReadingTurns, NobodyWaitsLongerThanItsTurnAndThoseBefore) {
  EXPECT_TRUE(rc::check("every slot with something is read in time", [] {
    const auto slots = *rc::gen::inRange<std::size_t>(1, 12);
    ReadingTurns turns;
    std::vector<std::size_t> waited(slots);
    for (int poll = 0; poll < 100; ++poll) {
      const auto depths = *rc::gen::container<std::vector<std::size_t>>(slots, rc::gen::inRange<std::size_t>(1, 100));
      const auto first = order(turns, depths).front();
      turns.read(first);
      for (std::size_t slot = 0; slot < slots; ++slot) {
        waited[slot] = slot == first ? 0 : waited[slot] + 1;
        RC_ASSERT(waited[slot] <= ReadingTurns::passes_max + slots);
      }
    }
  }));
}

}  // namespace
}  // namespace alluvium::connectors
