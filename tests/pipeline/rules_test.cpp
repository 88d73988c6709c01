// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rules.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include "pipeline/presets.hpp"
#include "tests/pipeline/random_pattern.hpp"
#include "tests/pipeline/sample_batch.hpp"

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Rule rule(const std::string& pattern, const std::string& id = "r") {
  Rule made;
  made.id = id;
  made.pattern = pattern;
  return made;
}

std::vector<Memory> memories_of(const std::vector<Rule>& rules, const Batch& batch,
                                const RuleSet::Limits& limits = {}) {
  std::vector<RuleProblem> problems;
  const auto set = RuleSet::compile(rules, limits, problems).value();
  EXPECT_TRUE(problems.empty()) << problems.front().reason;
  RuleSet::Scratch scratch{*set};
  return set->match(batch, scratch);
}

std::vector<std::string> contents_of(const std::vector<Rule>& rules, const Batch& batch,
                                     const RuleSet::Limits& limits = {}) {
  std::vector<std::string> contents;
  for (const auto& memory : memories_of(rules, batch, limits)) {
    contents.push_back(memory.content);
  }
  return contents;
}

std::vector<std::string> found(const std::string& pattern, const std::string& text) {
  return contents_of({rule(pattern)}, sample_batch({text}));
}

std::vector<RuleProblem> problems_of(const std::vector<Rule>& rules, const RuleSet::Limits& limits = {}) {
  std::vector<RuleProblem> problems;
  EXPECT_TRUE(RuleSet::compile(rules, limits, problems).has_value());
  return problems;
}

TEST(Rules, MakeAMemoryWithEverythingTheRuleSays) {
  auto moves = rule("moved to \\w+", "moves");
  moves.memory_type = MemoryType::episodic;
  moves.importance = 0.8;
  moves.keywords = {"home", "city"};
  const auto batch = sample_batch({"nothing here", "I MOVED to Oslo."});
  const auto memories = memories_of({moves}, batch);
  ASSERT_EQ(memories.size(), 1U);
  EXPECT_EQ(memories[0].content, "MOVED to Oslo");
  EXPECT_EQ(memories[0].type, MemoryType::episodic);
  EXPECT_EQ(memories[0].importance, 0.8);
  EXPECT_THAT(memories[0].keywords, ElementsAre("home", "city"));
  EXPECT_EQ(memories[0].method, ExtractionMethod::rules);
  EXPECT_EQ(memories[0].rule_id, "moves");
  EXPECT_THAT(memories[0].sources, ElementsAre(1));
  EXPECT_EQ(memories[0].id, memory_id(batch, memories[0]));
}

TEST(Rules, FindTheDocumentsExamples) {
  const auto support = memories_of(find_preset("support")->rules, sample_batch({"my login failed"}));
  ASSERT_EQ(support.size(), 1U);
  EXPECT_EQ(support[0].content, "login failed");
  EXPECT_EQ(support[0].importance, 0.9);
  const auto therapy = memories_of(find_preset("therapy")->rules, sample_batch({"I feel anxious"}));
  ASSERT_EQ(therapy.size(), 1U);
  EXPECT_EQ(therapy[0].importance, 0.95);
}

TEST(Rules, FindEveryMatchThatDoesNotOverlapLeftmostFirst) {
  EXPECT_THAT(found("a+b?", "aab xaa ab"), ElementsAre("aab", "aa", "ab"));
  EXPECT_THAT(found("aba", "ababa aba"), ElementsAre("aba", "aba"));
  EXPECT_THAT(found("(ab|abc)d?", "abcd"), ElementsAre("ab"));
  EXPECT_THAT(found("x.*y", "x1y x2y\nx3y"), ElementsAre("x1y x2y", "x3y"));
  EXPECT_THAT(found("x.*?y", "x1y x2y"), ElementsAre("x1y", "x2y"));
}

TEST(Rules, TakeTheWholeMatchAndNotAGroup) {
  EXPECT_THAT(found("my (name) is \\w+", "hey, my name is Bob"), ElementsAre("my name is Bob"));
}

