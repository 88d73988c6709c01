// SPDX-License-Identifier: Apache-2.0
#include "pipeline/commit_queue.hpp"

#include <gtest/gtest.h>

#include "pipeline/claim_plan.hpp"
#include "tests/pipeline/sample_batch.hpp"

namespace alluvium::pipeline {
namespace {

class CommitQueueTest : public testing::Test {
 protected:
  static ClaimPtr claim(PartitionSlot slot, std::uint64_t epoch) {
    // Slots ascend, names descend: commits are sorted by name.
    return std::make_shared<const PartitionClaim>(
        PartitionClaim{slot, epoch, {.topic = "chat", .partition = 9 - static_cast<std::int32_t>(slot)}});
  }
  static Claim granted(std::int64_t seq, std::int64_t watermark, std::vector<Position> done = {}) {
    return {.token = "token", .seq = seq, .watermark = watermark, .done = std::move(done), .lost = 0};
  }
  static ExtractedBatch batch(const std::vector<std::int64_t>& offsets) {
    ExtractedBatch made;
    made.batch = Batch{"ada"};
    for (const auto offset : offsets) {
      made.batch.append(sample_message("ada", "m", "text", offset));
    }
    return made;
  }

  CommitQueue queue_;
  ClaimPtr first_ = claim(0, 1);
};

TEST_F(CommitQueueTest, MakesOneCommitOfAllThatHasNewsSortedByName) {
  const auto second = claim(1, 2);
  const auto idle = claim(2, 3);
  queue_.open(first_, granted(5, 10));
  queue_.open(second, granted(8, 0));
  queue_.open(idle, granted(1, 0));
  EXPECT_TRUE(queue_.add(*first_, batch({10, 12})));
  EXPECT_TRUE(queue_.add(*second, {}, std::vector<Gap>{{0, 3}}));
  EXPECT_EQ(queue_.batches(), 1U);
  queue_.take();
  EXPECT_EQ(queue_.batches(), 0U);
  const auto& commits = queue_.outstanding();
  ASSERT_EQ(commits.size(), 2U);
  EXPECT_EQ(commits[0].partition.partition, 8);
  EXPECT_EQ(commits[0].watermark, 3) << "a gap alone moves it";
  EXPECT_EQ(commits[0].gaps.size(), 1U);
  EXPECT_EQ(commits[1].seq, 5);
  EXPECT_EQ(commits[1].watermark, 11);
  EXPECT_EQ(commits[1].batches.size(), 1U);
  const auto advances = queue_.settle();
  ASSERT_EQ(advances.size(), 2U);
  EXPECT_EQ(advances[1].claim, first_);
  EXPECT_EQ(advances[1].watermark, 11);
  queue_.take();
  EXPECT_TRUE(queue_.outstanding().empty()) << "no news";
}

TEST_F(CommitQueueTest, CountsOnFromTheCommitBefore) {
  queue_.open(first_, granted(5, 10));
  for (const std::int64_t seq : {5, 6, 7}) {
    queue_.add(*first_, batch({5 + seq}));
    queue_.take();
    ASSERT_EQ(queue_.outstanding().size(), 1U);
    EXPECT_EQ(queue_.outstanding()[0].seq, seq);
    queue_.settle();
  }
}

TEST_F(CommitQueueTest, KeepsAGapUntilTheWatermarkPassesIt) {
  queue_.open(first_, granted(5, 10));
  queue_.add(*first_, {}, std::vector<Gap>{{11, 13}});
  queue_.take();
  EXPECT_TRUE(queue_.outstanding().empty());
  DeadLetter letter;
  letter.position.offset = 10;
  queue_.add(*first_, {letter}, {});
  queue_.take();
  ASSERT_EQ(queue_.outstanding().size(), 1U);
  EXPECT_EQ(queue_.outstanding()[0].watermark, 13);
  EXPECT_EQ(queue_.outstanding()[0].gaps.size(), 1U);
}

TEST_F(CommitQueueTest, PassesWhatWasDoneBeforeTheClaim) {
  queue_.open(first_, granted(5, 10, {{.offset = 11}, {.offset = 12}}));
  queue_.add(*first_, batch({10}));
  queue_.take();
  EXPECT_EQ(queue_.outstanding()[0].watermark, 13);
}

TEST_F(CommitQueueTest, TakesNothingUnderAClaimThatIsOver) {
  EXPECT_FALSE(queue_.add(*first_, batch({10})));
  queue_.open(first_, granted(5, 10));
  queue_.add(*first_, batch({10}));
  const auto again = claim(0, 2);
  queue_.open(again, granted(6, 10));
  EXPECT_EQ(queue_.batches(), 0U);
  EXPECT_FALSE(queue_.add(*first_, batch({10})));
  EXPECT_FALSE(queue_.add(*first_, {}, std::vector<Gap>{{10, 11}}));
  queue_.take();
  EXPECT_TRUE(queue_.outstanding().empty());
}

TEST_F(CommitQueueTest, TriesTheRestAgainWithoutWhatIsFenced) {
  const auto second = claim(1, 2);
  queue_.open(first_, granted(5, 10));
  queue_.open(second, granted(8, 0));
  queue_.add(*first_, batch({10}));
  queue_.add(*second, batch({0}));
  queue_.take();
  const auto lost = queue_.fenced(std::vector<std::size_t>{0});
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0], second);
  ASSERT_EQ(queue_.outstanding().size(), 1U);
  EXPECT_EQ(queue_.outstanding()[0].partition, first_->name);
  EXPECT_FALSE(queue_.add(*second, batch({1})));
}

