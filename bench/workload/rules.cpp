// SPDX-License-Identifier: Apache-2.0
#include "bench/workload/rules.hpp"

#include <array>
#include <string_view>

namespace alluvium::bench {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array syllables{"bal"sv, "cor"sv, "dun"sv, "fem"sv, "gip"sv, "hav"sv, "jol"sv,
                               "kes"sv, "lim"sv, "mur"sv, "nop"sv, "pid"sv, "qua"sv, "ros"sv,
                               "sut"sv, "tev"sv, "vog"sv, "wex"sv, "yab"sv, "zin"sv};

// What may stand between the two ends of a match; no rule looks for any of it.
constexpr std::array middles{"page on the big screen shows a"sv,
                             "of our second shop has a"sv,
                             "since last night gives me the same"sv,
                             "on my new phone is a"sv,
                             "at the front counter has some"sv,
                             "for two of us is one"sv,
                             "in the evening is always a"sv,
                             "after the move to the new house is a"sv,
                             "in the train is a"sv,
                             "with the long name has a small"sv,
                             "which I was sent by post is a"sv,
                             "of my brother shows the old"sv};
constexpr std::array times{""sv, " today"sv, " again"sv, " this week"sv, " at noon"sv, " twice"sv};

/// Of nine letters, so that none is a part of another. 2741 has no factor in common with 8000.
std::string made_up_word(std::size_t number) {
  const auto n = number * 2741 % 8000;
  std::string word;
  for (const auto digit : {n / 400, n / 20 % 20, n % 20}) {
    word += syllables[digit];
  }
  return word;
}

Rule made_up_rule(std::size_t number) {
  const auto first = made_up_word(3 * number);
  const auto second = made_up_word(3 * number + 1);
  const auto third = made_up_word(3 * number + 2);
  Rule rule{.id = "rule-" + std::to_string(number), .pattern = {}, .beginnings = {first}, .ends = {second}};
  if (number % 20 == 5) {
    rule.pattern = first + ".{0,60}" + second;
  } else if (number % 3 == 0) {
    rule.pattern = first + ".*" + second;
  } else {
    rule.adjacent = number % 3 == 1;
    rule.pattern = "\\b" + first + (rule.adjacent ? " (" : " .*?(") + second + "|" + third + ")\\b";
    rule.ends.push_back(third);
  }
  return rule;
}

template <typename List>
const auto& one_of(const List& list, Random& random) {
  return list[random.below(list.size())];
}

}  // namespace

std::vector<Rule> make_rules(std::size_t count) {
  std::vector<Rule> rules{{.id = "account-issues",
                           .pattern = "(account|login|password|billing).*(problem|issue|error|failed)",
                           .beginnings = {"account", "login", "password", "billing"},
                           .ends = {"problem", "issue", "error"}},
                          {.id = "feature-requests",
                           .pattern = "(need|want|wish|request).*(feature|functionality)",
                           .beginnings = {"need", "want", "wish", "request"},
                           .ends = {"feature", "functionality"}}};
  rules.resize(std::min<std::size_t>(count, 2));
  while (rules.size() < count) {
    rules.push_back(made_up_rule(rules.size()));
  }
  return rules;
}

std::string rules_as_yaml(const std::vector<Rule>& rules) {
  std::string out;
  for (const auto& rule : rules) {
    out += "- {id: " + rule.id + ", pattern: '" + rule.pattern + "', memory_type: episodic, importance: 0.8}\n";
  }
  return out;
}

std::string rules_as_lines(const std::vector<Rule>& rules) {
  std::string out;
  for (const auto& rule : rules) {
    out += rule.id + "\t" + rule.pattern + "\n";
  }
  return out;
}

void append_match(std::string& out, const Rule& rule, Random& random) {
  out += one_of(rule.beginnings, random);
  out += ' ';
  if (!rule.adjacent) {
    out += one_of(middles, random);
    out += one_of(times, random);
    out += ' ';
  }
  out += one_of(rule.ends, random);
}

}  // namespace alluvium::bench
