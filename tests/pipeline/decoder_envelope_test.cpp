// SPDX-License-Identifier: Apache-2.0
// What messages come wrapped in: bundles, CloudEvents, and shapes that a mapping describes.
#include <gtest/gtest.h>

#include "pipeline/decoder.hpp"
#include "tests/pipeline/decoding.hpp"

namespace alluvium::pipeline {
namespace {

TEST(DecoderBundle, GivesEachMessageItsPlace) {
  const auto decoded = decode(R"({"messages":[{"content":"one"},{"content":"two","id":"m-2"},{"text":"three"}]})");
  ASSERT_EQ(decoded.size(), 3U);
  EXPECT_EQ(decoded[0].id, "chat/3/41/0");
  EXPECT_EQ(decoded[1].id, "m-2");
  EXPECT_EQ(decoded[2].id, "chat/3/41/2");
  EXPECT_EQ(decoded[1].position, (Position{41, 1, 3}));
  EXPECT_EQ(decoded[2].content, "three");
}

TEST(DecoderBundle, OfOneIsStillABundle) {
  const auto decoded = decode(R"({"messages":[{"content":"one"}]})");
  EXPECT_EQ(decoded.only().id, "chat/3/41/0");
  EXPECT_EQ(decoded.only().position, (Position{41, 0, 1}));
}

TEST(DecoderBundle, HandsItsOtherFieldsToMessagesThatLackThem) {
  auto record = record_of(R"({"id":"conversation","agent_id":5,"session_id":"s","user_id":"u","org_id":"o",
      "role":"system","timestamp":1000,"content":"not a message",
      "messages":[{"content":"one"},
                  {"content":"two","agent_id":6,"session_id":"t","user_id":"v","org_id":"p","role":"tool","timestamp":2000}]})");
  record.key = "key";
  const auto decoded = decode(record);
  ASSERT_EQ(decoded.size(), 2U);
  const auto first = decoded[0];
  EXPECT_EQ(first.id, "chat/3/41/0");
  EXPECT_EQ(first.agent_id, "5");
  EXPECT_EQ(first.session_id, "s");
  EXPECT_EQ(first.user_id, "u");
  EXPECT_EQ(first.org_id, "o");
  EXPECT_EQ(first.role, Role::system);
  EXPECT_EQ(first.timestamp_ms, 1'000'000);
  EXPECT_EQ(first.content, "one");
  const auto second = decoded[1];
  EXPECT_EQ(second.agent_id, "6");
  EXPECT_EQ(second.session_id, "t");
  EXPECT_EQ(second.user_id, "v");
  EXPECT_EQ(second.org_id, "p");
  EXPECT_EQ(second.role, Role::tool);
  EXPECT_EQ(second.timestamp_ms, 2'000'000);
}

TEST(DecoderBundle, MayBeAListWithoutAnEnvelope) {
  auto record = record_of(R"([{"content":"one"},{"content":"two"}])");
  record.key = "key";
  const auto decoded = decode(record);
  ASSERT_EQ(decoded.size(), 2U);
  EXPECT_EQ(decoded[1].agent_id, "key");
  EXPECT_EQ(decoded[1].position, (Position{41, 1, 2}));
}

TEST(DecoderBundle, LosesOnlyItsBadMessages) {
  const auto decoded = decode(
      R"({"messages":[{"content":"good"},7,{"content":8},null,{"id":"x"},{"content":"also good"},[],{"messages":[]}]})");
  ASSERT_EQ(decoded.size(), 2U);
  EXPECT_EQ(decoded[0].position, (Position{41, 0, 8}));
  EXPECT_EQ(decoded[1].position, (Position{41, 5, 8}));
  ASSERT_EQ(decoded.dead.size(), 6U);
  EXPECT_EQ(decoded.dead[0].position, (Position{41, 1, 8}));
  EXPECT_EQ(decoded.dead[0].reason, DeadReason::wrong_type);
  EXPECT_EQ(decoded.dead[0].message_id, "chat/3/41/1");
  EXPECT_EQ(decoded.dead[1].reason, DeadReason::wrong_type);
  EXPECT_EQ(decoded.dead[2].reason, DeadReason::wrong_type);
  EXPECT_EQ(decoded.dead[3].reason, DeadReason::no_content);
  EXPECT_EQ(decoded.dead[3].message_id, "x");
}

TEST(DecoderBundle, KeepsItsBytesInSixteenFullDeadLettersAtMost) {
  const std::string small = R"({"messages":[1,2]})";
  const auto both = decode(small);
  ASSERT_EQ(both.dead.size(), 2U);
  EXPECT_EQ(both.dead[0].payload, small);
  EXPECT_EQ(both.dead[1].payload, small);
  const auto large = "[1" + std::string(4096, ' ') + ",2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]";
  const auto many = decode(large);
  ASSERT_EQ(many.dead.size(), 17U);
  EXPECT_EQ(many.dead[15].payload, large.substr(0, 4096));
  EXPECT_EQ(many.dead[16].payload, "");
  EXPECT_EQ(many.dead[16].payload_bytes, large.size());
}

TEST(DecoderBundle, IsOneDeadLetterIfItIsEmptyOrTooLong) {
  for (const auto* empty : {R"({"messages":[]})", "[]"}) {
    const auto letter = decode(empty).only_dead();
    EXPECT_EQ(letter.reason, DeadReason::empty);
    EXPECT_EQ(letter.position, (Position{41, 0, 1}));
  }
  Decoder::Options options;
  options.bundle_messages_max = 2;
  EXPECT_EQ(decode(R"([{"content":"a"},{"content":"b"}])", options).size(), 2U);
  const auto letter = decode(R"([{"content":"a"},{"content":"b"},{"content":"c"}])", options).only_dead();
  EXPECT_EQ(letter.reason, DeadReason::too_large);
  EXPECT_EQ(letter.position, (Position{41, 0, 1}));
}

TEST(DecoderBundle, IsOneDeadLetterIfItsEnvelopeCannotBeUsed) {
  const auto letter = decode(R"({"agent_id":{},"messages":[{"content":"a"},{"content":"b"}]})").only_dead();
  EXPECT_EQ(letter.reason, DeadReason::wrong_type);
  EXPECT_EQ(letter.position, (Position{41, 0, 1}));
}

TEST(DecoderBundle, TakesAMessageWhoseMessagesFieldIsNoListAsOneMessage) {
  EXPECT_EQ(decode(R"({"messages":3,"content":"x"})").only().content, "x");
  EXPECT_EQ(decode(R"({"messages":3})").only_dead().reason, DeadReason::wrong_type);
}

TEST(DecoderEvent, ReadsAStructuredOne) {
  auto record = record_of(
      R"({"specversion":"1.0","type":"chat","source":"/app","id":"e-1","subject":"agent-9","time":"2026-01-01T00:00:09Z",
          "data":{"content":"hello"}})");
  const auto decoded = decode(record);
  const auto message = decoded.only();
  EXPECT_EQ(message.id, "e-1");
  EXPECT_EQ(message.agent_id, "agent-9");
  EXPECT_EQ(message.timestamp_ms, record_ms + 9000);
  record.key = "key";
  EXPECT_EQ(decode(record).only().agent_id, "key") << "the key comes before the subject";
}

