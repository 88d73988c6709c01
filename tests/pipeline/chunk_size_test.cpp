// SPDX-License-Identifier: Apache-2.0
#include "pipeline/chunk_size.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace alluvium::pipeline {
namespace {

constexpr std::int64_t mib = std::int64_t{1} << 20;

TEST(ChunkSize, IsWhatOnePollBringsWhileEachAgentHasSeveral) {
  ChunkSize size{128 * mib};
  EXPECT_EQ(size.wanted(), 0);
  size.made(128 * mib, 8000, 1250);
  EXPECT_EQ(size.wanted(), 0);
}

TEST(ChunkSize, DoublesUpToItsBoundWhileAgentsHaveHardlyAny) {
  ChunkSize size{128 * mib};
  for (const auto expected : {4, 8, 16, 32, 32}) {
    size.made(128 * mib, 8000, 7000);
    EXPECT_EQ(size.wanted(), expected * mib);
  }
  ChunkSize small{6 * mib};
  for (const auto expected : {4, 6, 6}) {
    small.made(128 * mib, 8000, 7000);
    EXPECT_EQ(small.wanted(), expected * mib);
  }
}

TEST(ChunkSize, LearnsNothingFromAChunkThatWasCutShort) {
  ChunkSize size{128 * mib};
  size.made(2 * mib, 8000, 7000);
  EXPECT_EQ(size.wanted(), 4 * mib);
  size.made(3 * mib, 8000, 7000);
  EXPECT_EQ(size.wanted(), 4 * mib);
  size.made(4 * mib, 8000, 7000);
  EXPECT_EQ(size.wanted(), 8 * mib);
}

TEST(ChunkSize, HalvesWhenAgentsHaveMany) {
  ChunkSize size{128 * mib};
  for (int i = 0; i < 4; ++i) {
    size.made(128 * mib, 100, 100);
  }
  for (const auto expected : {16, 8, 4, 0, 0}) {
    size.made(128 * mib, 8000, 1000);
    EXPECT_EQ(size.wanted(), expected * mib);
  }
}

TEST(ChunkSize, SaysHowManyAgentsMayNeedABuffer) {
  ChunkSize size{128 * mib};
  EXPECT_EQ(size.agents_of(1000), 1000U) << "nothing is known";
  size.made(128 * mib, 8000, 2000);
  EXPECT_EQ(size.agents_of(1000), 250U);
}

RC_GTEST_PROP(ChunkSizeLaw, StaysWithinItsBounds, ()) {
  const auto most = *rc::gen::inRange<std::int64_t>(0, 64 * mib);
  ChunkSize size{most};
  for (int i = 0; i < 30; ++i) {
    const auto agents = *rc::gen::inRange<std::size_t>(1, 100'000);
    size.made(128 * mib, agents * *rc::gen::inRange<std::size_t>(1, 12), agents);
    RC_ASSERT(size.agents_of(1000) <= 1000U);
    RC_ASSERT(size.wanted() >= 0);
    RC_ASSERT(size.wanted() <= std::min(most, ChunkSize::largest));
  }
}

}  // namespace
}  // namespace alluvium::pipeline
