// SPDX-License-Identifier: Apache-2.0
#include "pipeline/json_text.hpp"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <simdjson.h>

namespace alluvium::pipeline {
namespace {

std::string in_json(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

TEST(JsonText, PutsCommasWhereTheyBelong) {
  const auto text = JsonText{}
                        .object()
                        .field("a", 1)
                        .key("b")
                        .array()
                        .value("x")
                        .value(true)
                        .null()
                        .object()
                        .end()
                        .array()
                        .end()
                        .end()
                        .field("c", std::string{"y"})
                        .key("d")
                        .raw("[1]")
                        .end()
                        .text();
  EXPECT_EQ(text, R"({"a":1,"b":["x",true,null,{},[]],"c":"y","d":[1]})");
}

TEST(JsonText, WritesNumbersThatReadBackTheSame) {
  EXPECT_EQ(JsonText{}.value(0.9).text(), "0.9");
  EXPECT_EQ(JsonText{}.value(1.0).text(), "1");
  EXPECT_EQ(JsonText{}.value(-1e300).text(), "-1e+300");
  EXPECT_EQ(JsonText{}.value(std::numeric_limits<std::int64_t>::min()).text(), "-9223372036854775808");
  EXPECT_EQ(JsonText{}.value(std::numeric_limits<std::uint64_t>::max()).text(), "18446744073709551615");
  EXPECT_EQ(JsonText{}.value(std::numeric_limits<double>::infinity()).text(), "null");
  EXPECT_EQ(JsonText{}.value(std::numeric_limits<double>::quiet_NaN()).text(), "null");
}

TEST(JsonText, EscapesWhatMustBe) {
  EXPECT_EQ(in_json(""), R"("")");
  EXPECT_EQ(in_json("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
  EXPECT_EQ(in_json(std::string_view{"\0\x1F\x7F", 3}), R"("\u0000\u001f\u007f")");
  EXPECT_EQ(in_json("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"");
}

TEST(JsonText, ReplacesBytesThatAreNotUtf8) {
  constexpr std::string_view mark = "\xEF\xBF\xBD";
  const auto marks = [&](std::size_t count) {
    std::string text = "\"";
    for (std::size_t i = 0; i < count; ++i) {
      text += mark;
    }
    return text + "\"";
  };
  EXPECT_EQ(in_json("\xFF"), marks(1));
  EXPECT_EQ(in_json("\xC0\xAF"), marks(2)) << "overlong";
  EXPECT_EQ(in_json("\xED\xA0\x80"), marks(3)) << "a surrogate";
  EXPECT_EQ(in_json("\xF4\x90\x80\x80"), marks(4)) << "beyond U+10FFFF";
  EXPECT_EQ(in_json("\xE2\x82"), marks(2)) << "cut off";
  EXPECT_EQ(in_json("\xC3\xA9\xC3"), "\"\xC3\xA9\xEF\xBF\xBD\"");
}

TEST(JsonText, IsReadBackTheSameByAParser) {
  simdjson::dom::parser parser;
  EXPECT_TRUE(rc::check("round trip", [&](const std::string& bytes) {
    std::string text;
    for (const char c : bytes) {
      text += static_cast<char>(c & 0x7F);
    }
    const auto json = in_json(text);
    std::string_view read;
    RC_ASSERT(parser.parse(json).get(read) == simdjson::SUCCESS);
    RC_ASSERT(read == text);
  }));
  EXPECT_TRUE(rc::check("any bytes are valid JSON in the end", [&](const std::string& bytes) {
    const auto json = in_json(bytes);
    RC_ASSERT(parser.parse(json).error() == simdjson::SUCCESS);
  }));
}

TEST(Iso8601, WritesMillisecondsAndStaysWithinFourDigitYears) {
  EXPECT_EQ(iso8601(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso8601(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(iso8601(1'767'225'600'000), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(iso8601(1'709'211'845'678), "2024-02-29T13:04:05.678Z");
  EXPECT_EQ(iso8601(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(iso8601(std::numeric_limits<std::int64_t>::min()), "0000-01-01T00:00:00.000Z");
}

}  // namespace
}  // namespace alluvium::pipeline
