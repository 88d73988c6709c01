// SPDX-License-Identifier: Apache-2.0
#include "pipeline/utf8.hpp"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <simdjson.h>

namespace alluvium::pipeline {
namespace {

TEST(Utf8, KnowsTheFirstAndLastCharacterOfEachLength) {
  for (const std::string_view character :
       {std::string_view{"\0", 1}, std::string_view{"\x7F"}, std::string_view{"\xC2\x80"}, std::string_view{"\xDF\xBF"},
        std::string_view{"\xE0\xA0\x80"}, std::string_view{"\xED\x9F\xBF"}, std::string_view{"\xEE\x80\x80"},
        std::string_view{"\xEF\xBF\xBF"}, std::string_view{"\xF0\x90\x80\x80"}, std::string_view{"\xF4\x8F\xBF\xBF"}}) {
    EXPECT_EQ(character_bytes(character), character.size());
    EXPECT_EQ(character_bytes(std::string{character} + "x"), character.size());
    if (character.size() > 1) {
      EXPECT_EQ(character_bytes(character.substr(0, character.size() - 1)), 0U);
    }
  }
  for (const std::string_view none : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_EQ(character_bytes(none), 0U);
  }
}

TEST(Utf8, SaysWhereItEnds) {
  EXPECT_EQ(first_not_utf8(""), std::string_view::npos);
  EXPECT_EQ(first_not_utf8("a\xC3\xA9"), std::string_view::npos);
  EXPECT_EQ(first_not_utf8("a\xC3\xA9\xFFz"), 3U);
}

TEST(Utf8, AgreesWithSimdjson) {
  EXPECT_TRUE(rc::check("validity", [](const std::string& text) {
    RC_ASSERT((first_not_utf8(text) == std::string_view::npos) == simdjson::validate_utf8(text));
  }));
  EXPECT_TRUE(rc::check("validity of what is nearly right", [] {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::element('a', '\x80', '\x90', '\xA0', '\xBF', '\xC2', '\xE0', '\xE1', '\xED', '\xF0', '\xF4'));
    RC_ASSERT((first_not_utf8(text) == std::string_view::npos) == simdjson::validate_utf8(text));
  }));
}

TEST(Utf8, CallsUnicodesWhiteSpaceBlankAndNothingElse) {
  EXPECT_TRUE(is_blank(""));
  EXPECT_TRUE(is_blank(" \t\n\v\f\r"));
  EXPECT_TRUE(is_blank("\u0085\u00A0\u1680\u2000\u200A\u2028\u2029\u202F\u205F\u3000"));
  for (const std::string_view text :
       {std::string_view{"x"}, std::string_view{" x"}, std::string_view{"\0", 1}, std::string_view{"\u200B"},
        std::string_view{"\u3001"}, std::string_view{"\u00A1"}, std::string_view{" \xC2"}, std::string_view{"\x0E"}}) {
    EXPECT_FALSE(is_blank(text));
  }
}

}  // namespace
}  // namespace alluvium::pipeline