TEST(DecoderEvent, LetsItsDataSayOtherwise) {
  const auto decoded = decode(R"({"specversion":"1.0","id":"e-1","subject":"s","time":"2026-01-01T00:00:09Z",
      "data":{"id":"m","agent_id":"a","timestamp":1000,"content":"hello"}})");
  const auto message = decoded.only();
  EXPECT_EQ(message.id, "m");
  EXPECT_EQ(message.agent_id, "a");
  EXPECT_EQ(message.timestamp_ms, 1'000'000);
}

TEST(DecoderEvent, MayCarryABundle) {
  for (const auto* data :
       {R"({"messages":[{"content":"a"},{"content":"b"}]})", R"([{"content":"a"},{"content":"b"}])"}) {
    const auto json = R"({"specversion":"1.0","id":"e-1","data":)" + std::string{data} + "}";
    const auto decoded = decode(json);
    ASSERT_EQ(decoded.size(), 2U);
    EXPECT_EQ(decoded[0].id, "e-1/0");
    EXPECT_EQ(decoded[1].id, "e-1/1");
  }
}

TEST(DecoderEvent, ReadsDataInBase64) {
  // {"content":"packed \u00e9"}
  const auto decoded =
      decode(R"({"specversion":"1.0","id":"e-1","data_base64":"eyJjb250ZW50IjoicGFja2VkIFx1MDBlOSJ9"})");
  EXPECT_EQ(decoded.only().content, "packed \xC3\xA9");
  EXPECT_EQ(decoded.only().id, "e-1");
}

