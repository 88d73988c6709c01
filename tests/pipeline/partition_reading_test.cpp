// SPDX-License-Identifier: Apache-2.0
#include "pipeline/partition_reading.hpp"

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

using Step = PartitionReading::Step;

class PartitionReadingTest : public testing::Test {
 protected:
  static Claim claim(std::int64_t watermark, std::vector<Position> done = {}) {
    return {.token = "token", .seq = 1, .watermark = watermark, .done = std::move(done), .lost = 0};
  }
  /// The gaps noted since the last call.
  std::vector<std::pair<std::int64_t, std::int64_t>> gaps() {
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
    for (const auto& gap : std::exchange(gaps_, {})) {
      pairs.emplace_back(gap.from, gap.to);
    }
    return pairs;
  }
  using Gaps = std::vector<std::pair<std::int64_t, std::int64_t>>;

  std::vector<Gap> gaps_;
};

TEST_F(PartitionReadingTest, TakesEachRecordOnceAndNotesTheGapsBetween) {
  PartitionReading reading{claim(10)};
  EXPECT_EQ(reading.on_record(10, gaps_), Step::take);
  EXPECT_EQ(reading.on_record(10, gaps_), Step::ignore);
  EXPECT_EQ(reading.on_record(13, gaps_), Step::take);
  EXPECT_EQ(gaps(), (Gaps{{11, 13}}));
  EXPECT_EQ(reading.on_end(16, gaps_), Step::skip);
  EXPECT_EQ(gaps(), (Gaps{{14, 16}}));
  EXPECT_EQ(reading.next(), 16);
  EXPECT_EQ(reading.on_end(16, gaps_), Step::skip);
  EXPECT_TRUE(gaps().empty());
}

TEST_F(PartitionReadingTest, SkipsWhatIsDoneAndTakesTheRestOfABundle) {
  PartitionReading reading{claim(10, {{.offset = 10}, {.offset = 11, .index = 1, .count = 2}})};
  EXPECT_EQ(reading.on_record(10, gaps_), Step::skip);
  EXPECT_EQ(reading.on_record(11, gaps_), Step::rest);
  EXPECT_FALSE(reading.is_done({.offset = 11, .index = 0, .count = 2}));
  EXPECT_TRUE(reading.is_done({.offset = 11, .index = 1, .count = 2}));
  EXPECT_EQ(reading.on_record(12, gaps_), Step::take);
}

TEST_F(PartitionReadingTest, LeavesOutOfAGapWhatWasDoneBeforeItWasDeleted) {
  PartitionReading reading{claim(10, {{.offset = 12}, {.offset = 14, .index = 0, .count = 2}})};
  EXPECT_EQ(reading.on_record(18, gaps_), Step::take);
  EXPECT_EQ(gaps(), (Gaps{{10, 12}, {13, 18}})) << "the rest of 14's bundle is gone for good";
}

TEST_F(PartitionReadingTest, IsFullAWindowAboveTheWatermark) {
  PartitionReading reading{claim(0), 4};
  for (std::int64_t offset = 0; offset < 4; ++offset) {
    EXPECT_EQ(reading.on_record(offset, gaps_), Step::take);
    EXPECT_FALSE(reading.is_full());
  }
  EXPECT_EQ(reading.on_record(4, gaps_), Step::take);
  EXPECT_TRUE(reading.is_full());
  EXPECT_FALSE(reading.advanced(3));
  EXPECT_FALSE(reading.has_room());
  EXPECT_FALSE(reading.advanced(4));
  EXPECT_TRUE(reading.has_room());
}

TEST_F(PartitionReadingTest, ReadsAWideGapAgainOnceAllBelowIsDone) {
  PartitionReading reading{claim(0), 4};
  EXPECT_EQ(reading.on_record(0, gaps_), Step::take);
  EXPECT_EQ(reading.on_record(100, gaps_), Step::rewind);
  EXPECT_EQ(reading.on_record(101, gaps_), Step::ignore);
  EXPECT_EQ(reading.on_end(102, gaps_), Step::ignore);
  EXPECT_TRUE(gaps().empty());
  EXPECT_FALSE(reading.has_room());
  EXPECT_TRUE(reading.advanced(1)) << "start again at next()";
  EXPECT_EQ(reading.next(), 1);
  EXPECT_EQ(reading.on_record(100, gaps_), Step::take);
  EXPECT_EQ(gaps(), (Gaps{{1, 100}}));
}

TEST_F(PartitionReadingTest, RewindsBeforeAWideGapAtTheEnd) {
  PartitionReading reading{claim(0), 4};
  EXPECT_EQ(reading.on_record(0, gaps_), Step::take);
  EXPECT_EQ(reading.on_end(100, gaps_), Step::rewind);
  EXPECT_TRUE(reading.advanced(1));
  EXPECT_EQ(reading.on_end(100, gaps_), Step::skip);
  EXPECT_EQ(gaps(), (Gaps{{1, 100}}));
}

TEST_F(PartitionReadingTest, ReadsFromTheSelectorsStateOnAndSkipsWhatIsDone) {
  auto granted = claim(10, {{.offset = 11, .index = 0, .count = 1}});
  granted.selector = {.offset = 6, .bytes = "state"};
  PartitionReading reading{granted};
  EXPECT_EQ(reading.next(), 6);
  EXPECT_EQ(reading.on_record(7, gaps_), Step::skip);
  EXPECT_EQ(reading.on_record(9, gaps_), Step::skip);
  EXPECT_TRUE(gaps().empty()) << "what lies below the watermark is accounted for";
  EXPECT_FALSE(reading.is_full());
  EXPECT_EQ(reading.on_record(10, gaps_), Step::rest);
  EXPECT_EQ(reading.on_record(11, gaps_), Step::skip);
  EXPECT_EQ(reading.on_record(12, gaps_), Step::take);
  EXPECT_TRUE(gaps().empty());
}

}  // namespace
}  // namespace alluvium::pipeline