TEST(Rules, SeeTheTextBeforeAMatchWhenLookingForTheNext) {
  EXPECT_THAT(found("^a", "aaa"), ElementsAre("a"));
  EXPECT_THAT(found("\\ba", "aa a"), ElementsAre("a", "a"));
}

TEST(Rules, IgnoreCaseUnlessToldOtherwise) {
  EXPECT_THAT(found("oslo", "OSLO Oslo"), ElementsAre("OSLO", "Oslo"));
  EXPECT_THAT(found("(?-i)oslo", "OSLO oslo"), ElementsAre("oslo"));
  EXPECT_THAT(found("\u00E9t\u00E9", "\u00C9T\u00C9"), ElementsAre("\u00C9T\u00C9"));
  EXPECT_THAT(found("\u043C\u043E\u0441\u043A\u0432\u0430", "\u041C\u041E\u0421\u041A\u0412\u0410"),
              ElementsAre("\u041C\u041E\u0421\u041A\u0412\u0410"));
}

TEST(Rules, TrimBlanksAndMakeNoMemoryOfBlanksOrNothing) {
  EXPECT_THAT(found("\\s+\\w+\\s*", "a  b \n"), ElementsAre("b"));
  EXPECT_THAT(found("\\s+", "a  b \n"), IsEmpty());
  EXPECT_THAT(found("x*", "axxb\u00E9x"), ElementsAre("xx", "x"));
  EXPECT_THAT(found("^", "abc"), IsEmpty());
  EXPECT_THAT(found("$|\\b", "abc"), IsEmpty());
}

TEST(Rules, NeverCutACharacterInTwo) {
  EXPECT_THAT(found("a\\C", "a\u00E9 ab"), ElementsAre("ab"));
  EXPECT_THAT(found("\\Ca", "\u00E9a ba"), ElementsAre("ba"));
}

TEST(Rules, OfKindSimpleAreTakenLiterally) {
  auto simple = rule("refund");
  simple.kind = RuleKind::simple;
  EXPECT_THAT(contents_of({simple}, sample_batch({"A Refund?", "REFUND"})), ElementsAre("Refund", "REFUND"));
  simple.pattern = "a.b*(c)\\d [x]{2}$";
  EXPECT_THAT(contents_of({simple}, sample_batch({"A.B*(C)\\D [X]{2}$", "axbbc9 xx"})),
              ElementsAre("A.B*(C)\\D [X]{2}$"));
  simple.pattern = std::string("a\0b", 3);
  EXPECT_THAT(contents_of({simple}, sample_batch({std::string("xA\0By", 5)})), ElementsAre(std::string("A\0B", 3)));
}

TEST(Rules, GiveMemoriesInOrderOfMessagesThenRulesThenPlace) {
  const auto memories = memories_of({rule("b\\d", "one"), rule("a\\d", "two"), rule("c\\d", "three")},
                                    sample_batch({"c1 a1 b1 a2", "a3 b2"}));
  std::vector<std::string> order;
  for (const auto& memory : memories) {
    order.push_back(memory.rule_id + " " + memory.content);
  }
  EXPECT_THAT(order, ElementsAre("one b1", "two a1", "two a2", "three c1", "one b2", "two a3"));
}

// The documents joined all messages, and found a "login" of one speaker's "problem" of another.
TEST(Rules, OfMessageScopeNeverMatchAcrossMessages) {
  EXPECT_THAT(contents_of(find_preset("support")->rules, sample_batch({"my login works", "no problem"})), IsEmpty());
}

TEST(Rules, OfBatchScopeMatchAcrossMessagesAndRestOnEachTheyTouch) {
  auto across = rule("login.*problem", "across");
  across.scope = RuleScope::batch;
  const auto memories =
      memories_of({across, rule("works")}, sample_batch({"hello", "login works", "or so", "no problem", "bye"}));
  ASSERT_EQ(memories.size(), 2U);
  EXPECT_EQ(memories[0].content, "works");
  EXPECT_EQ(memories[1].content, "login works or so no problem");
  EXPECT_THAT(memories[1].sources, ElementsAre(1, 2, 3));
}

