// SPDX-License-Identifier: Apache-2.0
#include "pipeline/commit_verdict.hpp"

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

PartitionCommit commit(std::string token, std::int64_t seq, std::int64_t watermark) {
  return {{.topic = "chat", .partition = 0}, std::move(token), seq, watermark, {}, {}, {}};
}

const LedgerRow row{.identity = "", .token = "a", .seq = 5, .watermark = 10};
const LedgerRow later{.identity = "", .token = "b", .seq = 6, .watermark = 10};

TEST(CommitVerdict, StandsByTokenThenSeqThenWatermark) {
  EXPECT_EQ(standing_of(commit("a", 5, 12), &row), Standing::ours);
  EXPECT_EQ(standing_of(commit("a", 5, 10), &row), Standing::ours) << "done above the watermark";
  EXPECT_EQ(standing_of(commit("a", 4, 10), &row), Standing::applied);
  EXPECT_EQ(standing_of(commit("b", 5, 12), &row), Standing::fenced);
  EXPECT_EQ(standing_of(commit("a", 5, 12), nullptr), Standing::fenced);
  EXPECT_EQ(standing_of(commit("a", 5, 9), &row), Standing::impossible);
  EXPECT_EQ(standing_of(commit("a", 4, 9), &row), Standing::impossible);
  EXPECT_EQ(standing_of(commit("a", 6, 12), &row), Standing::impossible) << "the store went back";
  EXPECT_EQ(standing_of(commit("a", 3, 10), &row), Standing::impossible);
}

Result<CommitVerdict> judged(const std::vector<PartitionCommit>& commits, const std::vector<const LedgerRow*>& rows) {
  return judge(commits, rows);
}

TEST(CommitVerdict, WritesAllOrNothing) {
  const auto ours = judged({commit("a", 5, 12), commit("a", 5, 12)}, {&row, &row});
  ASSERT_TRUE(ours);
  EXPECT_TRUE(ours->write);
  EXPECT_TRUE(ours->fenced.empty());
  const auto mixed = judged({commit("a", 5, 12), commit("a", 5, 12)}, {&row, &later});
  ASSERT_TRUE(mixed);
  EXPECT_FALSE(mixed->write);
  EXPECT_EQ(mixed->fenced, std::vector<std::size_t>{1});
}

TEST(CommitVerdict, TakesOnePartitionThatHasItForProofThatAllHadIt) {
  const auto there = judged({commit("a", 4, 10), commit("a", 5, 12)}, {&row, &later});
  ASSERT_TRUE(there);
  EXPECT_FALSE(there->write);
  EXPECT_TRUE(there->fenced.empty());
  EXPECT_EQ(judged({commit("a", 4, 10), commit("a", 5, 12)}, {&row, &row}).error().code, Errc::unsafe_to_go_on);
  EXPECT_EQ(judged({commit("a", 7, 12)}, {&row}).error().code, Errc::unsafe_to_go_on);
}

}  // namespace
}  // namespace alluvium::pipeline
