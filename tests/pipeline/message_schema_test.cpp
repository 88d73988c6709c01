// SPDX-License-Identifier: Apache-2.0
#include "pipeline/message_schema.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/pipeline/decoding.hpp"

namespace alluvium::pipeline {
namespace {

TEST(MessageSchema, IsJsonOfTheDraftItNames) {
  for (const auto schema : {message_schema(), memory_schema()}) {
    simdjson::dom::parser parser;
    const std::string json{schema};
    std::string_view draft;
    ASSERT_EQ(parser.parse(json)["$schema"].get(draft), simdjson::SUCCESS);
    EXPECT_EQ(draft, "https://json-schema.org/draft/2020-12/schema");
  }
}

TEST(MessageSchema, GivesExamplesThatTheDecoderTakes) {
  simdjson::dom::parser parser;
  const std::string json{message_schema()};
  simdjson::dom::array examples;
  ASSERT_EQ(parser.parse(json).at_pointer("/$defs/message/examples").get(examples), simdjson::SUCCESS);
  std::size_t count = 0;
  for (const auto& example : examples) {
    EXPECT_EQ(decode(simdjson::minify(example)).size(), 1U);
    ++count;
  }
  EXPECT_EQ(count, 2U);
}

TEST(MessageSchema, NamesEveryFieldThatTheDecoderReads) {
  for (const auto* field : {"id",
                            "agent_id",
                            "agentId",
                            "session_id",
                            "sessionId",
                            "conversation_id",
                            "conversationId",
                            "user_id",
                            "userId",
                            "org_id",
                            "orgId",
                            "role",
                            "content",
                            "text",
                            "timestamp",
                            "created_at",
                            "createdAt",
                            "messages",
                            "specversion",
                            "data",
                            "data_base64",
                            "subject"}) {
    EXPECT_NE(message_schema().find("\"" + std::string{field} + "\": {"), std::string_view::npos) << field;
  }
}

}  // namespace
}  // namespace alluvium::pipeline
