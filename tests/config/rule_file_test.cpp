// SPDX-License-Identifier: Apache-2.0
#include "config/rule_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/parsing.hpp"

namespace alluvium::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Faults = std::vector<std::string>;

std::vector<std::string> ids(const Config& config) {
  std::vector<std::string> out;
  for (const auto& rule : config.rules) {
    out.push_back(rule.id);
  }
  return out;
}

TEST(Rules, HaveAllTheirFields) {
  const auto loaded = parse_with_source(R"(rules:
  - id: refunds
    name: Refunds
    pattern: refund?
    kind: simple
    scope: batch
    memory_type: procedural
    importance: 1
    keywords: [money, "${K}"]
    active: false
    agents: shop-*
)",
                                        {{"K", "back"}});
  ASSERT_THAT(texts(loaded.faults), IsEmpty());
  ASSERT_EQ(loaded.config.rules.size(), 1U);
  const auto& rule = loaded.config.rules[0];
  EXPECT_EQ(rule.id, "refunds");
  EXPECT_EQ(rule.name, "Refunds");
  EXPECT_EQ(rule.pattern, "refund?");
  EXPECT_EQ(rule.kind, pipeline::RuleKind::simple);
  EXPECT_EQ(rule.scope, pipeline::RuleScope::batch);
  EXPECT_EQ(rule.memory_type, pipeline::MemoryType::procedural);
  EXPECT_EQ(rule.importance, 1);
  EXPECT_THAT(rule.keywords, ElementsAre("money", "back"));
  EXPECT_FALSE(rule.active);
  EXPECT_THAT(rule.agents, ElementsAre("shop-*"));
  EXPECT_THAT(loaded.config.rule_lines, ElementsAre(3));
  EXPECT_EQ(loaded.config.rules_file, "a.yaml");
}

TEST(Rules, TakeTheNamesOfTheDocuments) {
  const auto loaded = parse_with_source("rules: [{id: a, pattern: b, memoryType: episodic, isActive: false}]");
  ASSERT_THAT(texts(loaded.faults), IsEmpty());
  EXPECT_EQ(loaded.config.rules[0].memory_type, pipeline::MemoryType::episodic);
  EXPECT_FALSE(loaded.config.rules[0].active);
  EXPECT_EQ(faults_of("rules: [{id: a, pattern: b, active: true, isActive: false}]"),
            Faults{"a.yaml:2: rules[0] (a).active: given twice: it stands in line 2 already"});
}

TEST(Rules, NeedAnIdAndAPattern) {
  EXPECT_EQ(faults_of("rules:\n  - {name: x}\n  - {id: b, pattern: ''}\n  - c\n"),
            (Faults{"a.yaml:3: rules[0] (x).id: missing", "a.yaml:3: rules[0] (x).pattern: missing",
                    "a.yaml:4: rules[1] (b).pattern: want a value",
                    "a.yaml:5: rules[2]: want a rule: id, pattern and what else it has"}));
}

TEST(Rules, HaveDifferentIds) {
  EXPECT_EQ(faults_of("rules:\n  - {id: a, pattern: x}\n  - {id: a, pattern: y}\n"),
            Faults{"a.yaml:4: rules[1] (a).id: given twice: the rule in line 3 has it already"});
}

TEST(Rules, WithABadPatternAreAFaultForCheck) {
  const auto loaded = parse_with_source(
      "preset: therapy\nrules:\n  - {id: ok, pattern: x}\n  - {id: b, name: Bad One, pattern: '('}\n");
  ASSERT_EQ(loaded.faults.size(), 1U);
  EXPECT_THAT(loaded.faults[0].text(), HasSubstr("a.yaml:5: rules[1] (Bad One).pattern: missing )"));
}

TEST(Rules, WithABadPatternAreAWarningForRun) {
  const auto loaded =
      parse(file_source + "rules: [{id: b, name: Bad One, pattern: '('}, {id: c, pattern: '['}, {id: d, pattern: x}]",
            "a.yaml", {}, true);
  EXPECT_THAT(texts(loaded.faults), IsEmpty());
  ASSERT_NE(loaded.config.engine.extraction.rules, nullptr);
  EXPECT_EQ(loaded.config.engine.extraction.rules->size(), 1U) << "the one that is left runs";
  ASSERT_EQ(loaded.warnings.size(), 2U);
  EXPECT_THAT(loaded.warnings[0].reason, testing::StartsWith("Invalid pattern in rule Bad One: missing )"));
  EXPECT_THAT(loaded.warnings[1].reason, testing::StartsWith("Invalid pattern in rule c: missing ]"));
}

