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

TEST(MemoryJson, NamesModelAndPromptOnlyIfAModelMadeIt) {
  connectors::MemoryRow memory;
  EXPECT_THAT(memory_json(memory), Not(HasSubstr("model\"")));
  memory.model = "tiny";
  memory.prompt_id = "cafe";
  memory.connections = R"([{"memory_id":"mem_1","type":"related"}])";
  EXPECT_THAT(
      memory_json(memory),
      HasSubstr(R"("connections":[{"memory_id":"mem_1","type":"related"}],"model":"tiny","prompt_id":"cafe"})"));
}

connectors::CallSums answered(std::string tier, std::int64_t memories, std::optional<pipeline::Money> cost) {
  connectors::CallSums sums;
  sums.tier = std::move(tier);
  sums.outcome = "answered";
  sums.calls = 1;
  sums.prompt_tokens = 100;
  sums.completion_tokens = 20;
  sums.memories = memories;
  sums.cost = cost;
  return sums;
}

TEST(BatchJson, SaysWhichModelsFoundSomethingAndWhatItCostExactly) {
  auto batch = some_batch();
  batch.memories = 3;
  batch.calls = {answered("small", 2, pipeline::Money{52'500'001})};
  EXPECT_THAT(batch_json(batch),
              HasSubstr(R"("extraction_methods":["rules","small_model"],)"
                        R"("tokens_used":{"prompt":100,"completion":20},"cost_usd":0.000052500001,)"));
  batch.calls.push_back(answered("premium", 1, pipeline::Money{1}));
  EXPECT_THAT(batch_json(batch),
              HasSubstr(R"("extraction_methods":["small_model","premium_model"],)"
                        R"("tokens_used":{"prompt":200,"completion":40},"cost_usd":0.000052500002,)"));
  batch.calls.push_back(answered("small", 0, std::nullopt));
  EXPECT_THAT(batch_json(batch), HasSubstr(R"("cost_usd":null)"));
}

TEST(BatchJson, AModelThatFoundNothingIsNoMethod) {
  auto batch = some_batch();
  batch.calls = {answered("small", 0, pipeline::Money{7})};
  EXPECT_THAT(batch_json(batch), HasSubstr(R"("extraction_methods":["rules"],)"));
}

TEST(BatchJson, CountsCallsWithoutAReplyOnlyIfThereAreAny) {
  auto batch = some_batch();
  EXPECT_THAT(batch_json(batch), Not(HasSubstr("possibly_paid")));
  batch.calls = {answered("small", 0, pipeline::Money{0})};
  batch.calls[0].outcome = "possibly_paid";
  EXPECT_THAT(batch_json(batch), HasSubstr(R"("possibly_paid_calls":1)"));
}

TEST(BatchJson, SaysWhyARequestWaitsAndShowsRequestsOnlyIfAsked) {
  auto batch = some_batch();
  batch.outcome = "error";
  batch.memories = 0;
  connectors::RequestRow request;
  request.tier = "small";
  request.mode = "call";
  request.state = "queued";
  request.messages = 2;
  batch.requests = {request};
  EXPECT_THAT(batch_json(batch), HasSubstr(R"("error":null)")) << "it only waits for its turn";
  request.state = "degraded";
  request.attempts = 4;
  request.due_ms = 1000;
  request.created_ms = 500;
  request.reason = "HTTP 503";
  batch.requests = {request};
  EXPECT_THAT(batch_json(batch), HasSubstr(R"("extraction_methods":["error"])"));
  EXPECT_THAT(batch_json(batch), HasSubstr(R"("error":"HTTP 503")"));
  EXPECT_THAT(batch_json(batch), Not(HasSubstr("requests")));
  EXPECT_THAT(batch_json(batch, true),
              HasSubstr(R"("requests":[{"tier":"small","mode":"call","state":"degraded","attempts":4,"messages":2,)"
                        R"("due":"1970-01-01T00:00:01.000Z","since":"1970-01-01T00:00:00.500Z",)"
                        R"("reason":"HTTP 503"}]})"));
}

TEST(UsageOf, CountsOneTierOrAllAndNoCallForACachedAnswer) {
  std::vector<connectors::CallSums> calls = {answered("small", 1, pipeline::Money{2}),
                                             answered("premium", 1, std::nullopt)};
  calls.push_back(answered("small", 1, pipeline::Money{0}));
  calls.back().outcome = "cached";
  calls.back().prompt_tokens = calls.back().completion_tokens = 0;
  EXPECT_EQ(usage_of(calls, "small").calls, 1);
  EXPECT_EQ(usage_of(calls, "small").prompt_tokens, 100);
  EXPECT_EQ(usage_of(calls, "small").cost, pipeline::Money{2});
  EXPECT_EQ(usage_of(calls).cost, std::nullopt);
  EXPECT_EQ(usage_of(calls).prompt_tokens, 200);
  EXPECT_EQ(usage_of({}).cost, pipeline::Money{0});
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