TEST_F(CommitQueueTest, DropsAPartitionFromTheCommitUnderWay) {
  queue_.open(first_, granted(5, 10));
  queue_.add(*first_, batch({10}));
  queue_.take();
  queue_.add(*first_, batch({11}));
  queue_.drop(first_->slot);
  EXPECT_TRUE(queue_.outstanding().empty());
  EXPECT_EQ(queue_.batches(), 0U);
  EXPECT_TRUE(queue_.settle().empty());
}

TEST_F(CommitQueueTest, ASelectorsStateGoesWithTheWatermarkThatReachesIt) {
  queue_.open(first_, granted(5, 10));
  queue_.add(*first_, {.offset = 11, .bytes = "a"});
  queue_.add(*first_, {.offset = 12, .bytes = "b"});
  queue_.add(*first_, {.offset = 14, .bytes = "c"});
  queue_.take();
  EXPECT_TRUE(queue_.outstanding().empty()) << "no news in itself";
  EXPECT_TRUE(queue_.add(*first_, batch({10, 11, 13})));
  queue_.take();
  ASSERT_TRUE(queue_.outstanding().at(0).selector);
  EXPECT_EQ(queue_.outstanding()[0].watermark, 12);
  EXPECT_EQ(queue_.outstanding()[0].selector->bytes, "b");
  queue_.settle();
  EXPECT_TRUE(queue_.add(*first_, batch({12})));
  queue_.take();
  EXPECT_EQ(queue_.outstanding().at(0).selector->bytes, "c");
}

TEST_F(CommitQueueTest, TheStatesThatWaitAreSpreadOverTheWindow) {
  // However long the watermark stands still: wherever it goes then, a state is near.
  for (std::int64_t watermark = 5000; watermark < window_offsets_max; watermark += 777'777) {
    queue_.open(first_, granted(5, 0));
    for (std::int64_t offset = 4096; offset <= window_offsets_max; offset += 4096) {
      queue_.add(*first_, {.offset = offset, .bytes = std::to_string(offset)});
    }
    EXPECT_TRUE(queue_.add(*first_, {}, std::vector<Gap>{{0, watermark}}));
    queue_.take();
    const auto& selector = queue_.outstanding().at(0).selector;
    ASSERT_TRUE(selector);
    EXPECT_LE(selector->offset, watermark);
    EXPECT_LT(watermark - selector->offset, selector_replay_max);
    EXPECT_EQ(selector->bytes, std::to_string(selector->offset));
    queue_.drop(0);
  }
}

}  // namespace
}  // namespace alluvium::pipeline