TEST(Rules, WithASecretInABadPatternDoNotShowAPartOfIt) {
  const TemporaryFolder folder;
  std::ignore = folder.write("p", "abc[z-a]def");
  const auto config = folder.write("c.yaml", file_source + "rules: [{id: a, pattern: '${file:p}'}]");
  const auto loaded = load(config, {}, false);
  EXPECT_EQ(texts(loaded.faults), Faults{config + ":2: rules[0] (a).pattern: invalid character class range"});
  EXPECT_EQ(faults_of("rules: [{id: a, pattern: 'abc[z-a]def'}]"),
            Faults{"a.yaml:2: rules[0] (a).pattern: invalid character class range: z-a"});
}

TEST(Rules, HaveAPatternOfLimitedLength) {
  const auto max = pipeline::RuleSet::Limits{}.pattern_bytes_max;
  EXPECT_EQ(faults_of("rules: [{id: a, kind: simple, pattern: " + std::string(max, 'x') + "}]"), Faults{});
  const auto faults = faults_of("rules: [{id: a, kind: simple, pattern: " + std::string(max + 1, 'x') + "}]");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0], HasSubstr("rules[0] (a).pattern: "));
}

TEST(Rules, AreLimitedInNumber) {
  const auto list = [](std::size_t count) {
    std::string yaml = "rules:\n";
    for (std::size_t i = 0; i < count; ++i) {
      yaml += "  - {id: r" + std::to_string(i) + ", kind: simple, pattern: x, active: false}\n";
    }
    return yaml;
  };
  const auto max = pipeline::RuleSet::Limits{}.rules_max;
  EXPECT_EQ(faults_of(list(max)), Faults{});
  EXPECT_EQ(faults_of(list(max + 1)), Faults{"a.yaml:3: rules: want at most 10000 rules"});
}

TEST(Rules, TakeThePlaceOfThePresets) {
  const auto loaded = parse_with_source("preset: customer-support\nrules: [{id: mine, pattern: m}]");
  ASSERT_THAT(texts(loaded.faults), IsEmpty());
  EXPECT_THAT(ids(loaded.config), ElementsAre("mine"));
  EXPECT_THAT(loaded.config.rule_lines, ElementsAre(3));
}

TEST(Rules, OfThePresetStayWhereNoneAreGivenAndGoWithAnEmptyList) {
  EXPECT_THAT(ids(parse_with_source("preset: customer-support\nrules:").config),
              ElementsAre("account-issues", "feature-requests"));
  const auto none = parse_with_source("preset: customer-support\nrules: []");
  EXPECT_THAT(ids(none.config), IsEmpty());
  EXPECT_THAT(ids(parse(print(none), "a.yaml", {}, false).config), IsEmpty());
}

TEST(RuleFile, IsAListOrHasOneUnderRules) {
  const TemporaryFolder folder;
  const auto config = folder.write("c.yaml", file_source + "rules_file: r.yaml\n");
  for (const auto* yaml : {"- {id: a, pattern: x}\n", "rules:\n  - {id: a, pattern: x}\n",
                           "{\"rules\": [{\"id\": \"a\", \"pattern\": \"x\"}]}"}) {
    std::ignore = folder.write("r.yaml", yaml);
    const auto loaded = load(config, {}, false);
    EXPECT_THAT(texts(loaded.faults), IsEmpty()) << yaml;
    EXPECT_THAT(ids(loaded.config), ElementsAre("a")) << yaml;
    EXPECT_EQ(loaded.config.rules_file, (folder.path() / "r.yaml").string());
  }
}

TEST(RuleFile, IsNamedInItsFaults) {
  const TemporaryFolder folder;
  const auto config = folder.write("c.yaml", file_source + "rules_file: r.yaml\nlog: {level: x}\n");
  const auto rules = folder.write("r.yaml", "rulse: 1\nrules:\n  - {id: a, pattern: '(', colour: red}\n");
  const auto faults = texts(load(config, {}, false).faults);
  ASSERT_EQ(faults.size(), 4U);
  EXPECT_THAT(faults[0], HasSubstr("c.yaml:3: log.level: "));
  EXPECT_EQ(faults[1], rules + ":1: rulse: unknown key; want a list of rules, or rules with the list under it");
  EXPECT_EQ(faults[2], rules + ":3: rules[0] (a).colour: unknown key");
  EXPECT_THAT(faults[3], HasSubstr(rules + ":3: rules[0] (a).pattern: missing )"));
}

TEST(RuleFile, IsAFaultWhenItIsMissingOrNotAlone) {
  const TemporaryFolder folder;
  const auto config = folder.write("c.yaml", file_source + "rules_file: r.yaml\n");
  EXPECT_EQ(texts(load(config, {}, false).faults),
            Faults{config + ":2: rules_file: there is no file " + (folder.path() / "r.yaml").string()});
  EXPECT_EQ(faults_of("rules_file: r.yaml\nrules: []\n"),
            Faults{"a.yaml:2: rules_file: give rules or rules_file, not both"});
}

}  // namespace
}  // namespace alluvium::config