TEST(Rules, OfBatchScopeRestOnlyOnWhatTheyTouch) {
  auto part = rule("");
  part.scope = RuleScope::batch;
  const auto sources = [&](const std::string& pattern) {
    part.pattern = pattern;
    const auto memories = memories_of({part}, sample_batch({"ab", "cd", "ef"}));
    return memories.size() == 1 ? memories[0].sources : std::vector<std::uint32_t>{};
  };
  EXPECT_THAT(sources("ab"), ElementsAre(0));
  EXPECT_THAT(sources("ab "), ElementsAre(0));
  EXPECT_THAT(sources(" cd "), ElementsAre(1));
  EXPECT_THAT(sources("b c"), ElementsAre(0, 1));
  EXPECT_THAT(sources("ef$"), ElementsAre(2));
  EXPECT_THAT(sources(".*"), ElementsAre(0, 1, 2));
}

TEST(Rules, RunForTheAgentsOfTheirGlobsOnly) {
  auto eu = rule("refund", "eu");
  eu.agents = {"shop-eu-*", "desk-?"};
  auto eu_batch = eu;
  eu_batch.id = "eu-batch";
  eu_batch.scope = RuleScope::batch;
  const std::vector<Rule> rules{eu, rule("refund", "all"), eu_batch};
  const auto count = [&](const std::string& agent) {
    return memories_of(rules, sample_batch({"refund", "refund"}, agent)).size();
  };
  EXPECT_EQ(count("shop-eu-7"), 6U);
  EXPECT_EQ(count("desk-1"), 6U);
  EXPECT_EQ(count("shop-us-7"), 2U);
  EXPECT_EQ(count("desk-12"), 2U);
}

TEST(Rules, UseOneScratchForManyBatchesOfManyAgents) {
  auto one = rule("refund");
  one.agents = {"a"};
  std::vector<RuleProblem> problems;
  const auto set = RuleSet::compile({one}, {}, problems).value();
  RuleSet::Scratch scratch{*set};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(set->match(sample_batch({"refund"}, "a"), scratch).size(), 1U);
    EXPECT_EQ(set->match(sample_batch({"refund"}, "b"), scratch).size(), 0U);
  }
  EXPECT_TRUE(set->match(Batch{"a"}, scratch).empty());
}

TEST(Rules, ThatAreInactiveAreCheckedButDoNotRun) {
  auto off = rule("refund");
  off.active = false;
  EXPECT_THAT(contents_of({off}, sample_batch({"refund"})), IsEmpty());
  off.pattern = "(";
  EXPECT_EQ(problems_of({off}).size(), 1U);
}

TEST(Rules, StopLookingAtTheLimitOfMatches) {
  RuleSet::Limits limits;
  limits.matches_per_message_max = 3;
  EXPECT_EQ(contents_of({rule("a")}, sample_batch({"aaa", "aa", "aaaa"}), limits).size(), 3U + 2U + 3U);
}

TEST(Rules, RunWithoutThoseThatCannot) {
  const std::vector<Rule> rules{rule("(", "bad"), rule("refund", "good"), rule("a**", "bad too")};
  std::vector<RuleProblem> problems;
  const auto set = RuleSet::compile(rules, {}, problems).value();
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].rule, 0U);
  EXPECT_THAT(problems[0].reason, HasSubstr("missing )"));
  EXPECT_EQ(problems[1].rule, 2U);
  EXPECT_EQ(set->size(), 1U);
  RuleSet::Scratch scratch{*set};
  EXPECT_EQ(set->match(sample_batch({"refund"}), scratch).size(), 1U);
}

TEST(Rules, WithoutAnyRuleFindNothing) {
  EXPECT_THAT(contents_of({}, sample_batch({"refund"})), IsEmpty());
}

