// SPDX-License-Identifier: Apache-2.0
// Flat messages: names, defaults, roles, ids, content, times.
#include "pipeline/decoder.hpp"

#include <gtest/gtest.h>

#include "tests/pipeline/decoding.hpp"

namespace alluvium::pipeline {
namespace {

TEST(Decoder, ReadsEveryFieldOfAFlatMessage) {
  const auto decoded = decode(
      R"({"id":"m-1","agent_id":"agent-42","session_id":"s-7","user_id":"u-9","role":"assistant",
          "content":"My login failed again","timestamp":"2026-02-03T04:05:06Z","org_id":"acme","metadata":{"a":[1]}})");
  const auto message = decoded.only();
  EXPECT_EQ(message.id, "m-1");
  EXPECT_EQ(message.agent_id, "agent-42");
  EXPECT_EQ(message.session_id, "s-7");
  EXPECT_EQ(message.user_id, "u-9");
  EXPECT_EQ(message.org_id, "acme");
  EXPECT_EQ(message.role, Role::assistant);
  EXPECT_EQ(message.content, "My login failed again");
  EXPECT_EQ(message.timestamp_ms, 1'770'091'506'000);
  EXPECT_EQ(message.position, (Position{41, 0, 1}));
  EXPECT_EQ(decoded.chunk.entries().front().slot(), 7U);
}

TEST(Decoder, NeedsNothingButContent) {
  const auto decoded = decode(R"({"content":"hello"})");
  const auto message = decoded.only();
  EXPECT_EQ(message.id, "chat/3/41");
  EXPECT_EQ(message.agent_id, "default");
  EXPECT_EQ(message.session_id, "");
  EXPECT_EQ(message.role, Role::user);
  EXPECT_EQ(message.timestamp_ms, record_ms);
}

TEST(Decoder, TakesTheRecordsKeyAsTheAgentUnlessTheMessageNamesOne) {
  auto record = record_of(R"({"content":"hello"})");
  record.key = "agent-\xC3\xA9";
  EXPECT_EQ(decode(record).only().agent_id, "agent-\xC3\xA9");
  record.value = R"({"content":"hello","agent_id":"b"})";
  EXPECT_EQ(decode(record).only().agent_id, "b");
  record.value = R"({"content":"hello","agent_id":""})";
  EXPECT_EQ(decode(record).only().agent_id, "agent-\xC3\xA9");
}

TEST(Decoder, DoesNotMindABinaryKeyIfTheMessageNamesItsAgent) {
  auto record = record_of(R"({"content":"hello","agent_id":"b"})");
  record.key = std::string_view{"\0\x01\xFF", 3};
  EXPECT_EQ(decode(record).only().agent_id, "b");
}

struct Alias {
  std::string_view field;
  std::string_view MessageView::*member;
};

TEST(Decoder, KnowsTheOtherNamesOfFields) {
  for (const auto& [field, member] :
       {Alias{"agentId", &MessageView::agent_id}, Alias{"sessionId", &MessageView::session_id},
        Alias{"conversation_id", &MessageView::session_id}, Alias{"conversationId", &MessageView::session_id},
        Alias{"userId", &MessageView::user_id}, Alias{"orgId", &MessageView::org_id}}) {
    const auto json = "{\"content\":\"hello\",\"" + std::string{field} + "\":\"it\"}";
    const auto decoded = decode(json);
    EXPECT_EQ(decoded.only().*member, "it") << field;
  }
  EXPECT_EQ(decode(R"({"text":"hello"})").only().content, "hello");
  EXPECT_EQ(decode(R"({"text":"x","created_at":1000})").only().timestamp_ms, 1'000'000);
  EXPECT_EQ(decode(R"({"text":"x","createdAt":1000})").only().timestamp_ms, 1'000'000);
}

TEST(Decoder, IgnoresFieldsItDoesNotKnow) {
  const auto decoded = decode(R"({"Content":"no","a_name_longer_than_any":1,"":2,"content":"yes","contents":[{}]})");
  EXPECT_EQ(decoded.only().content, "yes");
}

TEST(Decoder, TakesTheFirstOfFieldsThatStandTwice) {
  const auto decoded = decode(R"({"text":"first","content":"second","id":"a","id":"b"})");
  EXPECT_EQ(decoded.only().content, "first");
  EXPECT_EQ(decoded.only().id, "a");
}

TEST(Decoder, CountsNullAsAbsent) {
  const auto decoded = decode(
      R"({"content":null,"text":"hello","id":null,"agent_id":null,"role":null,"timestamp":null,"messages":null})");
  const auto message = decoded.only();
  EXPECT_EQ(message.content, "hello");
  EXPECT_EQ(message.id, "chat/3/41");
  EXPECT_EQ(message.agent_id, "default");
  EXPECT_EQ(message.role, Role::user);
  EXPECT_EQ(message.timestamp_ms, record_ms);
}

TEST(Decoder, TakesIntegersAsIds) {
  const auto decoded =
      decode(R"({"content":"x","id":-7,"agent_id":18446744073709551615,"session_id":9223372036854775807,"user_id":0})");
  const auto message = decoded.only();
  EXPECT_EQ(message.id, "-7");
  EXPECT_EQ(message.agent_id, "18446744073709551615");
  EXPECT_EQ(message.session_id, "9223372036854775807");
  EXPECT_EQ(message.user_id, "0");
}

TEST(Decoder, KnowsRolesByTheNamesThatPlatformsUse) {
  const std::vector<std::pair<std::string, Role>> roles = {
      {"user", Role::user},           {"human", Role::user},      {"Customer", Role::user},
      {"assistant", Role::assistant}, {"AI", Role::assistant},    {"bot", Role::assistant},
      {"agent", Role::assistant},     {"model", Role::assistant}, {"system", Role::system},
      {"tool", Role::tool},           {"moderator", Role::other}, {"narrator of the tale", Role::other},
      {"developer", Role::system},    {"function", Role::tool},   {"", Role::user}};
  for (const auto& [text, role] : roles) {
    const auto json = R"({"content":"x","role":")" + text + "\"}";
    const auto decoded = decode(json);
    EXPECT_EQ(decoded.only().role, role) << text;
  }
}

