// SPDX-License-Identifier: Apache-2.0
#include "pipeline/expectation.hpp"

#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A batch of agent "a" with messages "1", "2", ... of these outcomes.
ExtractedBatch batch_with(std::vector<Outcome> outcomes, std::vector<Memory> memories) {
  ExtractedBatch done;
  done.batch = Batch{"a"};
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const std::string id = std::to_string(i + 1);
    MessageView view;
    view.id = id;
    view.agent_id = "a";
    view.content = "text";
    view.position.offset = static_cast<std::int64_t>(i);
    done.batch.append(view);
  }
  done.outcomes = std::move(outcomes);
  done.memories = std::move(memories);
  return done;
}

Memory memory_of(std::string_view content, std::string_view rule) {
  Memory memory;
  memory.content = content;
  memory.rule_id = rule;
  return memory;
}

TEST(Expectation, FindsNothingToSayWhereNothingIsExpected) {
  const std::vector<ExtractedBatch> batches = {batch_with({Outcome::extracted}, {memory_of("x", "r")})};
  EXPECT_THAT(differences({}, batches), IsEmpty());
}

TEST(Expectation, ComparesTheCount) {
  const std::vector<ExtractedBatch> batches = {batch_with({Outcome::extracted}, {memory_of("x", "r")})};
  EXPECT_THAT(differences({.memory_count = 1, .memories = {}, .noise = {}}, batches), IsEmpty());
  EXPECT_THAT(differences({.memory_count = 2, .memories = {}, .noise = {}}, batches),
              ElementsAre("expected 2 memories, got 1", HasSubstr("\"x\" by rule r")));
}

TEST(Expectation, WantsAllMemoriesInAnyOrder) {
  const std::vector<ExtractedBatch> batches = {
      batch_with({Outcome::extracted}, {memory_of("x", "r"), memory_of("y", "s")})};
  Expectation expected;
  expected.memories = std::vector<ExpectedMemory>(2);
  (*expected.memories)[0].content = "y";
  (*expected.memories)[1].rule_id = "r";
  EXPECT_THAT(differences(expected, batches), IsEmpty());
  (*expected.memories)[1].rule_id = "t";
  EXPECT_THAT(differences(expected, batches),
              ElementsAre(HasSubstr("missing: any content by rule t"), HasSubstr("not expected: \"x\" by rule r")));
}

TEST(Expectation, AVagueOneDoesNotTakeWhatAnExactOneNeeds) {
  const std::vector<ExtractedBatch> batches = {
      batch_with({Outcome::extracted}, {memory_of("x", "r"), memory_of("y", "r")})};
  Expectation expected;
  expected.memories = std::vector<ExpectedMemory>(2);
  (*expected.memories)[0].rule_id = "r";  // Fits both; tried first.
  (*expected.memories)[1].content = "x";
  EXPECT_THAT(differences(expected, batches), IsEmpty());
}

TEST(Expectation, ComparesTypeImportanceAndAgent) {
  const std::vector<ExtractedBatch> batches = {batch_with({Outcome::extracted}, {memory_of("x", "r")})};
  Expectation expected;
  auto& memory = expected.memories.emplace(1).front();
  memory.type = MemoryType::semantic;
  memory.importance = 0.5;
  memory.agent_id = "a";
  EXPECT_THAT(differences(expected, batches), IsEmpty());
  memory.importance = 0.6;
  EXPECT_THAT(differences(expected, batches), testing::SizeIs(2));
  memory.importance = 0.5;
  memory.agent_id = "b";
  EXPECT_THAT(differences(expected, batches), testing::SizeIs(2));
}

TEST(Expectation, ComparesNoiseBothWays) {
  const std::vector<ExtractedBatch> batches = {batch_with({Outcome::noise, Outcome::empty}, {})};
  Expectation expected;
  expected.noise = {"1"};
  EXPECT_THAT(differences(expected, batches), IsEmpty());
  expected.noise = {"2"};
  EXPECT_THAT(differences(expected, batches),
              ElementsAre("message 2 should be noise, but is not", "message 1 is noise, but should not be"));
}

TEST(Expectation, CountsWhatItDoesNotPrint) {
  std::vector<Memory> memories(differences_max + 2, memory_of("x", "r"));
  const std::vector<ExtractedBatch> batches = {batch_with({Outcome::extracted}, std::move(memories))};
  Expectation expected;
  expected.memories.emplace();
  const auto found = differences(expected, batches);
  ASSERT_EQ(found.size(), differences_max + 1);
  EXPECT_EQ(found.back(), "and 2 more");
}

}  // namespace
}  // namespace alluvium::pipeline
