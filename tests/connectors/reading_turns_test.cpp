// SPDX-License-Identifier: Apache-2.0
#include "connectors/reading_turns.hpp"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::connectors {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// Turns, and a clock that is moved by hand.
class ReadingTurnsTest : public testing::Test {
 protected:
  using Queues = std::vector<ReadingTurns::Queue>;

  std::vector<std::size_t> order(const Queues& queues) {
    const auto order = turns.order(
        queues.size(), [&](std::size_t slot) { return queues[slot]; }, now);
    return {order.begin(), order.end()};
  }
  /// The same, where none is behind.
  std::vector<std::size_t> order_of(const std::vector<std::size_t>& depths) {
    Queues queues;
    for (const auto depth : depths) {
      queues.push_back({.ready = depth, .behind = false});
    }
    return order(queues);
  }

  ReadingTurns turns;
  ReadingTurns::TimePoint now{1h};
};

constexpr ReadingTurns::Queue flood{.ready = 8000, .behind = true};
constexpr ReadingTurns::Queue dry{.ready = 0, .behind = true};
constexpr ReadingTurns::Queue trickle{.ready = 3, .behind = false};
constexpr ReadingTurns::Queue nothing{};

TEST_F(ReadingTurnsTest, BeginWithTheDeepestAndLeaveOutTheEmpty) {
  EXPECT_THAT(order_of({3, 0, 9, 3}), ElementsAre(2, 0, 3));
  EXPECT_THAT(order_of({0, 0}), IsEmpty());
  EXPECT_THAT(order_of({}), IsEmpty());
}

TEST_F(ReadingTurnsTest, AlwaysEndWithinAFewPollsForATrickleBesideAFlood) {
  std::uint32_t polls = 0;
  for (std::size_t first = 0; first != 1; ++polls) {
    ASSERT_LE(polls, ReadingTurns::passes_max);
    first = order({flood, trickle}).front();
    turns.read(first, now);
  }
  EXPECT_EQ(order({flood, trickle}).front(), 0U) << "it has had its turn";
}

TEST_F(ReadingTurnsTest, OfThoseThatAreBehindReadOneUntilItsTurnIsOver) {
  const Queues queues{flood, flood, trickle, nothing, flood};
  const auto first = order(queues).front();
  const auto end = now + ReadingTurns::turn_max;
  for (; now < end; now += 100ms) {
    EXPECT_THAT(order(queues), ElementsAre(first, 2));
    turns.read(first, now);
    turns.read(2, now);
  }
  const auto second = order(queues).front();
  turns.read(second, now);
  now += ReadingTurns::turn_max;
  const auto third = order(queues).front();
  turns.read(third, now);
  now += ReadingTurns::turn_max;
  EXPECT_THAT((std::vector{first, second, third}), testing::UnorderedElementsAre(0, 1, 4));
  EXPECT_EQ(order(queues).front(), first);
}

TEST_F(ReadingTurnsTest, WaitALittleForTheOneWhoseTurnItIs) {
  ASSERT_THAT(order({dry, flood, flood}), ElementsAre(1));
  EXPECT_FALSE(turns.waits());
  now += ReadingTurns::patience - 1ms;
  EXPECT_THAT(order({flood, dry, flood}), IsEmpty());
  EXPECT_TRUE(turns.waits());
  EXPECT_THAT(order({flood, flood, flood}), ElementsAre(1));
  now += ReadingTurns::patience;
  EXPECT_THAT(order({flood, dry, flood}), ElementsAre(2));
}

/// Else a turn would end because it has read much: that can take longer than patience lasts.
TEST_F(ReadingTurnsTest, DoNotCountTheTimeThatReadingTakesAsWaiting) {
  ASSERT_THAT(order({dry, flood, flood}), ElementsAre(1));
  now += 2 * ReadingTurns::patience;
  turns.read(1, now);
  now += ReadingTurns::patience - 1ms;
  EXPECT_THAT(order({flood, dry, flood}), IsEmpty());
  EXPECT_TRUE(turns.waits());
  now += 1ms;
  EXPECT_THAT(order({flood, dry, flood}), ElementsAre(2));
}

TEST_F(ReadingTurnsTest, WaitNoLongerBecauseOthersAreRead) {
  ASSERT_THAT(order({dry, flood, flood, trickle}), ElementsAre(1, 3));
  turns.read(1, now);
  now += ReadingTurns::patience;
  turns.read(3, now);
  EXPECT_THAT(order({flood, dry, flood, trickle}), ElementsAre(2, 3));
}

TEST_F(ReadingTurnsTest, GoOnWithTheNextWhenOneIsNoLongerBehind) {
  ASSERT_THAT(order({nothing, flood, flood}), ElementsAre(1));
  EXPECT_THAT(order({nothing, trickle, flood}), ElementsAre(2, 1));
  EXPECT_THAT(order({nothing, nothing, flood}), ElementsAre(2));
}

