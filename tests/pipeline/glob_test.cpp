// SPDX-License-Identifier: Apache-2.0
#include "pipeline/glob.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

TEST(Glob, WithoutWildcardsIsTheTextItself) {
  EXPECT_TRUE(glob_matches("support-1", "support-1"));
  EXPECT_FALSE(glob_matches("support-1", "support-12"));
  EXPECT_FALSE(glob_matches("support-1", "support-"));
  EXPECT_FALSE(glob_matches("support-1", "Support-1"));
}

TEST(Glob, AStarIsAnyRunAlsoNone) {
  for (const auto* text : {"", "a", "anything at all"}) {
    EXPECT_TRUE(glob_matches("*", text)) << text;
    EXPECT_TRUE(glob_matches("**", text)) << text;
  }
  EXPECT_TRUE(glob_matches("support-*", "support-"));
  EXPECT_TRUE(glob_matches("support-*", "support-eu-7"));
  EXPECT_FALSE(glob_matches("support-*", "sales-support-7"));
  EXPECT_TRUE(glob_matches("*-eu-*", "support-eu-7"));
  EXPECT_FALSE(glob_matches("*-eu-*", "support-us-7"));
  EXPECT_TRUE(glob_matches("*aab", "aaaab"));
}

TEST(Glob, AQuestionMarkIsOneCharacterHoweverManyBytes) {
  EXPECT_TRUE(glob_matches("a?c", "abc"));
  EXPECT_TRUE(glob_matches("a?c", "a\u00E9c"));
  EXPECT_TRUE(glob_matches("?", "\U0001F600"));
  EXPECT_FALSE(glob_matches("??", "\u00E9"));
  EXPECT_FALSE(glob_matches("?", ""));
  EXPECT_FALSE(glob_matches("a?", "a"));
  EXPECT_FALSE(glob_matches("a?", "abc"));
}

TEST(Glob, AnEmptyGlobIsOnlyTheEmptyText) {
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_FALSE(glob_matches("", "a"));
}

TEST(Glob, TakesBytesThatAreNotUtf8OneByOneAtLeast) {
  EXPECT_TRUE(glob_matches("?", "\xFF"));
  EXPECT_TRUE(glob_matches("*", "\x80\x80"));
  EXPECT_FALSE(glob_matches("a", "\x80"));
}

// Backtracking into every star would take longer than the universe has.
TEST(Glob, EndsOnAGlobThatStallsABacktracker) {
  std::string glob;
  for (int i = 0; i < 100; ++i) {
    glob += "*a";
  }
  EXPECT_FALSE(glob_matches(glob + "*b", std::string(100'000, 'a')));
}

bool slow_match(std::string_view glob, std::string_view text) {
  if (glob.empty()) {
    return text.empty();
  }
  if (glob[0] == '*') {
    return slow_match(glob.substr(1), text) || (!text.empty() && slow_match(glob, text.substr(1)));
  }
  return !text.empty() && (glob[0] == '?' || glob[0] == text[0]) && slow_match(glob.substr(1), text.substr(1));
}

TEST(Glob, AgreesWithTheDefinition) {
  EXPECT_TRUE(rc::check("as a recursion over both", [] {
    const auto letters = [](const char* of) {
      return rc::gen::container<std::string>(rc::gen::elementOf(std::string{of}));
    };
    const auto glob = *rc::gen::resize(8, letters("ab*?"));
    const auto text = *rc::gen::resize(12, letters("ab"));
    RC_ASSERT(glob_matches(glob, text) == slow_match(glob, text));
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