TEST(DecoderEvent, ReadsItsHeadersInBinaryMode) {
  auto record = record_of(R"({"content":"hello"})");
  GivenHeaders headers{{{"ce_specversion", "1.0"},
                        {"content-type", "application/json"},
                        {"ce_id", "e-1"},
                        {"ce_subject", "agent-9"},
                        {"ce_time", "2026-01-01T00:00:09Z"}}};
  record.headers = &headers;
  const auto decoded = decode(record);
  EXPECT_EQ(decoded.only().id, "e-1");
  EXPECT_EQ(decoded.only().agent_id, "agent-9");
  EXPECT_EQ(decoded.only().timestamp_ms, record_ms + 9000);
  headers.all[0].name = "x-specversion";
  EXPECT_EQ(decode(record).only().id, "chat/3/41") << "without ce_specversion it is no event";
}

TEST(DecoderEvent, AsksForHeadersOnlyWhereAMessageLacksSomething) {
  GivenHeaders headers{{{"ce_specversion", "1.0"}, {"ce_id", "e\n1"}}};
  auto record = record_of(R"({"id":"m","agent_id":"a","timestamp":1767225600,"content":"hello"})");
  record.headers = &headers;
  EXPECT_EQ(decode(record).only().id, "m") << "the event's id, which can't be one, is not needed";
  EXPECT_EQ(headers.reads, 0);
  for (const auto* const lacking :
       {R"({"agent_id":"a","timestamp":1,"content":"hello"})", R"({"id":"m","timestamp":1,"content":"hello"})",
        R"({"id":"m","agent_id":"a","content":"hello"})", R"([{"id":"m","agent_id":"a","content":"hello"}])"}) {
    record.value = lacking;
    EXPECT_EQ(decode(record).only_dead().reason, DeadReason::invalid_field) << lacking;
  }
  EXPECT_EQ(headers.reads, 4);
  record.value = R"([{"content":"one"},{"content":"two"},{"id":"m","agent_id":"a","timestamp":1,"content":"three"}])";
  const auto decoded = decode(record);
  EXPECT_EQ(decoded.dead.size(), 2U) << "each that needs the id";
  EXPECT_EQ(decoded.size(), 1U);
}

