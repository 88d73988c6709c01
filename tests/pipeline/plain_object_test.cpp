// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plain_object.hpp"

#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/json_reader.hpp"

namespace alluvium::pipeline {
namespace {

constexpr std::string_view usual =
    R"({"id":"m-1","agent_id":"a","role":"user","content":"I am allergic to nuts","timestamp":"2026-01-01T00:00:00Z"})";

/// What each field says, by name; nullopt if it is not plain.
std::optional<std::vector<std::pair<std::string_view, std::string>>> read(std::string_view text) {
  Fields fields;
  if (!read_plain_object(text, fields)) {
    return std::nullopt;
  }
  std::vector<std::pair<std::string_view, std::string>> found;
  for (std::size_t i = 0; i < field_count; ++i) {
    if (const auto field = static_cast<Field>(i); fields.has(field)) {
      found.emplace_back(name(field), *fields[field].text());
    }
  }
  return found;
}

using Found = std::vector<std::pair<std::string_view, std::string>>;

TEST(PlainObject, ReadsTheUsualMessage) {
  EXPECT_EQ(read(usual), (Found{{"id", "m-1"},
                                {"agent_id", "a"},
                                {"role", "user"},
                                {"content", "I am allergic to nuts"},
                                {"timestamp", "2026-01-01T00:00:00Z"}}));
}

TEST(PlainObject, ReadsNumbersAndWhatIsNotAskedFor) {
  EXPECT_EQ(read(R"({ "content" : "one, {two}: [three]" , "id" : 17, "text": 5, "likes":3.25, "seen":true,)"
                 R"( "old":false, "thread":null, "user_id":null, "user_id":"Zo)"
                 "\xC3\xAB\" }\t\r\n"),
            (Found{{"id", "17"}, {"user_id", "Zo\xC3\xAB"}, {"content", "one, {two}: [three]"}}));
  EXPECT_EQ(read("{\"content\":\"\"}"), (Found{{"content", ""}}));
}

TEST(PlainObject, LeavesTheRestToTheParser) {
  for (const auto* const text : {"",
                                 " ",
                                 "[]",
                                 "{}",
                                 "{",
                                 "\"a\"",
                                 R"({"content":"a")",
                                 R"({"content":"a"}})",
                                 R"({"content":"a"} x)",
                                 R"({"content":"a",})",
                                 R"({"content" "a"})",
                                 R"({"content":'a'})",
                                 R"({"content":"a)",
                                 R"({"content":"a\)",
                                 R"({"content":"\u00e9"})",
                                 R"({"content":"\n"})",
                                 "{\n\"content\":\"a\"}",
                                 " {\"content\":\"a\"}",
                                 R"({"content":"\x"})",
                                 R"({"con\/tent":"a"})",
                                 R"({"content":5})",
                                 R"({"content":["a"]})",
                                 R"({"role":1})",
                                 R"({"id":-1})",
                                 R"({"id":01})",
                                 R"({"id":1.5})",
                                 R"({"id":1e3})",
                                 R"({"id":1234567890123456})",
                                 R"({"id":true})",
                                 R"({"x":tru})",
                                 R"({"x":true.5})",
                                 R"({"x":1.})",
                                 R"({"x":nullx})",
                                 R"({"x":{}})",
                                 R"({"messages":"a"})",
                                 R"({"specversion":"1.0"})",
                                 "{\"content\":\"a\nb\"}",
                                 "{\"content\":\"\xC3\"}",
                                 "{\"content\":\"\xED\xA0\x80 and more text\"}",
                                 "{\"x\":\"12345678\xFF\"}"}) {
    EXPECT_EQ(read(text), std::nullopt) << text;
  }
}

/// A usual message with a few bytes put in, taken out and replaced.
std::string mutated(std::mt19937_64& random) {
  static constexpr std::array<std::string_view, 30> pieces = {
      "\"",      "\\",    "{",   "}",      ":",     ",",         "[",         "]",         "null",     "true",
      "0",       "12",    ".5",  "-",      " ",     "\n",        "\\n",       "\\u00e9",   "\xC3\xA9", "\xFF",
      "\"id\":", "\"x\"", "\"1", "\\\"\"", "\"\",", "\"text\":", "\"time\":", "\"data\":", "\x7F",     "\x01"};
  std::string text{usual};
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
  };
  for (auto changes = below(4); changes > 0; --changes) {
    text.replace(below(text.size()), below(3), pieces[below(pieces.size())]);
  }
  return text;
}

TEST(PlainObject, FindsWhatTheParserFinds) {
  std::mt19937_64 random{20261121};
  JsonReader json{64};
  const MessageReader reader{{}, 512};
  int both = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto text = mutated(random);
    Fields found;
    if (!read_plain_object(text, found)) {
      continue;
    }
    ++both;
    const auto root = json.parse(text);
    ASSERT_TRUE(root && root->is_object()) << text;
    const auto expected = reader.find(*root);
    for (std::size_t field = 0; field < field_count; ++field) {
      const auto each = static_cast<Field>(field);
      ASSERT_EQ(found.has(each), expected.has(each)) << text;
      MessageReader::IdDigits digits{};
      if (found.has(each)) {
        ASSERT_EQ(found[each].text(), *MessageReader::read_text(expected, each, digits)) << text;
        ASSERT_EQ(read_timestamp(found[each]), read_timestamp(expected[each])) << text;
      }
    }
  }
  EXPECT_GT(both, 3000);
}

}  // namespace
}  // namespace alluvium::pipeline