template <class Change>
std::string reason_for(Change change) {
  auto changed = rule("refund");
  change(changed);
  const auto problems = problems_of({changed});
  return problems.empty() ? "" : problems.front().reason;
}

TEST(RuleProblems, NameTheFieldThatIsBeyondItsLimit) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(reason_for([](Rule& it) { it.id = std::string(256, 'i'); }), "");
  EXPECT_THAT(reason_for([](Rule& it) { it.id = std::string(257, 'i'); }), HasSubstr("id:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.id = ""; }), HasSubstr("id:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.name = std::string(257, 'i'); }), HasSubstr("name:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.pattern = ""; }), HasSubstr("pattern: is empty"));
  EXPECT_THAT(reason_for([](Rule& it) { it.pattern = " \t"; }), HasSubstr("pattern: is empty"));
  EXPECT_EQ(reason_for([](Rule& it) { it.pattern = std::string(4096, 'p'); }), "");
  EXPECT_THAT(reason_for([](Rule& it) { it.pattern = std::string(4097, 'p'); }), HasSubstr("longer than 4096"));
  EXPECT_THAT(reason_for([](Rule& it) { it.pattern = "((\\pL{50}){20}){1}"; }), HasSubstr("pattern:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.pattern = "a\xFF"; }), HasSubstr("pattern:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.kind = RuleKind::simple, it.pattern = "a\xFF"; }), HasSubstr("pattern:"));
  EXPECT_EQ(reason_for([](Rule& it) { it.importance = 0; }), "");
  EXPECT_EQ(reason_for([](Rule& it) { it.importance = 1; }), "");
  EXPECT_THAT(reason_for([](Rule& it) { it.importance = -0.01; }), HasSubstr("importance:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.importance = 1.01; }), HasSubstr("importance:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.importance = std::nan(""); }), HasSubstr("importance:"));
  EXPECT_EQ(reason_for([](Rule& it) { it.keywords = Texts(64, "k"); }), "");
  EXPECT_THAT(reason_for([](Rule& it) { it.keywords = Texts(65, "k"); }), HasSubstr("keywords:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.keywords = {""}; }), HasSubstr("keywords:"));
  EXPECT_EQ(reason_for([](Rule& it) { it.agents = Texts(64, "a*"); }), "");
  EXPECT_THAT(reason_for([](Rule& it) { it.agents = Texts(65, "a*"); }), HasSubstr("agents:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.agents = {}; }), HasSubstr("agents:"));
  EXPECT_THAT(reason_for([](Rule& it) { it.agents = {std::string(513, '*')}; }), HasSubstr("agents:"));
}

TEST(RuleProblems, AreTheSecondOfTwoRulesWithOneId) {
  const auto problems = problems_of({rule("a", "x"), rule("b", "y"), rule("c", "x")});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].rule, 2U);
  EXPECT_THAT(problems[0].reason, HasSubstr("id:"));
}

TEST(RuleProblems, AreManyAtOnceAndLeaveTheGoodRulesRunning) {
  std::vector<Rule> rules;
  for (int i = 0; i < 200; ++i) {
    rules.push_back(rule(i % 2 == 0 ? "(" : "good" + std::to_string(i), "r" + std::to_string(i)));
  }
  std::vector<RuleProblem> problems;
  const auto set = RuleSet::compile(rules, {}, problems).value();
  EXPECT_EQ(problems.size(), 100U);
  EXPECT_EQ(set->size(), 100U);
}

TEST(RuleSet, IsMadeOfAsManyRulesAsTheLimitAndNotOfMore) {
  RuleSet::Limits limits;
  limits.rules_max = 2;
  std::vector<RuleProblem> problems;
  EXPECT_TRUE(RuleSet::compile({rule("a", "1"), rule("b", "2")}, limits, problems).has_value());
  const auto refused = RuleSet::compile({rule("a", "1"), rule("b", "2"), rule("c", "3")}, limits, problems);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::invalid_config);
}