TEST(DecoderEvent, IsADeadLetterIfItsDataCannotBeRead) {
  const std::vector<std::pair<std::string, DeadReason>> bad = {
      {R"("data":"text")", DeadReason::wrong_type},
      {R"("data":7)", DeadReason::wrong_type},
      {R"("data":{})", DeadReason::no_content},
      {R"("data_base64":7)", DeadReason::wrong_type},
      {R"("data_base64":"###")", DeadReason::invalid_field},
      {R"("data_base64":"")", DeadReason::empty},
      {R"("data_base64":"eyJ9")", DeadReason::not_json},
      {R"("data_base64":"/////w==")", DeadReason::not_utf8},
      {R"("data_base64":"IngiCg==")", DeadReason::wrong_type},
  };
  for (const auto& [data, reason] : bad) {
    const auto letter = decode(R"({"specversion":"1.0","id":"e-1",)" + data + "}").only_dead();
    EXPECT_EQ(name(letter.reason), name(reason)) << data;
    EXPECT_EQ(letter.message_id, "e-1") << data;
  }
  EXPECT_EQ(decode(R"({"specversion":"1.0","id":[],"data":{"content":"x"}})").only_dead().reason,
            DeadReason::wrong_type);
  EXPECT_EQ(decode(R"({"specversion":"1.0","id":"\n","data":{"content":"x"}})").only_dead().reason,
            DeadReason::invalid_field);
}

TEST(DecoderEvent, IsAFlatMessageWithoutData) {
  EXPECT_EQ(decode(R"({"specversion":"1.0","content":"x"})").only().content, "x");
}

TEST(DecoderMapping, FindsFieldsWhereThePointersSay) {
  Decoder::Options options;
  options.fields = {.messages = "",
                    .id = "/meta/ids/0",
                    .agent_id = "/a~1b",
                    .session_id = "/c~0d",
                    .user_id = "/from/id",
                    .org_id = "/meta/org",
                    .role = "/from/kind",
                    .content = "/body/text",
                    .timestamp = "/meta/at"};
  const auto decoded = decode(R"({"meta":{"ids":["m-1"],"org":"o","at":1000},"a/b":"agent","c~d":"s","content":"no",
      "from":{"id":9,"kind":"bot"},"body":{"text":"yes"},"id":"no"})",
                              options);
  const auto message = decoded.only();
  EXPECT_EQ(message.id, "m-1");
  EXPECT_EQ(message.agent_id, "agent");
  EXPECT_EQ(message.session_id, "s");
  EXPECT_EQ(message.user_id, "9");
  EXPECT_EQ(message.org_id, "o");
  EXPECT_EQ(message.role, Role::assistant);
  EXPECT_EQ(message.content, "yes");
  EXPECT_EQ(message.timestamp_ms, 1'000'000);
}

TEST(DecoderMapping, KeepsTheUsualNamesOfFieldsItDoesNotPlace) {
  Decoder::Options options;
  options.fields.content = "/body";
  const auto decoded = decode(R"({"id":"m","content":"no","body":"yes"})", options);
  EXPECT_EQ(decoded.only().id, "m");
  EXPECT_EQ(decoded.only().content, "yes");
  EXPECT_EQ(decode(R"({"id":"m","content":"no"})", options).only_dead().reason, DeadReason::no_content);
}

TEST(DecoderMapping, StartsAtEachElementOfAMappedList) {
  Decoder::Options options;
  options.fields.messages = "/payload/items";
  options.fields.content = "/body/text";
  options.fields.agent_id = "/bot";
  const auto decoded =
      decode(R"({"bot":"outer","payload":{"items":[{"body":{"text":"one"}},{"bot":"own","body":{"text":"two"}},{}]}})",
             options);
  ASSERT_EQ(decoded.size(), 2U);
  EXPECT_EQ(decoded[0].content, "one");
  EXPECT_EQ(decoded[0].agent_id, "outer") << "what the record says is the default";
  EXPECT_EQ(decoded[1].agent_id, "own");
  EXPECT_EQ(decoded.dead.at(0).position, (Position{41, 2, 3}));
}

TEST(DecoderMapping, TakesARecordAsItIsAndNotAsAnEvent) {
  Decoder::Options options;
  options.fields.content = "/data/body";
  EXPECT_EQ(decode(R"({"specversion":"1.0","id":"e","data":{"body":"x"}})", options).only().content, "x");
}

TEST(DecoderMapping, RefusesWhatIsNoJsonPointer) {
  for (const auto* pointer : {"content", "/a~", "/a~2b", "#/a", "/\xFF"}) {
    Decoder::Options options;
    options.fields.content = pointer;
    ASSERT_FALSE(Decoder::make(options).has_value()) << pointer;
    EXPECT_EQ(Decoder::make(options).error().code, Errc::invalid_config);
  }
  for (const auto& pointer : {std::string{"/"}, std::string{"/a~0b~1c"}, "/" + std::string(1023, 'x')}) {
    Decoder::Options options;
    options.fields.messages = pointer;
    EXPECT_TRUE(Decoder::make(options).has_value()) << pointer;
  }
  Decoder::Options options;
  options.fields.id = "/" + std::string(1024, 'x');
  EXPECT_FALSE(Decoder::make(options).has_value());
}

}  // namespace
}  // namespace alluvium::pipeline
