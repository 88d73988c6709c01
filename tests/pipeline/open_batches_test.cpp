// SPDX-License-Identifier: Apache-2.0
#include "pipeline/open_batches.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

TEST(OpenBatches, BeginsAfterTheLastRowWhenNoneReachesTheWatermark) {
  OpenBatches open;
  EXPECT_EQ(open.floor(), 1);
  open.add(7, 30);
  open.pass(31);
  EXPECT_EQ(open.floor(), 8);
  open.ends_at(9);
  EXPECT_EQ(open.floor(), 10);
}

TEST(OpenBatches, MissesNoRowAtOrAboveTheWatermark) {
  EXPECT_TRUE(rc::check([] {
    OpenBatches open;
    std::vector<std::int64_t> max_offsets;
    std::int64_t watermark = 0;
    for (const auto step : *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>())) {
      if (step % 3 == 0) {
        watermark += step / 3 % 5;
        open.pass(watermark);
      } else {
        max_offsets.push_back(watermark + step / 3);
        open.add(std::ssize(max_offsets), max_offsets.back());
      }
      for (std::size_t i = 0; i < max_offsets.size(); ++i) {
        RC_ASSERT(max_offsets[i] < watermark || static_cast<std::int64_t>(i + 1) >= open.floor());
      }
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