// Patterns that a backtracking matcher never finishes (the documents' took 72.9 s on a short text).
TEST(Rules, EndOnHostilePatternsWithAMegabyteOfText) {
  const std::string same(1 << 20, 'a');
  for (const auto* pattern : {"(a+)+$", "(a|a)*c", "(a*)*b", "(.*)*x", "^(a?){50}a{50}b"}) {
    const auto contents = found(pattern, same + "!");
    EXPECT_LE(contents.size(), 1000U) << pattern;
  }
  EXPECT_EQ(found("(a+)+$", same).size(), 1U);
}

TEST(Rules, EndWhenEachOfManyMatchesLooksFarAhead) {
  EXPECT_LE(found("a.*b|a", std::string(1 << 18, 'a')).size(), 1000U);
}

/// RE2 alone, rule by rule: what a rule set has to find.
std::vector<std::string> reference(const std::string& pattern, const std::string& text) {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  const RE2 regex{pattern, options};
  std::vector<std::string> contents;
  re2::StringPiece hit;
  for (std::size_t from = 0; from < text.size() && regex.Match(text, from, text.size(), RE2::UNANCHORED, &hit, 1);) {
    const auto begin = static_cast<std::size_t>(hit.data() - text.data());
    from = begin + std::max<std::size_t>(hit.size(), 1);
    while (hit.empty() && from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0U) == 0x80U) {
      ++from;
    }
    const auto inside = [&](std::size_t at) {
      return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
    };
    const auto content = std::string{hit.data(), hit.size()};
    const auto first = content.find_first_not_of(" \t\n\v\f\r");
    if (first != std::string::npos && !inside(begin) && !inside(begin + hit.size())) {
      contents.push_back(content.substr(first, content.find_last_not_of(" \t\n\v\f\r") - first + 1));
    }
  }
  return contents;
}

TEST(RuleSet, FindsExactlyWhatRe2FindsRuleByRule) {
  EXPECT_TRUE(rc::check("for random patterns and texts", [] {
    std::vector<Rule> rules;
    for (int i = 0; i < 8; ++i) {
      rules.push_back(rule(random_pattern(4), std::to_string(i)));
    }
    std::vector<RuleProblem> problems;
    const auto set = RuleSet::compile(rules, {}, problems).value();
    for (const auto& problem : problems) {
      rules[problem.rule].active = false;
    }
    RuleSet::Scratch scratch{*set};
    for (int i = 0; i < 8; ++i) {
      const auto text = random_text(8);
      std::vector<std::string> want;
      for (const auto& each : rules) {
        for (const auto& content : each.active ? reference(each.pattern, text) : std::vector<std::string>{}) {
          want.push_back(each.id + " " + content);
        }
      }
      std::vector<std::string> got;
      for (const auto& memory : set->match(sample_batch({text}), scratch)) {
        got.push_back(memory.rule_id + " " + memory.content);
      }
      RC_ASSERT(got == want);
    }
  }));
}

TEST(RuleSet, FindsInTextThatIsNotUtf8WhatRe2Finds) {
  for (const auto* text : {"\xFF login", "login\xC3", "\xE0\x80login\xF8", "k\xE2\x84"}) {
    EXPECT_EQ(found("login|k", text), reference("login|k", text));
  }
}

TEST(RuleSet, OfThousandsOfRulesFindsEach) {
  std::vector<Rule> rules;
  std::vector<std::string> texts;
  for (int i = 0; i < 2000; ++i) {
    const auto word = "topic" + std::to_string(i) + "x";
    rules.push_back(rule(word + ".*done", std::to_string(i)));
    if (i % 100 == 0) {
      texts.push_back("the " + word + " is done");
    }
  }
  const auto memories = memories_of(rules, sample_batch(texts));
  ASSERT_EQ(memories.size(), 20U);
  for (std::size_t i = 0; i < memories.size(); ++i) {
    EXPECT_EQ(memories[i].rule_id, std::to_string(i * 100));
  }
}

}  // namespace
}  // namespace alluvium::pipeline
