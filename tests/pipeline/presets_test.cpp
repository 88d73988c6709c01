// SPDX-License-Identifier: Apache-2.0
#include "pipeline/presets.hpp"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;

struct Figures {
  std::string_view name;
  std::size_t max, min;
  int idle_minutes;
  double rate;
  bool premium;
  std::size_t length;
  bool greetings, confirmations, emotions, everything, unfiltered;
  int memories, tokens;
};

// The small model is part of every preset.
constexpr std::array documented{
    Figures{"customer-support", 20, 5, 60, 0.3, false, 10, true, true, false, false, false, 0, 0},
    Figures{"therapy", 8, 3, 30, 0.6, true, 10, true, true, false, false, false, 0, 0},
    Figures{"conservative", 20, 5, 60, 0.2, false, 50, true, true, false, false, false, 4, 25},
    Figures{"balanced", 20, 5, 60, 0.4, false, 30, false, false, true, false, false, 8, 100},
    Figures{"comprehensive", 15, 3, 30, 0.6, true, 20, false, false, false, true, false, 12, 160},
    Figures{"maximum", 10, 2, 15, 0.8, true, 10, false, false, false, false, true, 16, 200}};

TEST(Presets, HaveTheDocumentsFigures) {
  ASSERT_EQ(presets().size(), documented.size());
  for (const auto& want : documented) {
    SCOPED_TRACE(want.name);
    const auto* preset = find_preset(want.name);
    ASSERT_NE(preset, nullptr);
    EXPECT_EQ(preset->name, want.name);
    EXPECT_FALSE(preset->description.empty());
    EXPECT_EQ(preset->max_messages, want.max);
    EXPECT_EQ(preset->min_messages, want.min);
    EXPECT_EQ(preset->idle_timeout, minutes{want.idle_minutes});
    EXPECT_EQ(preset->rate, want.rate);
    EXPECT_TRUE(preset->small_model);
    EXPECT_EQ(preset->premium_model, want.premium);
    EXPECT_EQ(preset->filters.min_message_length, want.length);
    EXPECT_EQ(preset->filters.skip_greetings, want.greetings);
    EXPECT_EQ(preset->filters.skip_confirmations, want.confirmations);
    EXPECT_EQ(preset->filters.include_emotions, want.emotions);
    EXPECT_EQ(preset->filters.capture_everything, want.everything);
    EXPECT_EQ(preset->filters.no_filtering, want.unfiltered);
    EXPECT_EQ(preset->expected.memories_per_batch, want.memories);
    EXPECT_EQ(preset->expected.tokens_per_memory, want.tokens);
  }
}

TEST(Presets, HaveTheDocumentsFocus) {
  EXPECT_THAT(find_preset("customer-support")->expected.focus, IsEmpty());
  EXPECT_THAT(find_preset("therapy")->expected.focus, IsEmpty());
  EXPECT_THAT(find_preset("conservative")->expected.focus, ElementsAre("facts", "preferences", "goals"));
  EXPECT_THAT(find_preset("balanced")->expected.focus, ElementsAre("facts", "emotions", "patterns", "context"));
  EXPECT_THAT(find_preset("comprehensive")->expected.focus, ElementsAre("everything", "relationships", "nuance"));
  EXPECT_THAT(find_preset("maximum")->expected.focus, ElementsAre("complete_record", "verbatim", "forensic"));
}

void expect_rule(const Rule& rule, std::string_view id, std::string_view title, std::string_view pattern,
                 MemoryType type, double importance, const std::vector<std::string>& keywords) {
  EXPECT_EQ(rule.id, id);
  EXPECT_EQ(rule.name, title);
  EXPECT_EQ(rule.pattern, pattern);
  EXPECT_EQ(rule.memory_type, type);
  EXPECT_EQ(rule.importance, importance);
  EXPECT_EQ(rule.keywords, keywords);
  EXPECT_EQ(rule.kind, RuleKind::regex);
  EXPECT_EQ(rule.scope, RuleScope::message);
  EXPECT_TRUE(rule.active);
  EXPECT_THAT(rule.agents, ElementsAre("*"));
}

