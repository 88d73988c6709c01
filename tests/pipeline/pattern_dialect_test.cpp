// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pattern_dialect.hpp"

#include <gtest/gtest.h>

#include "pipeline/presets.hpp"

namespace alluvium::pipeline {
namespace {

TEST(PatternDialect, IsSharedByEverydayPatterns) {
  for (const auto* pattern : {"refund", "a.*b", "(?i:a|b)+?", "(?P<city>\\w+)", "[a-z0-9_.-]+@[^ ]+",
                              "\\bI (feel|am) \\w+\\.?$", "x{2,5}", "[]a]", "[^]]", "[[:alpha:]]", "\\x41\\x{e9}",
                              "caf\u00E9", "[\u0430-\u044F]+", "\u65E5\u672C", "(?-i)Oslo", "a{128}"}) {
    EXPECT_EQ(dialect_of(pattern), Dialect::shared) << pattern;
  }
  for (const auto& preset : presets()) {
    for (const auto& rule : preset.rules) {
      EXPECT_EQ(dialect_of(rule.pattern), Dialect::shared) << rule.id;
    }
  }
}

TEST(PatternDialect, DiffersWhereTheLibrariesDo) {
  for (const auto* pattern :
       {"\\pL",       "\\PL",   "\\B",    "\\p{Greek}", "\\C",    "\\Qa\\E", "\\v",      "\\012",
        "(?m)^a",     "(?U)a*", "a{,3}",  "{",          "\u017F", "\u212A",  "\\x{17f}", "[\u0100-\u2FFF]",
        "\U00010400", "\u1C80", "\u13F0", "\\x{0}"}) {
    EXPECT_EQ(dialect_of(pattern), Dialect::differs) << pattern;
  }
  EXPECT_EQ(dialect_of(std::string_view{"a\0b", 3}), Dialect::differs);
}

TEST(PatternDialect, CountsRepeatsAndThoseOfGroupsEightfold) {
  EXPECT_EQ(dialect_of(".{128}"), Dialect::shared);
  EXPECT_EQ(dialect_of(".{129}"), Dialect::large);
  EXPECT_EQ(dialect_of(".{0,100}a{29}"), Dialect::large);
  EXPECT_EQ(dialect_of("(ab){16}"), Dialect::shared);
  EXPECT_EQ(dialect_of("(ab){17}"), Dialect::large);
  EXPECT_EQ(dialect_of(".{1000}a{24}"), Dialect::large);
  EXPECT_EQ(dialect_of(".{1000}a{25}"), Dialect::differs);
  EXPECT_EQ(dialect_of("((a{10}){10}){10}"), Dialect::differs);
}

TEST(PlainText, IsAsciiAndMostScripts) {
  for (const auto* text :
       {"", "plain text\r\n\t", "caf\u00E9", "\u041C\u043E\u0441\u043A\u0432\u0430", "\u65E5\u672C", "\U0001F600"}) {
    EXPECT_TRUE(is_plain_text(text)) << text;
  }
}

TEST(PlainText, IsNotWhatTheLibrariesClassOrFoldApart) {
  for (const auto* text :
       {"a\vb", "\u017F", "\u212A", "\u10D0", "\u13F8", "\U00010428", "\xFF", "a\xC3", "\xED\xA0\x80"}) {
    EXPECT_FALSE(is_plain_text(text)) << text;
  }
}

}  // namespace
}  // namespace alluvium::pipeline
