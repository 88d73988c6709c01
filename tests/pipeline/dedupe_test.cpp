// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dedupe.hpp"

#include <array>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <utf8proc.h>

namespace alluvium::pipeline {
namespace {

std::string encode(utf8proc_int32_t code_point) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto size = utf8proc_encode_char(code_point, bytes.data());
  return {bytes.begin(), bytes.begin() + size};
}

TEST(DedupeKey, IsLowerCaseWithOneBlankForEachRunOfOtherCharacters) {
  EXPECT_EQ(dedupe_key("My LOGIN -- failed!!  (again)"), "my login failed again");
  EXPECT_EQ(dedupe_key("  ...a1\t\n"), "a1");
  EXPECT_EQ(dedupe_key("AZaz09"), "azaz09");
  EXPECT_EQ(dedupe_key("@[`{/:a"), "a");
}

TEST(DedupeKey, KeepsLettersAndDigitsOfAllScripts) {
  EXPECT_EQ(dedupe_key("\u79C1\u306F\u6771\u4EAC\u3001\u65E5\u672C"), "\u79C1\u306F\u6771\u4EAC \u65E5\u672C");
  EXPECT_EQ(dedupe_key("\u0416\u0418\u041B-1"), "\u0436\u0438\u043B 1");
  EXPECT_EQ(dedupe_key("\u0663\u0664"), "\u0663\u0664");  // Arabic digits.
  EXPECT_NE(dedupe_key("\u6771\u4EAC\u306B\u4F4F\u3080"), dedupe_key("\u5927\u962A\u306B\u4F4F\u3080"));
  EXPECT_NE(dedupe_key("\u03B1\u03B2\u03B3"), dedupe_key("\u03B4\u03B5\u03B6"));
}

TEST(DedupeKey, IsTheSameForCapitalAndSmallGreekWhateverTheSigma) {
  EXPECT_EQ(dedupe_key("\u039F\u0394\u039F\u03A3"), dedupe_key("\u03BF\u03B4\u03BF\u03C2"));
}

TEST(DedupeKey, IsTheSameForBothSpellingsOfAnAccentedLetter) {
  EXPECT_EQ(dedupe_key("Caf\u00E9"), dedupe_key("cafe\u0301"));
  EXPECT_EQ(dedupe_key("cafe\u0301"), "caf\u00E9");
  EXPECT_EQ(dedupe_key("a\u0323\u0307"), dedupe_key("a\u0307\u0323"));
  EXPECT_NE(dedupe_key("caf\u00E9"), dedupe_key("cafe"));
}

TEST(DedupeKey, KeepsMarksThatBelongToALetterAndNoOthers) {
  EXPECT_NE(dedupe_key("\u0915\u093F"), dedupe_key("\u0915\u0940"));  // Hindi ki and kii differ in a mark.
  EXPECT_EQ(dedupe_key("I \u2764\uFE0F tea"), "i tea");               // A heart with its emoji mark.
}

TEST(DedupeKey, OfContentWithoutLetterOrDigitIsTheContent) {
  EXPECT_EQ(dedupe_key("\U0001F600"), "\U0001F600");
  EXPECT_NE(dedupe_key("\U0001F600"), dedupe_key("\U0001F622"));
  EXPECT_NE(dedupe_key("\u2764\uFE0F"), dedupe_key("\u2709\uFE0F"));
  EXPECT_EQ(dedupe_key("?!"), "?!");
  EXPECT_EQ(dedupe_key(""), "");
}

TEST(DedupeKey, TakesBytesThatAreNotUtf8AsSeparators) {
  EXPECT_EQ(dedupe_key("a\xFF\x62"), "a b");
  EXPECT_EQ(dedupe_key("caf\xC3"), "caf");
  EXPECT_EQ(dedupe_key("\xFF\xFE"), "\xFF\xFE");
}

TEST(DedupeKey, OfAKeyIsTheKey) {
  EXPECT_TRUE(rc::check("for any text", [] {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::oneOf(
        rc::gen::map(rc::gen::inRange<utf8proc_int32_t>(1, 0xD800), encode),
        rc::gen::map(rc::gen::inRange<utf8proc_int32_t>(0x300, 0x370), encode),
        rc::gen::map(rc::gen::inRange<utf8proc_int32_t>(0xE000, 0x20000), encode),
        rc::gen::elementOf(std::vector<std::string>{"a", "B", "7", " ", ".", "\xC3\xA9", "\xFF", "\xC3"})));
    std::string text;
    for (const auto& piece : pieces) {
      text += piece;
    }
    const auto key = dedupe_key(text);
    RC_ASSERT(dedupe_key(key) == key);
  }));
}

TEST(DedupeKey, OfAKeyIsTheKeyForEveryCharacterBetweenLetters) {
  for (utf8proc_int32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) {
      continue;
    }
    const auto key = dedupe_key("a" + encode(c) + "\u0301B");
    ASSERT_EQ(dedupe_key(key), key) << std::hex << c;
  }
}

// Sorting marks one step at a time would take hours for these.
TEST(DedupeKey, EndsOnAMegabyteOfMarksInTheWrongOrder) {
  std::string text = "a";
  for (int i = 0; i < 131'072; ++i) {
    text += "\u0301\u0323";
  }
  EXPECT_EQ(dedupe_key(dedupe_key(text)), dedupe_key(text));
}

TEST(DedupeHash, IsTheSameForTheSameKeyOnly) {
  EXPECT_EQ(dedupe_hash("login failed"), dedupe_hash(std::string{"login failed"}));
  EXPECT_NE(dedupe_hash("login failed"), dedupe_hash("login faile"));
}

Memory memory_of(const std::string& content, const std::string& rule = "r") {
  return {.id = content, .content = content, .keywords = {}, .rule_id = rule, .sources = {0}};
}

TEST(DropDuplicates, KeepsTheFirstOfEachKeyAsItIsAndInPlace) {
  std::vector<Memory> memories{memory_of("Login failed!", "one"), memory_of("billing"),
                               memory_of("LOGIN: failed", "two"), memory_of("login failed"),
                               memory_of("\U0001F600"),           memory_of("\U0001F622")};
  drop_duplicates(memories);
  ASSERT_EQ(memories.size(), 4U);
  EXPECT_EQ(memories[0].content, "Login failed!");
  EXPECT_EQ(memories[0].rule_id, "one");
  EXPECT_EQ(memories[1].content, "billing");
  EXPECT_EQ(memories[2].content, "\U0001F600");
  EXPECT_EQ(memories[3].content, "\U0001F622");
}

TEST(DropDuplicates, LeavesNoneAndOneAlone) {
  std::vector<Memory> memories;
  drop_duplicates(memories);
  EXPECT_TRUE(memories.empty());
  memories.push_back(memory_of("a"));
  drop_duplicates(memories);
  EXPECT_EQ(memories.size(), 1U);
  memories.push_back(memory_of("A"));
  drop_duplicates(memories);
  EXPECT_EQ(memories.size(), 1U);
}

}  // namespace
}  // namespace alluvium::pipeline
