// SPDX-License-Identifier: Apache-2.0
#include "pipeline/offset_ledger.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

Position whole(std::int64_t offset) {
  return {.offset = offset, .index = 0, .count = 1};
}

TEST(OffsetLedger, BeginsWithNothingDoneAtOrAboveItsWatermark) {
  const OffsetLedger ledger{100};
  EXPECT_EQ(ledger.watermark(), 100);
  EXPECT_TRUE(ledger.is_done(99));
  EXPECT_FALSE(ledger.is_done(100));
  EXPECT_FALSE(ledger.is_done(1'000'000'000));
}

TEST(OffsetLedger, MovesTheWatermarkOnlyOverWhatIsDone) {
  OffsetLedger ledger{10};
  ledger.mark(whole(11));
  EXPECT_EQ(ledger.watermark(), 10);
  EXPECT_FALSE(ledger.is_done(10));
  EXPECT_TRUE(ledger.is_done(11));
  EXPECT_FALSE(ledger.is_done(12));
  ledger.mark(whole(10));
  EXPECT_EQ(ledger.watermark(), 12);
}

TEST(OffsetLedger, PassesTheEdgesOfItsWords) {
  for (const std::int64_t last : {62, 63, 64, 127, 128, 129}) {
    OffsetLedger ledger;
    for (auto offset = last; offset > 0; --offset) {
      ledger.mark(whole(offset));
      ASSERT_EQ(ledger.watermark(), 0);
    }
    ledger.mark(whole(0));
    EXPECT_EQ(ledger.watermark(), last + 1);
    EXPECT_FALSE(ledger.is_done(last + 1));
  }
}

TEST(OffsetLedger, TakesAMarkTwiceAsOnce) {
  OffsetLedger ledger;
  ledger.mark(whole(1));
  ledger.mark(whole(1));
  ledger.mark(whole(0));
  ledger.mark(whole(0));
  EXPECT_EQ(ledger.watermark(), 2);
}

TEST(OffsetLedger, CountsABundleWhenItsLastMessageIsDone) {
  OffsetLedger ledger;
  const auto part = [](std::uint32_t index) { return Position{.offset = 0, .index = index, .count = 3}; };
  ledger.mark(part(2));
  ledger.mark(part(0));
  ledger.mark(part(0));
  EXPECT_EQ(ledger.watermark(), 0);
  EXPECT_FALSE(ledger.is_done(0));
  EXPECT_TRUE(ledger.is_done(part(0)));
  EXPECT_FALSE(ledger.is_done(part(1)));
  EXPECT_TRUE(ledger.is_done(part(2)));
  ledger.mark(part(1));
  EXPECT_EQ(ledger.watermark(), 1);
  EXPECT_TRUE(ledger.is_done(part(1)));
}

TEST(OffsetLedger, LeavesADoneBundleDoneWhenAPartIsMarkedAgain) {
  OffsetLedger ledger;
  const auto part = [](std::uint32_t index) { return Position{.offset = 5, .index = index, .count = 2}; };
  ledger.mark(part(0));
  ledger.mark(part(1));
  ledger.mark(part(0));
  EXPECT_TRUE(ledger.is_done(5));
  EXPECT_TRUE(ledger.is_done(part(1)));
}

TEST(OffsetLedger, TakesAGapAtTheWatermarkInBetweenAndAcross) {
  OffsetLedger ledger;
  ledger.mark_range(0, 5);
  EXPECT_EQ(ledger.watermark(), 5);
  ledger.mark_range(6, 200);
  EXPECT_EQ(ledger.watermark(), 5);
  EXPECT_TRUE(ledger.is_done(6));
  EXPECT_TRUE(ledger.is_done(199));
  EXPECT_FALSE(ledger.is_done(200));
  ledger.mark_range(3, 7);
  EXPECT_EQ(ledger.watermark(), 200);
}

TEST(OffsetLedger, IgnoresARangeThatIsEmptyOrBelowTheWatermark) {
  OffsetLedger ledger{50};
  ledger.mark_range(50, 50);
  ledger.mark_range(60, 55);
  ledger.mark_range(0, 50);
  EXPECT_EQ(ledger.watermark(), 50);
  EXPECT_FALSE(ledger.is_done(55));
}

TEST(OffsetLedger, JumpsOverAGapOfAnySizeAtTheWatermark) {
  constexpr std::int64_t far = 4'000'000'000'000;
  OffsetLedger ledger;
  ledger.mark_range(0, far);
  EXPECT_EQ(ledger.watermark(), far);
  ledger.mark(whole(far));
  EXPECT_EQ(ledger.watermark(), far + 1);
}

TEST(OffsetLedger, TakesAWideGapAboveWhatIsStillPending) {
  OffsetLedger ledger;
  ledger.mark_range(1, 20'000'000);
  EXPECT_EQ(ledger.watermark(), 0);
  ledger.mark(whole(0));
  EXPECT_EQ(ledger.watermark(), 20'000'000);
}

/// The definition: the set of what is done.
struct Model {
  std::int64_t start;
  std::set<std::int64_t> done;
  std::map<std::int64_t, std::set<std::uint32_t>> parts;

  [[nodiscard]] bool is_done(std::int64_t offset) const {
    return offset < start || done.contains(offset);
  }
  [[nodiscard]] std::int64_t watermark() const {
    auto offset = start;
    while (done.contains(offset)) {
      ++offset;
    }
    return offset;
  }
  void mark(const Position& position) {
    auto& seen = parts[position.offset];
    seen.insert(position.index);
    if (seen.size() == position.count) {
      done.insert(position.offset);
    }
  }
};

/// Each offset is a bundle of the same size whenever it is met; every third is a single message.
std::uint32_t bundle_size(std::int64_t offset) {
  return static_cast<std::uint32_t>(1 + offset % 3);
}

TEST(OffsetLedger, AgreesWithASetOfOffsets) {
  EXPECT_TRUE(rc::check("after any marks, bundles and gaps, in any order", [] {
    const auto start = *rc::gen::inRange<std::int64_t>(0, 1000);
    OffsetLedger ledger{start};
    Model model{start, {}, {}};
    const auto steps = *rc::gen::inRange(1, 150);
    const auto width = *rc::gen::element<std::int64_t>(5, 70, 300);
    for (int step = 0; step < steps; ++step) {
      const auto offset = model.watermark() - 3 + *rc::gen::inRange<std::int64_t>(0, width);
      if (offset < 0) {
        continue;
      }
      if (*rc::gen::inRange(0, 12) == 0) {
        const auto to = offset + *rc::gen::inRange<std::int64_t>(0, 200);
        ledger.mark_range(offset, to);
        for (auto gap = std::max(offset, start); gap < to; ++gap) {
          model.done.insert(gap);
        }
      } else {
        const auto count = bundle_size(offset);
        const Position position{.offset = offset, .index = *rc::gen::inRange<std::uint32_t>(0, count), .count = count};
        ledger.mark(position);
        if (offset >= start) {
          model.mark(position);
        }
        RC_ASSERT(ledger.is_done(position));
      }
      RC_ASSERT(ledger.watermark() == model.watermark());
    }
    for (auto offset = start; offset < model.watermark() + width + 70; ++offset) {
      RC_ASSERT(ledger.is_done(offset) == model.is_done(offset));
      for (std::uint32_t index = 0; index < bundle_size(offset); ++index) {
        const auto seen = model.parts.find(offset);
        const bool part_done = model.is_done(offset) || (seen != model.parts.end() && seen->second.contains(index));
        RC_ASSERT(ledger.is_done(Position{offset, index, bundle_size(offset)}) == part_done);
      }
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
