// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory.hpp"

#include <limits>
#include <set>
#include <unordered_set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pipeline/sample_batch.hpp"

namespace alluvium::pipeline {
namespace {

using testing::MatchesRegex;

Memory sample_memory() {
  return {.id = {}, .content = "I moved to Oslo", .keywords = {}, .rule_id = "moves", .sources = {0}};
}

TEST(MemoryId, IsAPrefixAndThirtyTwoHexDigits) {
  EXPECT_THAT(memory_id(sample_batch({"I moved to Oslo"}), sample_memory()), MatchesRegex("mem_[0-9a-f]{32}"));
}

TEST(MemoryId, StaysTheSameFromVersionToVersion) {
  EXPECT_EQ(memory_id(sample_batch({"I moved to Oslo"}), sample_memory()), "mem_85afe87079fc2600a1d8e8a5bc249627");
}

TEST(MemoryId, ChangesWithWhatTheMemoryRestsOnAndWithNothingElse) {
  const auto batch = sample_batch({"I moved to Oslo", "I moved to Oslo"});
  const auto id = memory_id(batch, sample_memory());
  auto other = sample_memory();
  other.importance = 0.1;
  other.keywords = {"home"};
  other.type = MemoryType::procedural;
  EXPECT_EQ(memory_id(batch, other), id);
  EXPECT_EQ(memory_id(sample_batch({"I moved to Oslo", "and to Rome", "and back"}), sample_memory()), id);

  std::set<std::string> ids{id};
  other = sample_memory();
  other.content = "I moved to Rome";
  EXPECT_TRUE(ids.insert(memory_id(batch, other)).second);
  other = sample_memory();
  other.rule_id = "cities";
  EXPECT_TRUE(ids.insert(memory_id(batch, other)).second);
  other = sample_memory();
  other.method = ExtractionMethod::small_model;
  EXPECT_TRUE(ids.insert(memory_id(batch, other)).second);
  other = sample_memory();
  other.sources = {1};
  EXPECT_TRUE(ids.insert(memory_id(batch, other)).second);
  other.sources = {0, 1};
  EXPECT_TRUE(ids.insert(memory_id(batch, other)).second);
  EXPECT_TRUE(ids.insert(memory_id(sample_batch({"I moved to Oslo"}, "bob"), sample_memory())).second);
}

TEST(MemoryId, DoesNotConfuseWhereOneFieldEndsAndTheNextBegins) {
  const auto batch = sample_batch({"abc"});
  auto left = sample_memory();
  left.rule_id = "ab";
  left.content = "c";
  auto right = left;
  right.rule_id = "a";
  right.content = "bc";
  EXPECT_NE(memory_id(batch, left), memory_id(batch, right));
}

TEST(BatchId, HasTheTimeOfItsFirstMessageAndThirteenBase36Digits) {
  EXPECT_THAT(batch_id(sample_batch({"one", "two"}), "chat", 3), MatchesRegex("batch_1767225600000_[0-9a-z]{13}"));
}

TEST(BatchId, StaysTheSameFromVersionToVersion) {
  EXPECT_EQ(batch_id(sample_batch({"one", "two"}), "chat", 3), "batch_1767225600000_1m8mm89x0jzp6");
}

TEST(BatchId, TakesATimeBefore1970AsZero) {
  for (const std::int64_t time : {std::int64_t{-1}, std::int64_t{0}, std::numeric_limits<std::int64_t>::min()}) {
    auto message = sample_message("ada", "m-0", "hello there", 0);
    message.timestamp_ms = time;
    Batch batch{"ada"};
    batch.append(message);
    EXPECT_THAT(batch_id(batch, "chat", 0), MatchesRegex("batch_0_[0-9a-z]{13}"));
  }
}

TEST(BatchId, TellsAgentsTopicsPartitionsPositionsAndIdsApart) {
  std::set<std::string> ids{batch_id(sample_batch({"one"}), "chat", 0)};
  EXPECT_TRUE(ids.insert(batch_id(sample_batch({"one"}, "bob"), "chat", 0)).second);
  EXPECT_TRUE(ids.insert(batch_id(sample_batch({"one"}), "chats", 0)).second);
  EXPECT_TRUE(ids.insert(batch_id(sample_batch({"one"}), "chat", 1)).second);
  EXPECT_TRUE(ids.insert(batch_id(sample_batch({"one", "two"}), "chat", 0)).second);
  auto message = sample_message("ada", "m-0", "one", 0);
  const auto id_of = [&message] {
    Batch batch{"ada"};
    batch.append(message);
    return batch_id(batch, "chat", 0);
  };
  EXPECT_FALSE(ids.insert(id_of()).second);
  message.content = "another text";
  EXPECT_FALSE(ids.insert(id_of()).second);
  message.position.count = 2;
  EXPECT_TRUE(ids.insert(id_of()).second);
  message.position.index = 1;
  EXPECT_TRUE(ids.insert(id_of()).second);
  message.position = {};
  message.id = "m-00";
  EXPECT_TRUE(ids.insert(id_of()).second);
}

TEST(BatchId, TellsTheLastOfManyMessagesApart) {
  std::set<std::string> ids;
  for (const auto* last : {"m-1", "m-2", "m-12"}) {
    Batch batch{"ada"};
    for (std::int64_t offset = 0; offset < 500; ++offset) {
      batch.append(sample_message("ada", offset == 499 ? last : "m", "one", offset));
    }
    EXPECT_TRUE(ids.insert(batch_id(batch, "chat", 0)).second);
    EXPECT_FALSE(ids.insert(batch_id(batch, "chat", 0)).second);
  }
}

// The documents' random ids collided 341 times in 200,000.
TEST(BatchId, DoesNotCollideInTwoHundredThousandBatches) {
  std::unordered_set<std::string> ids;
  for (std::int64_t offset = 0; offset < 200'000; ++offset) {
    auto message = sample_message("ada", "m", "one", offset);
    message.timestamp_ms = 1;
    Batch batch{"ada"};
    batch.append(message);
    ids.insert(batch_id(batch, "chat", 0));
  }
  EXPECT_EQ(ids.size(), 200'000U);
}

TEST(Names, AreTheOnesUsersSee) {
  EXPECT_EQ(name(MemoryType::semantic), "semantic");
  EXPECT_EQ(name(MemoryType::episodic), "episodic");
  EXPECT_EQ(name(MemoryType::procedural), "procedural");
  EXPECT_EQ(name(ExtractionMethod::rules), "rules");
  EXPECT_EQ(name(ExtractionMethod::small_model), "small_model");
  EXPECT_EQ(name(ExtractionMethod::premium_model), "premium_model");
  EXPECT_EQ(name(Outcome::extracted), "extracted");
  EXPECT_EQ(name(Outcome::empty), "empty");
  EXPECT_EQ(name(Outcome::skipped), "skipped");
  EXPECT_EQ(name(Outcome::noise), "noise");
  EXPECT_EQ(name(Outcome::dead), "dead");
}

}  // namespace
}  // namespace alluvium::pipeline
