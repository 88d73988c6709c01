// SPDX-License-Identifier: Apache-2.0
#include "pipeline/claim_plan.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

Position whole(std::int64_t offset) {
  return {.offset = offset, .index = 0, .count = 1};
}

ClaimRequest request(std::int64_t first, std::int64_t end) {
  return {.partition = {.topic = "chat", .partition = 0}, .identity = "topic-1", .range = {first, end}};
}

LedgerRow row(std::int64_t watermark) {
  return {.identity = "topic-1", .token = "a", .seq = 7, .watermark = watermark};
}

TEST(FirstWatermark, IsTheEndOnlyIfAskedForAndTheTopicIsNew) {
  auto asked = request(3, 9);
  EXPECT_EQ(first_watermark(asked, {}), 3);
  asked.start_at_end = true;
  EXPECT_EQ(first_watermark(asked, {}), 9);
  EXPECT_EQ(first_watermark(asked, {.topic_begun_ms = 1000, .now_ms = 1000 + topic_begins_within_ms}), 9);
  EXPECT_EQ(first_watermark(asked, {.topic_begun_ms = 1000, .now_ms = 1001 + topic_begins_within_ms}), 3);
  EXPECT_EQ(first_watermark(asked, {.topic_begun_ms = 1000, .was_reset = true, .now_ms = 1000}), 3);
}

TEST(ClaimPlan, GoesOnAtTheWatermarkWithWhatIsDoneAbove) {
  const auto plan = plan_claim(row(10), {whole(14), whole(9), whole(12)}, request(0, 20));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->seq, 8);
  EXPECT_EQ(plan->watermark, 10);
  EXPECT_EQ(plan->done, (std::vector<Position>{whole(12), whole(14)}));
  EXPECT_TRUE(plan->lost.empty());
}

TEST(ClaimPlan, LearnsAnIdentityAndKeepsOneThatTheSourceCannotTell) {
  auto unknown = row(0);
  unknown.identity.clear();
  EXPECT_EQ(plan_claim(unknown, {}, request(0, 1))->identity, "topic-1");
  auto silent = request(0, 1);
  silent.identity.clear();
  EXPECT_EQ(plan_claim(row(0), {}, silent)->identity, "topic-1");
}

TEST(ClaimPlan, RefusesAnotherStreamAndALedgerBeyondTheEnd) {
  auto other = request(0, 20);
  other.identity = "topic-2";
  EXPECT_EQ(plan_claim(row(10), {}, other).error().code, Errc::unsafe_to_go_on);
  EXPECT_TRUE(plan_claim(row(20), {}, request(0, 20)));
  EXPECT_EQ(plan_claim(row(21), {}, request(0, 20)).error().code, Errc::unsafe_to_go_on);
  EXPECT_EQ(plan_claim(row(10), {whole(20), whole(11)}, request(0, 20)).error().code, Errc::unsafe_to_go_on);
}

TEST(ClaimPlan, RecordsAsLostWhatRetentionDeletedUndone) {
  const Position half{.offset = 13, .index = 0, .count = 2};
  const auto plan = plan_claim(row(10), {whole(12), half, whole(16), whole(17), whole(19)}, request(16, 20));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->watermark, 18) << "16 and 17 are done";
  EXPECT_EQ(plan->done, std::vector<Position>{whole(19)});
  std::vector<std::int64_t> lost;
  for (const auto& gap : plan->lost) {
    for (auto offset = gap.from; offset < gap.to; ++offset) {
      lost.push_back(offset);
    }
  }
  EXPECT_EQ(lost, (std::vector<std::int64_t>{10, 11, 13, 14, 15})) << "half of 13's bundle can't be read any more";
}

TEST(ClaimPlan, BringsTheSelectorsStateWithThePlaceItBelongsTo) {
  auto known = row(10'000);
  known.selector = {.offset = 8000, .bytes = "state"};
  auto asked = request(0, 20'000);
  EXPECT_FALSE(plan_claim(known, {}, asked)->selector) << "nobody asked";
  asked.selects = true;
  EXPECT_EQ(plan_claim(known, {}, asked)->selector->offset, 8000);
  EXPECT_EQ(plan_claim(known, {}, asked)->selector->bytes, "state");
  asked.range.first = 9000;
  EXPECT_EQ(plan_claim(known, {}, asked)->selector->offset, 9000) << "what is below was deleted";
}

TEST(ClaimPlan, BeginsASelectorAnewThatWasLeftFarBehindOrIsAhead) {
  auto asked = request(0, 1'000'000);
  asked.selects = true;
  auto known = row(selector_replay_max + 6);
  known.selector = {.offset = 5, .bytes = "state"};
  EXPECT_EQ(plan_claim(known, {}, asked)->selector->offset, known.watermark);
  EXPECT_EQ(plan_claim(known, {}, asked)->selector->bytes, "");
  known.selector.offset = known.watermark + 1;
  EXPECT_EQ(plan_claim(known, {}, asked)->selector->offset, known.watermark);
}

}  // namespace
}  // namespace alluvium::pipeline
