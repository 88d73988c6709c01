// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_wire.hpp"

#include <gtest/gtest.h>

namespace alluvium::connectors {
namespace {

using Api = StubApi;

std::string refusal(Api api, std::string_view body) {
  const auto call = read_stub_call(api, body);
  return call ? "" : call.error().message;
}

TEST(StubWire, ReadsAChatCall) {
  const auto call = read_stub_call(
      Api::openai, R"({"model":"gpt","max_completion_tokens":9,"messages":[{"role":"system","content":"12345"},)"
                   R"({"role":"user","content":[{"type":"text","text":"1234"}]}]})");
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->model, "gpt");
  EXPECT_EQ(call->prompt, "1234");
  EXPECT_EQ(call->prompt_tokens, 3);
  EXPECT_EQ(call->max_tokens, 9);
  EXPECT_FALSE(call->wants_connections);
}

TEST(StubWire, ReadsAMessagesCallWithItsSystemBlocks) {
  const auto call = read_stub_call(Api::anthropic,
                                   R"({"model":"c","max_tokens":5,"system":[{"type":"text","text":"\"connections\""}],)"
                                   R"("messages":[{"role":"user","content":"1234"}]})");
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->prompt_tokens, 5);
  EXPECT_TRUE(call->wants_connections);
}

TEST(StubWire, ASchemaWithConnectionsAsksForThem) {
  const auto call = read_stub_call(
      Api::openai, R"({"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema",)"
                   R"("json_schema":{"name":"a","schema":{"properties":{"connections":{}}}}}})");
  ASSERT_TRUE(call.has_value());
  EXPECT_TRUE(call->wants_connections);
}

TEST(StubWire, RefusesWhatTheProvidersRefuse) {
  EXPECT_NE(refusal(Api::openai, ""), "");
  EXPECT_NE(refusal(Api::openai, "{"), "");
  EXPECT_NE(refusal(Api::openai, R"({"messages":[{"role":"user","content":"x"}]})").find("model"), std::string::npos);
  EXPECT_NE(refusal(Api::openai, R"({"model":"m","messages":[]})").find("messages"), std::string::npos);
  constexpr auto user = R"("messages":[{"role":"user","content":"x"}])";
  const auto with = [&](Api api, const std::string& rest) {
    return refusal(api, R"({"model":"m",)" + rest + user + "}");
  };
  EXPECT_EQ(with(Api::openai, ""), "");
  EXPECT_NE(with(Api::anthropic, "").find("max_tokens"), std::string::npos);
  EXPECT_EQ(with(Api::anthropic, R"("max_tokens":1,)"), "");
  EXPECT_NE(with(Api::anthropic, R"("max_tokens":0,)"), with(Api::anthropic, R"("max_tokens":1,)"));
  EXPECT_NE(with(Api::anthropic, R"("max_tokens":1,"response_format":{"type":"json_object"},)"), "");
  EXPECT_EQ(with(Api::openai, R"("temperature":2,)"), "");
  EXPECT_NE(with(Api::openai, R"("temperature":2.1,)"), "");
  EXPECT_NE(with(Api::anthropic, R"("max_tokens":1,"temperature":1.1,)"), "");
  EXPECT_NE(with(Api::openai, R"("response_format":{"type":"json_object"},)").find("json"), std::string::npos);
  EXPECT_NE(with(Api::openai, R"("response_format":{"type":"json_schema","json_schema":{"name":"a b","schema":{}}},)"),
            "");
  EXPECT_NE(with(Api::openai, R"("stream":true,)").find("stream"), std::string::npos);
  EXPECT_NE(refusal(Api::anthropic, R"({"model":"m","max_tokens":1,"messages":[{"role":"system","content":"x"}]})")
                .find("role"),
            std::string::npos);
}

TEST(StubWire, AChatReplyHasTheUsageAndSaysWhatItIs) {
  const StubCall call{Api::openai, "gpt", "", 7, 0, false, 255};
  EXPECT_EQ(
      stub_reply_body(call, {"12345", StubSaid::End::length}, 1'700'000'000'999),
      R"({"id":"chatcmpl-00000000000000ff","object":"chat.completion","created":1700000000,"model":"gpt","choices":[)"
      R"({"index":0,"message":{"role":"assistant","content":"12345","refusal":null,"annotations":[]},"logprobs":null,)"
      R"("finish_reason":"length"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,)"
      R"("prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{)"
      R"("reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},)"
      R"x("service_tier":"default","system_fingerprint":"alluvium-stub-model (simulation)"})x");
}

TEST(StubWire, AMessageHasTheUsageAndSaysWhatItIs) {
  const StubCall call{Api::anthropic, "claude", "", 7, 0, false, 255};
  EXPECT_EQ(stub_reply_body(call, {"12345", StubSaid::End::whole}, 0),
            R"({"id":"msg_00000000000000ff","type":"message","role":"assistant","model":"claude",)"
            R"x("system_fingerprint":"alluvium-stub-model (simulation)","content":[{"type":"text","text":"12345"}],)x"
            R"("stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":7,)"
            R"("cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{)"
            R"("ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":2,)"
            R"("service_tier":"standard"}})");
}

TEST(StubWire, ARefusalHasNoContent) {
  EXPECT_NE(stub_reply_body({Api::openai, "m", "", 1, 0, false, 1}, {"no", StubSaid::End::refusal}, 0)
                .find(R"("content":null,"refusal":"no")"),
            std::string::npos);
  EXPECT_NE(stub_reply_body({Api::anthropic, "m", "", 1, 0, false, 1}, {"no", StubSaid::End::refusal}, 0)
                .find(R"("content":[],"stop_reason":"refusal")"),
            std::string::npos);
}

TEST(StubWire, ErrorsHaveTheWordsOfTheirApi) {
  EXPECT_EQ(
      stub_error_body(Api::openai, {429, {}, {}, {}}, "r"),
      R"({"error":{"message":"Rate limit reached.","type":"requests","param":null,"code":"rate_limit_exceeded"}})");
  EXPECT_EQ(stub_error_body(Api::anthropic, {529, "Busy.", {}, {}}, "r"),
            R"({"type":"error","error":{"type":"overloaded_error","message":"Busy."},"request_id":"r"})");
  EXPECT_NE(
      stub_error_body(Api::openai, {429, {}, "insufficient_quota", {}}, "").find(R"("type":"insufficient_quota")"),
      std::string::npos);
}

TEST(StubWire, HttpDates) {
  EXPECT_EQ(stub_http_date(784'111'777'000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(stub_http_date(784'111'777'999), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace alluvium::connectors
