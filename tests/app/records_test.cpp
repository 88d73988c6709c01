// SPDX-License-Identifier: Apache-2.0
#include "app/records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alluvium::app {
namespace {

using pipeline::Outcome;
using testing::HasSubstr;
using testing::Not;

connectors::BatchRow some_batch() {
  connectors::BatchRow batch;
  batch.id = "batch_1767225600000_k3x9q";
  batch.agent_id = "agent-42";
  batch.topic = "chat";
  batch.partition = 3;
  batch.outcome = "extracted";
  batch.message_ids = {"m-1", "m-2"};
  batch.outcomes = {Outcome::extracted, Outcome::noise};
  batch.positions = {{.offset = 10}, {.offset = 11}};
  batch.started_ms = 1'767'225'600'000;
  batch.ended_ms = 1'767'225'600'005;
  batch.memories = 1;
  return batch;
}

TEST(MemoryJson, HasTheFieldsOfTheContractInItsOrder) {
  connectors::MemoryRow memory;
  memory.id = "mem_1";
  memory.agent_id = "agent-42";
  memory.session_id = "s-7";
  memory.user_id = "u-9";
  memory.content = "login \"failed\"";
  memory.type = "episodic";
  memory.method = "rules";
  memory.rule_id = "account-issues";
  memory.batch_id = "batch_1";
  memory.created_at = "2026-01-01T00:00:00.000Z";
  memory.importance = 0.9;
  memory.keywords = {"account"};
  memory.source_message_ids = {"m-1"};
  EXPECT_EQ(memory_json(memory),
            R"({"id":"mem_1","agent_id":"agent-42","session_id":"s-7","user_id":"u-9","content":"login \"failed\"",)"
            R"("type":"episodic","importance":0.9,"keywords":["account"],"extraction_method":"rules",)"
            R"("rule_id":"account-issues","batch_id":"batch_1","source_message_ids":["m-1"],)"
            R"("created_at":"2026-01-01T00:00:00.000Z","connections":[]})");
}

TEST(BatchJson, HasTheFieldsOfTheContractInItsOrder) {
  EXPECT_EQ(batch_json(some_batch()),
            R"({"batch_id":"batch_1767225600000_k3x9q","agent_id":"agent-42","source_message_ids":["m-1","m-2"],)"
            R"("outcome":"extracted","processing_stats":{"start_time":"2026-01-01T00:00:00.000Z",)"
            R"("end_time":"2026-01-01T00:00:00.005Z","messages_processed":2,"messages_filtered":1,)"
            R"("memories_created":1,"extraction_methods":["rules"],"tokens_used":{"prompt":0,"completion":0},)"
            R"("cost_usd":0,"error":null},"topic":"chat","partition":3,"outcomes":["extracted","noise"]})");
}

TEST(BatchJson, ListsOnlyMethodsThatYieldedAMemory) {
  auto batch = some_batch();
  batch.memories = 0;
  EXPECT_THAT(batch_json(batch), HasSubstr(R"("extraction_methods":[])"));
  batch.outcome = "skipped";
  EXPECT_THAT(batch_json(batch), HasSubstr(R"("extraction_methods":["skipped"])"));
}

TEST(DeadLetterJson, KeepsTextAsTextAndOtherBytesBesides) {
  connectors::DeadLetterRow row;
  row.letter.payload = "{\"content\": 1}";
  EXPECT_THAT(dead_letter_json(row), HasSubstr(R"("payload":"{\"content\": 1}")"));
  EXPECT_THAT(dead_letter_json(row), Not(HasSubstr("payload_base64")));
  row.letter.payload = "\xFF\xFE\x01";
  EXPECT_THAT(dead_letter_json(row), HasSubstr(R"("payload_base64":"//4B")"));
  row.letter.payload = "\xFF\xFE";
  EXPECT_THAT(dead_letter_json(row), HasSubstr(R"("payload_base64":"//4=")"));
  row.letter.payload = "\xFF";
  EXPECT_THAT(dead_letter_json(row), HasSubstr(R"("payload_base64":"/w==")"));
}

TEST(Place, NamesTheMessageOfABundle) {
  EXPECT_EQ(place("chat", 2, {.offset = 7}), "chat/2/7");
  EXPECT_EQ(place("chat", 2, {.offset = 7, .index = 0, .count = 2}), "chat/2/7/0");
}

}  // namespace
}  // namespace alluvium::app