TEST(Presets, HaveTheDocumentsRules) {
  const auto& support = find_preset("customer-support")->rules;
  ASSERT_EQ(support.size(), 2U);
  expect_rule(support[0], "account-issues", "Account Problems",
              "(account|login|password|billing).*(problem|issue|error|failed)", MemoryType::episodic, 0.9,
              {"account", "technical-issue"});
  expect_rule(support[1], "feature-requests", "Feature Requests", "(need|want|wish|request).*(feature|functionality)",
              MemoryType::semantic, 0.7, {"feature-request", "feedback"});
  const auto& therapy = find_preset("therapy")->rules;
  ASSERT_EQ(therapy.size(), 2U);
  expect_rule(therapy[0], "emotional-states", "Emotional States",
              "(I feel|feeling|emotion).*(sad|happy|angry|anxious|depressed|excited)", MemoryType::episodic, 0.95,
              {"emotion", "mental-state"});
  expect_rule(therapy[1], "coping-strategies", "Coping Mechanisms",
              "(helps me|cope|manage).*(stress|anxiety|depression)", MemoryType::procedural, 0.9,
              {"coping", "strategy"});
  for (const auto* name : {"conservative", "balanced", "comprehensive", "maximum"}) {
    EXPECT_THAT(find_preset(name)->rules, IsEmpty()) << name;
  }
}

TEST(Presets, HaveRulesThatRun) {
  for (const auto& preset : presets()) {
    std::vector<RuleProblem> problems;
    const auto set = RuleSet::compile(preset.rules, {}, problems);
    ASSERT_TRUE(set.has_value()) << preset.name;
    EXPECT_TRUE(problems.empty()) << preset.name;
    EXPECT_EQ((*set)->size(), preset.rules.size()) << preset.name;
  }
}

TEST(Presets, AreFoundByTheirShortNamesAndNoOthers) {
  EXPECT_EQ(find_preset("support"), find_preset("customer-support"));
  EXPECT_EQ(find_preset(""), nullptr);
  EXPECT_EQ(find_preset("Balanced"), nullptr);
  EXPECT_EQ(find_preset("bal"), nullptr);
}

TEST(Profiles, HaveTheDocumentsFigures) {
  const auto figures = [](std::string_view name) {
    const auto* profile = find_profile(name);
    return profile == nullptr ? std::vector<std::size_t>{}
                              : std::vector<std::size_t>{profile->batch_size, profile->concurrent, profile->memory_mb,
                                                         profile->checkpoint_every};
  };
  EXPECT_EQ(profiles().size(), 3U);
  EXPECT_THAT(figures("development"), ElementsAre(2, 1, 256, 3));
  EXPECT_THAT(figures("production"), ElementsAre(3, 2, 512, 5));
  EXPECT_THAT(figures("high-memory"), ElementsAre(5, 3, 1024, 10));
  EXPECT_EQ(find_profile("dev"), find_profile("development"));
  EXPECT_EQ(find_profile("prod"), find_profile("production"));
  EXPECT_EQ(find_profile("high"), find_profile("high-memory"));
  EXPECT_EQ(find_profile("huge"), nullptr);
}

TEST(UseRates, AreTheDocumentsAndAFifthOtherwise) {
  EXPECT_EQ(use_rates().size(), 6U);
  EXPECT_EQ(rate_for_use("support"), 0.3);
  EXPECT_EQ(rate_for_use("customer-support"), 0.3);
  EXPECT_EQ(rate_for_use("therapy"), 0.6);
  EXPECT_EQ(rate_for_use("education"), 0.5);
  EXPECT_EQ(rate_for_use("research"), 0.8);
  EXPECT_EQ(rate_for_use("casual-chat"), 0.2);
  EXPECT_EQ(rate_for_use("business-intelligence"), 0.4);
  EXPECT_EQ(rate_for_use("x"), 0.2);
  EXPECT_EQ(rate_for_use(""), 0.2);
}

}  // namespace
}  // namespace alluvium::pipeline
