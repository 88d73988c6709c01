// SPDX-License-Identifier: Apache-2.0
#include "pipeline/extraction.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/dedupe.hpp"
#include "pipeline/presets.hpp"
#include "tests/pipeline/sample_batch.hpp"

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ExtractionOptions with_rules(const std::vector<Rule>& rules) {
  std::vector<RuleProblem> problems;
  return {.rules = RuleSet::compile(rules, {}, problems).value(), .filters = {}};
}

ExtractedBatch extract_from(const std::vector<std::string>& contents,
                            const ExtractionOptions& options = with_rules(find_preset("support")->rules)) {
  RuleSet::Scratch scratch{*options.rules};
  return extract(sample_batch(contents), "chat", 2, options, scratch);
}

TEST(Extraction, SaysOfEachMessageHowItEnded) {
  const auto done = extract_from({"my login failed", "ok", "the weather is fine today"});
  EXPECT_THAT(done.outcomes, ElementsAre(Outcome::extracted, Outcome::noise, Outcome::empty));
  ASSERT_EQ(done.memories.size(), 1U);
  EXPECT_THAT(done.memories[0].sources, ElementsAre(0));
}

TEST(Extraction, GivesTheBatchBackWithItsId) {
  const auto done = extract_from({"my login failed", "ok"});
  EXPECT_EQ(done.batch.size(), 2U);
  EXPECT_EQ(done.batch[1].content, "ok");
  EXPECT_EQ(done.id, batch_id(sample_batch({"my login failed", "ok"}), "chat", 2));
}

// The documents' filter lost a name said in few letters.
TEST(Extraction, ShowsRulesWhatTheFilterCallsNoise) {
  Rule name;
  name.id = "names";
  name.pattern = "I'm [a-z]+";
  const auto done = extract_from({"I'm Bob", "ok bye"}, with_rules({name}));
  EXPECT_THAT(done.outcomes, ElementsAre(Outcome::extracted, Outcome::noise));
  ASSERT_EQ(done.memories.size(), 1U);
  EXPECT_EQ(done.memories[0].content, "I'm Bob");
}

TEST(Extraction, DropsARepeatedMemoryButCallsBothItsMessagesExtracted) {
  const auto done = extract_from({"my login failed", "hm, LOGIN, failed"});
  EXPECT_THAT(done.outcomes, ElementsAre(Outcome::extracted, Outcome::extracted));
  ASSERT_EQ(done.memories.size(), 1U);
  EXPECT_EQ(done.memories[0].content, "login failed");
}

TEST(Extraction, TakesEachMessageThatABatchScopeMemoryTouchesAsExtracted) {
  Rule across;
  across.id = "across";
  across.pattern = "login.*problem";
  across.scope = RuleScope::batch;
  const auto done =
      extract_from({"hello there you", "login and", "ok", "a problem", "good bye to you"}, with_rules({across}));
  EXPECT_THAT(done.outcomes,
              ElementsAre(Outcome::empty, Outcome::extracted, Outcome::extracted, Outcome::extracted, Outcome::empty));
}

TEST(Extraction, OfAnEmptyBatchIsEmpty) {
  const auto done = extract_from({});
  EXPECT_THAT(done.memories, IsEmpty());
  EXPECT_THAT(done.outcomes, IsEmpty());
}

TEST(Extraction, WithoutRulesTellsNoiseFromTheRest) {
  const auto done = extract_from({"my login failed", "ok"}, with_rules({}));
  EXPECT_THAT(done.outcomes, ElementsAre(Outcome::empty, Outcome::noise));
}

TEST(Extraction, GivesEachMessageOneOutcomeAndDependsOnItsInputOnly) {
  const auto options = with_rules(find_preset("support")->rules);
  EXPECT_TRUE(rc::check("for random conversations", [&] {
    const auto contents = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("my login failed", "Login failed!", "password problem", "I want a feature", "ok",
                                      "hi", "nothing of note here"));
    const auto done = extract_from(contents, options);
    RC_ASSERT(done.outcomes.size() == contents.size());
    std::set<std::uint32_t> rested_on;
    std::set<std::string> keys;
    std::set<std::string> ids;
    for (const auto& memory : done.memories) {
      rested_on.insert(memory.sources.begin(), memory.sources.end());
      RC_ASSERT(keys.insert(dedupe_key(memory.content)).second);
      RC_ASSERT(ids.insert(memory.id).second);
    }
    for (const auto source : rested_on) {
      RC_ASSERT(done.outcomes[source] == Outcome::extracted);
    }
    const auto again = extract_from(contents, options);
    RC_ASSERT(again.id == done.id);
    RC_ASSERT(again.outcomes == done.outcomes);
    RC_ASSERT(again.memories.size() == done.memories.size());
    for (std::size_t i = 0; i < done.memories.size(); ++i) {
      RC_ASSERT(again.memories[i].id == done.memories[i].id);
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