TEST_F(ReadingTurnsTest, AreShorterTheMoreAreBehind) {
  const Queues queues(40, flood);
  const auto begin = now;
  const auto first = order(queues).front();
  turns.read(first, now);
  for (int polls = 0; order(queues).front() == first && polls < 10'000; ++polls) {
    now += 1ms;
  }
  EXPECT_EQ(now - begin, ReadingTurns::round_max / 40);
}

TEST_F(ReadingTurnsTest, OutliveThatAllPartitionsGo) {
  ASSERT_THAT(order({flood, flood, flood}), testing::SizeIs(1));
  EXPECT_THAT(order({}), IsEmpty());
  EXPECT_FALSE(turns.waits());
  EXPECT_THAT(order({flood}), ElementsAre(0));
}

TEST_F(ReadingTurnsTest, GoRoundAmongMany) {
  constexpr std::size_t deep = 12;
  std::vector<std::size_t> depths(deep + 1);
  for (std::size_t slot = 0; slot < deep; ++slot) {
    depths[slot] = 1000 - slot;
  }
  depths[deep] = 1;
  std::vector<int> waited(depths.size());
  for (int poll = 0; poll < 500; ++poll) {
    const auto first = order_of(depths).front();  // One a poll: it is refilled by the next.
    turns.read(first, now);
    for (std::size_t slot = 0; slot < waited.size(); ++slot) {
      waited[slot] = slot == first ? 0 : waited[slot] + 1;
      ASSERT_LE(waited[slot], static_cast<int>(depths.size() + ReadingTurns::passes_max)) << "slot " << slot;
    }
  }
}

TEST_F(ReadingTurnsTest, DoNotEndBeforeTheirHolderWasRead) {
  // One poll takes all there is room for, and the one that is not behind is the deepest.
  constexpr ReadingTurns::Queue river{.ready = 9000, .behind = false};
  Queues queues(100, flood);
  queues.push_back(river);
  std::vector<ReadingTurns::TimePoint> read_at(queues.size(), now);
  constexpr auto step = 100ms;  // Longer than a turn is, of so many.
  for (int poll = 0; poll < 1000; ++poll, now += step) {
    const auto first = order(queues).front();
    turns.read(first, now);
    ASSERT_LE(now - read_at[first], 2 * step * static_cast<int>(queues.size())) << "slot " << first;
    read_at[first] = now;
  }
  for (const auto at : read_at) {
    EXPECT_LE(now - at, 2 * step * static_cast<int>(queues.size()));
  }
}

TEST_F(ReadingTurnsTest, WaitForNobodyWhoseReadingHelpsNobody) {
  EXPECT_THAT(order({flood, nothing}), ElementsAre(0));
  EXPECT_THAT(order({dry, nothing}), IsEmpty());
  EXPECT_FALSE(turns.waits()) << "the other has nothing either";
}

TEST(ReadingTurnsLaw, NobodyWaitsLongerThanItsTurnAndThoseBefore) {
  EXPECT_TRUE(rc::check("every slot with something is read in time", [] {
    const auto slots = *rc::gen::inRange<std::size_t>(1, 40);
    const auto behind = *rc::gen::container<std::vector<bool>>(slots, rc::gen::arbitrary<bool>());
    const auto step = std::chrono::milliseconds{*rc::gen::inRange(1, 400)};
    ReadingTurns turns;
    ReadingTurns::TimePoint now{1h};
    std::vector<std::size_t> depths(slots);
    std::vector<std::size_t> waited(slots);
    std::vector<ReadingTurns::TimePoint> read_at(slots, now);
    // A turn lasts until the first poll after its end, and its first polls may be others'.
    const auto round = ReadingTurns::round_max + slots * (ReadingTurns::passes_max + slots) * step;
    for (int poll = 0; poll < 300; ++poll, now += step) {
      for (auto& depth : depths) {
        depth = 1 + (depth * 7 + static_cast<std::size_t>(poll)) % 100;
      }
      const auto queue_of = [&](std::size_t slot) { return ReadingTurns::Queue{depths[slot], behind[slot]}; };
      const auto first = turns.order(slots, queue_of, now).front();
      turns.read(first, now);
      for (std::size_t slot = 0; slot < slots; ++slot) {
        waited[slot] = slot == first ? 0 : waited[slot] + 1;
        read_at[slot] = slot == first ? now : read_at[slot];
        RC_ASSERT(behind[slot] || waited[slot] <= ReadingTurns::passes_max + slots);
        RC_ASSERT(now - read_at[slot] <= round);
      }
    }
  }));
}

}  // namespace
}  // namespace alluvium::connectors
