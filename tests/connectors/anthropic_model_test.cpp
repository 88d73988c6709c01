// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/connectors/model_fixture.hpp"

namespace alluvium::connectors {
namespace {

using namespace std::chrono_literals;
using pipeline::ModelReply;
using pipeline::ReplyClass;
using pipeline::TokenUsage;

constexpr auto* messages = "POST /v1/messages";

EndpointOptions options_of(const std::string& base_url) {
  EndpointOptions options;
  options.api = "anthropic";
  options.base_url = base_url;
  options.model = "small-1";
  return options;
}

ModelReply reply_to(const Said& said) {
  const ModelServer server{{{messages, said}}};
  return ask(*model_of(options_of(server.url(""))));
}
ModelReply reply_to(const std::string& body) {
  return reply_to(Said{200, body, ""});
}

TEST(AnthropicModel, WritesTheBodyThatTheApiWants) {
  auto options = options_of("http://127.0.0.1:1");
  const std::string start =
      R"({"model":"small-1","max_tokens":300,"temperature":0.3,)"
      R"("system":[{"type":"text","text":"Find \"memories\".","cache_control":{"type":"ephemeral"}}],)"
      R"("messages":[{"role":"user","content":"#1 user: héllo\n"}])";
  EXPECT_EQ(model_of(options)->body(prompt()),
            start + R"(,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}})");
  options.response_format = "json_object";
  EXPECT_EQ(model_of(options)->body(prompt()), start + "}");
  options.response_format = "none";
  options.api_key = "secret";
  EXPECT_EQ(model_of(options)->body(prompt()), start + "}");
}

TEST(AnthropicModel, TakesAVersionAtTheEndOfTheUrlAsSaid) {
  for (const auto* base : {"", "/", "/v1", "/v1/"}) {
    ModelServer server{{{messages, {200, "{}", ""}}}};
    const auto model = model_of(options_of(server.url(base)));
    EXPECT_EQ(model->url(), server.url("/v1/messages"));
    EXPECT_EQ(ask(*model).status, 200) << base;
  }
  EXPECT_EQ(model_of(options_of("http://127.0.0.1:1/anthropic"))->url(), "http://127.0.0.1:1/anthropic/v1/messages");
}

TEST(AnthropicModel, SendsKeyAndVersionInHeaders) {
  ModelServer server{{{messages, {200, "{}", ""}}}};
  auto options = options_of(server.url());
  ask(*model_of(options));
  options.api_key = "secret";
  options.anthropic_version = "2026-10-21";
  ask(*model_of(options));
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].head.find("x-api-key"), std::string::npos);
  EXPECT_NE(asked[0].head.find("\r\nanthropic-version: 2023-06-01\r\n"), std::string::npos);
  EXPECT_NE(asked[1].head.find("\r\nx-api-key: secret\r\n"), std::string::npos);
  EXPECT_NE(asked[1].head.find("\r\nanthropic-version: 2026-10-21\r\n"), std::string::npos);
  EXPECT_EQ(asked[1].head.find("Authorization"), std::string::npos);
}

TEST(AnthropicModel, ReadsAnAnswerAndCountsAllThatWentIn) {
  const auto reply = reply_to(
      {200,
       R"({"id":"msg_1","type":"message","role":"assistant","content":[{"type":"thinking","thinking":"hm","text":"no"},)"
       R"({"type":"text","text":"{\"memories\""},{"type":"text","text":":[]}"}],"stop_reason":"end_turn",)"
       R"("usage":{"input_tokens":10,"output_tokens":20,"cache_creation_input_tokens":30,"cache_read_input_tokens":40}})",
       "request-id: req_1\r\n"});
  EXPECT_TRUE(reply.readable);
  EXPECT_EQ(reply.text, R"({"memories":[]})");
  EXPECT_EQ(reply.finish, "stop");
  EXPECT_EQ(reply.usage, (TokenUsage{80, 20, 40, 30}));
  EXPECT_EQ(reply.request_id, "req_1");
  EXPECT_EQ(classify(reply), ReplyClass::answered);
  EXPECT_EQ(
      reply_to(R"({"content":[],"usage":{"input_tokens":3,"output_tokens":1,"cache_creation_input_tokens":null}})")
          .usage,
      (TokenUsage{3, 1, 0, 0}));
}

TEST(AnthropicModel, NamesWhyAnAnswerEndsInCommonWords) {
  for (const auto& [stop_reason, finish] : std::vector<std::pair<std::string, std::string>>{
           {"end_turn", "stop"},
           {"stop_sequence", "stop"},
           {"max_tokens", "length"},
           {"model_context_window_exceeded", "length"},
           {"refusal", "refusal"},
           {"pause_turn", "pause_turn"},
       }) {
    const auto reply = reply_to(R"({"content":[{"type":"text","text":"a"}],"stop_reason":")" + stop_reason + R"("})");
    EXPECT_EQ(reply.finish, finish);
  }
  EXPECT_EQ(reply_to(R"({"content":[{"type":"text","text":"a"}],"stop_reason":null})").finish, "");
}

TEST(AnthropicModel, ReadsNoAnswerOutOfWhatIsNone) {
  for (const auto* body : {"", "{}", "[]", R"({"content":"text"})", R"({"content":null})", "<html></html>"}) {
    const auto reply = reply_to(body);
    EXPECT_FALSE(reply.readable) << body;
    EXPECT_EQ(classify(reply), ReplyClass::ask_again) << body;
  }
  const auto odd = reply_to(R"({"content":[7,null,{"type":"text"},{"type":"text","text":7},{"text":"a"}]})");
  EXPECT_EQ(odd.text, "");
  EXPECT_EQ(classify(odd), ReplyClass::ask_again);
}

TEST(AnthropicModel, ReadsErrors) {
  const auto overloaded = reply_to(
      {529, R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"})", ""});
  EXPECT_EQ(overloaded.error_type, "overloaded_error");
  EXPECT_EQ(overloaded.error_message, "Overloaded");
  EXPECT_EQ(classify(overloaded), ReplyClass::retry);
  EXPECT_TRUE(is_overload(overloaded));
  const auto billing =
      reply_to({400, R"({"type":"error","error":{"type":"billing_error","message":"No credit"}})", ""});
  EXPECT_EQ(classify(billing), ReplyClass::blocked);
}

TEST(AnthropicModel, ReadsWhenASpentLimitIsFilledAgain) {
  const auto reply = reply_to({429, "{}",
                               "anthropic-ratelimit-requests-remaining: 0\r\n"
                               "anthropic-ratelimit-requests-reset: 2026-01-01T00:00:20Z\r\n"
                               "anthropic-ratelimit-output-tokens-remaining: 0\r\n"
                               "anthropic-ratelimit-output-tokens-reset: 2026-01-01T00:00:30Z\r\n"
                               "anthropic-ratelimit-input-tokens-remaining: 5\r\n"
                               "anthropic-ratelimit-input-tokens-reset: 2026-01-01T00:01:00Z\r\n"
                               "retry-after: 4\r\n"});
  EXPECT_EQ(reply.limit_reset, 30s);
  EXPECT_EQ(reply.retry_after, 4s);
}

}  // namespace
}  // namespace alluvium::connectors