TEST(Decoder, JoinsThePartsOfContentThatAreText) {
  EXPECT_EQ(decode(R"({"content":["one",{"type":"text","text":"two"}]})").only().content, "one\ntwo");
  EXPECT_EQ(decode(R"({"content":[{"type":"image_url","image_url":{"url":"u"}},{"text":"seen"},null,
                                  {"type":"text","text":null}]})")
                .only()
                .content,
            "seen");
  EXPECT_EQ(decode(R"({"content":["a","","b"]})").only().content, "a\n\nb");
}

TEST(Decoder, KeepsContentAsItIs) {
  EXPECT_EQ(decode(R"({"content":"  two \n lines\t"})").only().content, "  two \n lines\t");
  EXPECT_EQ(decode(R"({"content":"nul \u0000 stays"})").only().content, (std::string_view{"nul \0 stays", 11}));
  EXPECT_EQ(decode("{\"content\":\"\\ud83d\\ude00 \xF0\x9F\x98\x80\"}").only().content,
            "\xF0\x9F\x98\x80 \xF0\x9F\x98\x80");
}

TEST(Decoder, ReadsHalfASurrogatePairAsTheReplacementCharacter) {
  EXPECT_EQ(decode(R"({"content":"cut \ud83d"})").only().content, "cut \xEF\xBF\xBD");
  EXPECT_EQ(decode(R"({"content":"\udC00 cut"})").only().content, "\xEF\xBF\xBD cut");
  EXPECT_EQ(decode(R"({"content":"\ud83d\u0041"})").only().content,
            "\xEF\xBF\xBD"
            "A");
  EXPECT_EQ(decode(R"({"content":"\ud83d\ud83d\ude00"})").only().content, "\xEF\xBF\xBD\xF0\x9F\x98\x80");
  EXPECT_EQ(decode(R"({"content":"a backslash, then \\ud83d"})").only().content, "a backslash, then \\ud83d");
}

TEST(Decoder, ReadsTimesInEveryForm) {
  for (const auto* time : {R"("2026-01-01T00:00:05Z")", "1767225605", "1767225605000", R"("1767225605")",
                           R"("1767225605000")", "1767225605.0", R"(" 2026-01-01 01:00:05.000+01:00 ")"}) {
    const auto json = R"({"content":"x","timestamp":)" + std::string{time} + "}";
    const auto decoded = decode(json);
    EXPECT_EQ(decoded.only().timestamp_ms, record_ms + 5000) << time;
  }
}

TEST(Decoder, TakesTheRecordsTimeWhereTheMessagesCannotBeRead) {
  for (const auto* time :
       {R"("yesterday")", "true", "{}", "[]", R"("")", "18446744073709551615", "1e300", R"("2026-02-30T00:00:00Z")"}) {
    const auto json = R"({"content":"x","timestamp":)" + std::string{time} + "}";
    const auto decoded = decode(json);
    EXPECT_EQ(decoded.only().timestamp_ms, record_ms) << time;
  }
}

TEST(Decoder, SkipsAByteOrderMarkAndBlanksAround) {
  EXPECT_EQ(decode("\xEF\xBB\xBF \r\n{\"content\":\"x\"}\n\n").only().content, "x");
}

TEST(Decoder, SkipsTheSchemaRegistryPrefix) {
  const std::string value = std::string{"\0\0\0\x01\xFE", 5} + R"({"content":"x"})";
  EXPECT_EQ(decode(value).only().content, "x");
}

TEST(Decoder, IsReusableAfterAnyRecord) {
  auto decoder = decoder_with({});
  EXPECT_EQ(decode(decoder, record_of("{\"content\":")).dead.size(), 1U);
  const auto large = R"({"content":")" + std::string(500'000, 'x') + "\"}";
  EXPECT_EQ(decode(decoder, record_of(large)).only().content.size(), 500'000U);
  EXPECT_EQ(decode(decoder, record_of(std::string(100, '['))).dead.size(), 1U);
  EXPECT_EQ(decode(decoder, record_of(R"({"content":"x"})")).only().content, "x");
  auto moved = std::move(decoder);
  EXPECT_EQ(decode(moved, record_of(R"({"content":"y"})")).only().content, "y");
}

TEST(Decoder, RefusesLimitsThatAreZeroOrBeyondTheirBound) {
  using Options = Decoder::Options;
  for (auto limit :
       {&Options::message_bytes_max, &Options::depth_max, &Options::bundle_messages_max, &Options::id_bytes_max}) {
    Options options;
    options.*limit = 0;
    ASSERT_FALSE(Decoder::make(options).has_value());
    EXPECT_EQ(Decoder::make(options).error().code, Errc::invalid_config);
    options.*limit = 1;
    EXPECT_TRUE(Decoder::make(options).has_value());
    options.*limit = (std::size_t{1} << 30) + 1;
    EXPECT_FALSE(Decoder::make(options).has_value());
  }
}

}  // namespace
}  // namespace alluvium::pipeline
