// SPDX-License-Identifier: Apache-2.0
// Records that can't be messages: every reason, both sides of every limit, and what hostile producers send.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/decoder.hpp"
#include "pipeline/json_text.hpp"
#include "pipeline/utf8.hpp"
#include "tests/pipeline/decoding.hpp"

namespace alluvium::pipeline {
namespace {

struct Hostile {
  std::string what;
  std::string value;
  DeadReason reason;
  std::string detail;  ///< A piece of the sentence that a person has to find there.
};

std::string nested(std::size_t depth) {
  return R"({"content":"x","metadata":)" + std::string(depth - 1, '[') + "1" + std::string(depth - 1, ']') + "}";
}

std::vector<Hostile> hostile_records() {
  using enum DeadReason;
  return {
      {"nothing", "", empty, "empty"},
      {"blanks", " \t\r\n", empty, "blanks"},
      {"a mark alone", "\xEF\xBB\xBF", empty, "blanks"},
      {"a prefix alone", std::string{"\0\0\0\0\7", 5}, empty, "prefix"},
      {"a zero alone", std::string(1, '\0'), empty, "prefix"},
      {"Avro", std::string{"\0\0\0\0\7\6m-1\x10", 10}, not_json, "Avro"},
      {"broken JSON after a prefix", std::string{"\0\0\0\0\7{\"content\"}", 16}, not_json, "well-formed"},
      {"plain text", "hello there", not_json, "does not begin"},
      {"XML", "<message/>", not_json, "does not begin"},
      {"a number", "42", wrong_type, "a number"},
      {"a text", R"("hello")", wrong_type, "text"},
      {"null", "null", wrong_type, "null"},
      {"two records in one", R"({"content":"a"}{"content":"b"})", not_json, "byte 15"},
      {"cut in a text", R"({"content":"My log)", not_json, "cut off"},
      {"cut between fields", R"({"content":"x",)", not_json, "cut off"},
      {"a missing comma", R"({"content":"x" "id":1})", not_json, "out of place"},
      {"a trailing comma", R"({"content":"x",})", not_json, "out of place"},
      {"single quotes", R"({'content':'x'})", not_json, "out of place"},
      {"not a number", R"({"content":"x","n":NaN})", not_json, "well-formed"},
      {"a wrong word", R"({"content":"x","n":nil})", not_json, "true, false or null"},
      {"a huge number", R"({"content":"x","n":123456789012345678901234567890})", not_json, "64 bits"},
      {"an infinite number", R"({"content":"x","n":1e999})", not_json, "64 bits"},
      {"a raw newline in a text", "{\"content\":\"a\nb\"}", not_json, "control character"},
      {"a wrong escape", R"({"content":"\x41"})", not_json, "escape"},
      {"half an escape", R"({"content":"\u12"})", not_json, "escape"},
      {"Latin-1", "{\"content\":\"caf\xE9\"}", not_utf8, "byte 16"},
      {"overlong UTF-8", "{\"content\":\"\xC0\xAF\"}", not_utf8, "byte 13"},
      {"surrogates as UTF-8", "{\"content\":\"\xED\xA0\x80\"}", not_utf8, "byte 13"},
      {"UTF-16 little-endian", std::string{"{\0\"\0c\0\"\0:\0", 10}, not_utf8, "UTF-16"},
      {"UTF-16 big-endian", std::string{"\0{\0\"\0c\0\"\0:", 10}, not_utf8, "UTF-16"},
      {"UTF-16 with a mark", std::string{"\xFF\xFE{\0\"\0", 6}, not_utf8, "UTF-16"},
      {"binary", std::string{"\x1F\x8B\x08\0\xFF", 5}, not_utf8, "not UTF-8"},
      {"deep lists", std::string(10'000, '['), too_deep, "64"},
      {"deep objects", nested(10'000), too_deep, "64"},
      {"2 MiB", R"({"content":")" + std::string(std::size_t{2} << 20, 'x') + "\"}", too_large, "1048576"},
      {"a number as content", R"({"content":7})", wrong_type, "content is a number"},
      {"an object as content", R"({"content":{"text":"x"}})", wrong_type, "content is an object"},
      {"a truth as content", R"({"content":true})", wrong_type, "content is true or false"},
      {"a number as a part", R"({"content":["a",7]})", wrong_type, "part"},
      {"a number in a part", R"({"content":[{"text":7}]})", wrong_type, "part"},
      {"an object as agent", R"({"content":"x","agent_id":{}})", wrong_type, "agent_id is an object"},
      {"a list as session", R"({"content":"x","sessionId":[]})", wrong_type, "session_id is a list"},
      {"a fraction as id", R"({"content":"x","id":1.5})", wrong_type, "id is a number with a fraction"},
      {"a truth as user", R"({"content":"x","user_id":true})", wrong_type, "user_id"},
      {"a number as role", R"({"content":"x","role":1})", wrong_type, "role is a number"},
      {"messages that are no list", R"({"messages":{}})", wrong_type, "messages is an object"},
      {"no content", R"({"id":"m","agent_id":"a"})", no_content, "no content"},
      {"no fields", "{}", no_content, "no content"},
      {"empty content", R"({"content":""})", no_content, "blanks"},
      {"blank content", "{\"content\":\" \\t\\n\xE3\x80\x80\xC2\xA0\"}", no_content, "blanks"},
      {"no parts", R"({"content":[]})", no_content, "without any text"},
      {"only images", R"({"content":[{"type":"image_url"}]})", no_content, "without any text"},
      {"blank parts", R"({"content":[""," "]})", no_content, "blanks"},
      {"a control character in an id", R"({"content":"x","id":"a\u0000b"})", invalid_field, "id holds a control"},
      {"a rubout in an agent", "{\"content\":\"x\",\"agent_id\":\"a\x7F\"}", invalid_field, "agent_id holds"},
  };
}

TEST(DecoderDeadLetter, SaysWhyInWordsForEveryHostileRecord) {
  auto decoder = decoder_with({});
  for (const auto& hostile : hostile_records()) {
    SCOPED_TRACE(hostile.what);
    const auto letter = decode(decoder, record_of(hostile.value)).only_dead();
    EXPECT_EQ(name(letter.reason), name(hostile.reason)) << letter.detail;
    EXPECT_NE(letter.detail.find(hostile.detail), std::string::npos) << letter.detail;
    EXPECT_EQ(letter.position, (Position{41, 0, 1}));
    EXPECT_EQ(letter.payload, hostile.value.substr(0, 4096));
    EXPECT_EQ(letter.payload_bytes, hostile.value.size());
    EXPECT_EQ(letter.timestamp_ms, record_ms);
  }
}

TEST(DecoderDeadLetter, HasAWordOfItsOwnForEachReason) {
  std::set<std::string_view> words;
  for (const auto reason :
       {DeadReason::empty, DeadReason::too_large, DeadReason::not_utf8, DeadReason::not_json, DeadReason::too_deep,
        DeadReason::wrong_type, DeadReason::no_content, DeadReason::invalid_field}) {
    EXPECT_NE(name(reason), "unknown");
    words.insert(name(reason));
  }
  EXPECT_EQ(words.size(), 8U);
  EXPECT_EQ(name(DeadReason::not_utf8), "not_utf8");
}

TEST(DecoderDeadLetter, TellsATombstoneFromAnEmptyValue) {
  auto record = record_of("");
  record.tombstone = true;
  EXPECT_NE(decode(record).only_dead().detail.find("tombstone"), std::string::npos);
}

TEST(DecoderDeadLetter, NeverHoldsMessageTextInItsDetail) {
  for (const auto* value : {R"({"content":["secret",7]})", R"({"content":"secret","id":"secret\u0001"})",
                            R"({"content":"secret)", R"({"content":"secret","role":["secret"]})", "secret"}) {
    EXPECT_EQ(decode(value).only_dead().detail.find("secret"), std::string::npos) << value;
  }
}

TEST(DecoderDeadLetter, KeepsTheIdIfItCouldBeRead) {
  EXPECT_EQ(decode(R"({"id":"m-1","content":7})").only_dead().message_id, "m-1");
  EXPECT_EQ(decode(R"({"id":7})").only_dead().message_id, "7");
  EXPECT_EQ(decode(R"({"id":{},"content":"x"})").only_dead().message_id, "chat/3/41");
  EXPECT_EQ(decode("nonsense").only_dead().message_id, "chat/3/41");
}

TEST(DecoderDeadLetter, KeepsTheFirst256BytesOfTheKeyAnd4096OfTheValue) {
  const std::string key(300, 'k');
  for (const std::size_t size : {4096U, 4097U}) {
    const std::string value(size, 'v');
    auto record = record_of(value);
    record.key = key;
    const auto letter = decode(record).only_dead();
    EXPECT_EQ(letter.key, key.substr(0, 256));
    EXPECT_EQ(letter.payload, value.substr(0, 4096));
    EXPECT_EQ(letter.payload_bytes, size);
  }
}

TEST(DecoderLimit, TakesARecordOfExactlyTheMostBytes) {
  const std::string value = R"({"content":"x"})";
  Decoder::Options options;
  options.message_bytes_max = value.size();
  EXPECT_EQ(decode(value, options).only().content, "x");
  --options.message_bytes_max;
  EXPECT_EQ(decode(value, options).only_dead().reason, DeadReason::too_large);
}

TEST(DecoderLimit, TakesARecordOfExactlyTheDepth) {
  for (const std::size_t depth : {2U, 64U, 1024U}) {
    Decoder::Options options;
    options.depth_max = depth;
    EXPECT_EQ(decode(nested(depth), options).only().content, "x") << depth;
    EXPECT_EQ(decode(nested(depth + 1), options).only_dead().reason, DeadReason::too_deep) << depth;
  }
}

TEST(DecoderLimit, TakesIdsOfExactlyTheMostBytes) {
  Decoder::Options options;
  options.id_bytes_max = 4;
  for (const auto* field : {"id", "agent_id", "session_id", "user_id", "org_id"}) {
    const auto with = [&](std::string_view id) {
      return decode("{\"content\":\"x\",\"" + std::string{field} + "\":\"" + std::string{id} + "\"}", options);
    };
    EXPECT_EQ(with("1234").only().content, "x") << field;
    const auto letter = with("12345").only_dead();
    EXPECT_EQ(letter.reason, DeadReason::invalid_field) << field;
    EXPECT_NE(letter.detail.find(std::string{field} + " has 5 bytes; at most 4"), std::string::npos) << letter.detail;
  }
}

TEST(DecoderLimit, TakesAKeyAsAgentOnlyIfItCouldBeAnAgentId) {
  const std::string longest(512, 'k');
  auto record = record_of(R"({"content":"x"})");
  record.key = longest;
  EXPECT_EQ(decode(record).only().agent_id, longest);
  const std::string longer(513, 'k');
  for (const std::string_view key : {std::string_view{longer}, std::string_view{"\0\1", 2}, std::string_view{"a\xFF"},
                                     std::string_view{"a\x7F"}, std::string_view{"\x1F"}}) {
    record.key = key;
    const auto letter = decode(record).only_dead();
    EXPECT_EQ(letter.reason, DeadReason::invalid_field);
    EXPECT_NE(letter.detail.find("record's key"), std::string::npos) << letter.detail;
  }
}

TEST(DecoderLimit, TakesABundleOfTenThousand) {
  std::string value = "[";
  for (int i = 0; i < 10'000; ++i) {
    value += i % 2 == 0 ? R"({"content":"x"},)" : "{},";
  }
  value.back() = ']';
  const auto decoded = decode(value);
  EXPECT_EQ(decoded.size(), 5000U);
  EXPECT_EQ(decoded.dead.size(), 5000U);
  value.back() = ',';
  value += "{}]";
  EXPECT_EQ(decode(value).only_dead().reason, DeadReason::too_large);
}

/// Each position of the record ended once, whatever the record was.
::testing::AssertionResult is_accounted_for(const Decoded& decoded) {
  std::vector<Position> positions;
  for (const auto& entry : decoded.chunk.entries()) {
    const auto message = entry.message();
    if (is_blank(message.content) || first_not_utf8(message.content) != std::string_view::npos || message.id.empty() ||
        message.agent_id.empty()) {
      return ::testing::AssertionFailure() << "a message that is none";
    }
    positions.push_back(message.position);
  }
  for (const auto& letter : decoded.dead) {
    positions.push_back(letter.position);
  }
  std::sort(positions.begin(), positions.end());
  for (std::uint32_t i = 0; i < positions.size(); ++i) {
    if (positions[i] != Position{41, i, static_cast<std::uint32_t>(positions.size())}) {
      return ::testing::AssertionFailure() << "position " << positions[i].index << " of " << positions[i].count;
    }
  }
  return positions.empty() ? ::testing::AssertionFailure() << "no position" : ::testing::AssertionSuccess();
}

TEST(DecoderDeadLetter, IsWhatAMessageBecomesWhereverItIsCut) {
  const std::string whole =
      R"({"id":"m-1","agent_id":"agent-42","role":"user","content":["My \ud83d\ude00 login é",{"type":"text","text":"failed"}],"timestamp":"2026-01-01T00:00:00Z","n":[1,-2.5e3,true,null]})";
  auto decoder = decoder_with({});
  ASSERT_EQ(decode(decoder, record_of(whole)).size(), 1U);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);  // A copy, so that reading beyond it is noticed.
    const auto letter = decode(decoder, record_of(cut)).only_dead();
    EXPECT_FALSE(letter.detail.empty());
    EXPECT_TRUE(letter.reason == DeadReason::not_json || letter.reason == DeadReason::not_utf8 ||
                (size == 0 && letter.reason == DeadReason::empty))
        << size;
  }
}

TEST(DecoderProperty, AccountsForEveryPositionOfAnyBytes) {
  auto decoder = decoder_with({});
  EXPECT_TRUE(rc::check("any bytes", [&](const std::string& value) {
    RC_ASSERT(static_cast<bool>(is_accounted_for(decode(decoder, record_of(value)))));
  }));
  const std::vector<std::string> pieces = {"{",
                                           "}",
                                           "[",
                                           "]",
                                           ":",
                                           ",",
                                           "\"",
                                           "\\",
                                           "\\ud83d",
                                           "\\u0000",
                                           "\xF0\x9F\x98\x80",
                                           "\xFF",
                                           " ",
                                           "1",
                                           "-1e5",
                                           "null",
                                           "true",
                                           R"("content":)",
                                           R"("messages":)",
                                           R"("id":)",
                                           R"("agent_id":)",
                                           R"("specversion":"1.0",)",
                                           R"("data":)",
                                           R"("data_base64":"e30=")",
                                           R"("text")",
                                           R"({"content":"x"})",
                                           R"({"text":" "},)",
                                           std::string(1, '\0')};
  EXPECT_TRUE(rc::check("pieces of messages in any order", [&] {
    const auto chosen = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces));
    std::string value;
    for (const auto& piece : chosen) {
      value += piece;
    }
    RC_ASSERT(static_cast<bool>(is_accounted_for(decode(decoder, record_of(value)))));
  }));
}

TEST(DecoderProperty, GivesBackAnyMessageThatIsWrittenAsJson) {
  auto decoder = decoder_with({});
  const auto id_character = rc::gen::inRange<char>(0x20, 0x7F);
  EXPECT_TRUE(rc::check("round trip", [&] {
    const auto id = "m" + *rc::gen::container<std::string>(id_character);
    const auto agent = "a" + *rc::gen::container<std::string>(id_character);
    const auto content = "c" + *rc::gen::container<std::string>(rc::gen::inRange<char>(0x00, 0x7F)) + "\xE2\x82\xAC";
    const auto ms = *rc::gen::inRange<std::int64_t>(100'000'000'000, 253'402'300'800'000);
    const auto bundled = *rc::gen::inRange<std::size_t>(0, 5);
    JsonText message;
    message.object().field("id", id).field("agentId", agent).field("content", content).field("timestamp", ms).end();
    auto value = message.text();
    if (bundled > 0) {
      JsonText bundle;
      bundle.object().field("agent_id", "other").key("messages").array();
      for (std::size_t i = 0; i < bundled; ++i) {
        bundle.raw(message.text());
      }
      value = bundle.end().end().text();
    }
    const auto decoded = decode(decoder, record_of(value));
    RC_ASSERT(static_cast<bool>(is_accounted_for(decoded)));
    RC_ASSERT(decoded.size() == std::max<std::size_t>(bundled, 1));
    for (std::size_t i = 0; i < decoded.size(); ++i) {
      RC_ASSERT(decoded[i].id == id);
      RC_ASSERT(decoded[i].agent_id == agent);
      RC_ASSERT(decoded[i].content == content);
      RC_ASSERT(decoded[i].timestamp_ms == ms);
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
