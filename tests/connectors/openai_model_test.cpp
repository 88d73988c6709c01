// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "connectors/model_wire.hpp"
#include "tests/connectors/model_fixture.hpp"

namespace alluvium::connectors {
namespace {

using namespace std::chrono_literals;
using pipeline::ModelReply;
using pipeline::ReplyClass;
using pipeline::TokenUsage;

constexpr auto* chat = "POST /v1/chat/completions";

EndpointOptions options_of(const std::string& base_url) {
  EndpointOptions options;
  options.base_url = base_url;
  options.model = "small-1";
  return options;
}

ModelReply reply_to(const Said& said) {
  const ModelServer server{{{chat, said}}};
  return ask(*model_of(options_of(server.url())));
}
ModelReply reply_to(const std::string& body) {
  return reply_to(Said{200, body, ""});
}

TEST(OpenAiModel, WritesTheBodyThatTheApiWants) {
  auto options = options_of("http://127.0.0.1:1/v1");
  EXPECT_EQ(model_of(options)->body(prompt()),
            R"({"model":"small-1","max_tokens":300,"temperature":0.3,"messages":[)"
            R"({"role":"system","content":"Find \"memories\"."},{"role":"user","content":"#1 user: héllo\n"}],)"
            R"("response_format":{"type":"json_schema","json_schema":{"name":"memories","strict":true,)"
            R"("schema":{"type":"object"}}}})");
  options.response_format = "json_object";
  options.max_tokens_field = "max_completion_tokens";
  EXPECT_EQ(model_of(options)->body(prompt()),
            R"({"model":"small-1","max_completion_tokens":300,"temperature":0.3,"messages":[)"
            R"({"role":"system","content":"Find \"memories\"."},{"role":"user","content":"#1 user: héllo\n"}],)"
            R"("response_format":{"type":"json_object"}})");
  options.response_format = "none";
  EXPECT_EQ(model_of(options)->body(prompt()).find("response_format"), std::string::npos);
}

TEST(OpenAiModel, WritesTheSameBodyForTheSamePromptWhateverTheKey) {
  auto options = options_of("http://127.0.0.1:1/v1");
  const auto without = model_of(options);
  options.api_key = "sk-secret";
  const auto with = model_of(options);
  EXPECT_TRUE(rc::check("no key, no date, no chance in it", [&](const std::string& messages) {
    auto asked = prompt();
    asked.messages = messages;
    const auto body = with->body(asked);
    RC_ASSERT(body == without->body(asked));
    RC_ASSERT(body.find('\n') == std::string::npos);
  }));
}

TEST(OpenAiModel, SendsTheBodyAsItIsWithTheKeyInTheHeaderOnly) {
  ModelServer server{{{chat, {200, "{}", ""}}}};
  auto options = options_of(server.url("/v1/"));
  options.api_key = "sk-secret";
  const auto model = model_of(options);
  EXPECT_EQ(model->url(), server.url("/v1/chat/completions"));
  EXPECT_EQ(model->model_name(), "small-1");
  ask(*model, "exactly this");
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].body, "exactly this");
  EXPECT_NE(asked[0].head.find("\r\nAuthorization: Bearer sk-secret\r\n"), std::string::npos);
  EXPECT_NE(asked[0].head.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
}

TEST(OpenAiModel, SendsNoKeyWhereThereIsNone) {
  ModelServer server{{{chat, {200, "{}", ""}}}};
  ask(*model_of(options_of(server.url())));
  EXPECT_EQ(server.asked().at(0).head.find("Authorization"), std::string::npos);
}

TEST(OpenAiModel, ReadsAnAnswer) {
  const auto reply = reply_to(
      {200,
       R"({"id":"c1","object":"chat.completion","model":"small-1","choices":[{"index":0,"finish_reason":"stop",)"
       R"("message":{"role":"assistant","content":"{\"memories\":[]}","refusal":null}}],)"
       R"("usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,)"
       R"("prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":8}}})",
       "x-request-id: req-1\r\n"});
  EXPECT_TRUE(reply.readable);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text, R"({"memories":[]})");
  EXPECT_EQ(reply.finish, "stop");
  EXPECT_EQ(reply.usage, (TokenUsage{100, 20, 64, 8}));
  EXPECT_EQ(reply.request_id, "req-1");
  EXPECT_EQ(classify(reply), ReplyClass::answered);
}

TEST(OpenAiModel, ReadsAnAnswerWithoutUsageDetails) {
  const auto plain = R"({"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}})";
  EXPECT_EQ(reply_to(plain).usage, (TokenUsage{5, 1, 0, 0}));
  EXPECT_EQ(reply_to(R"({"choices":[{"message":{"content":"a"}}],"usage":null})").usage, std::nullopt);
  EXPECT_EQ(reply_to(R"({"choices":[{"message":{"content":"a"}}]})").finish, "");
}

TEST(OpenAiModel, BelievesNoUsageThatCanNotBe) {
  for (const auto* usage : {R"({"prompt_tokens":-1})", R"({"prompt_tokens":"5"})", R"({"prompt_tokens":1e300})",
                            R"({"prompt_tokens":18446744073709551615})", R"({"completion_tokens":1})", "[]", "7"}) {
    const auto reply = reply_to(std::string{R"({"choices":[{"message":{"content":"a"}}],"usage":)"} + usage + "}");
    EXPECT_TRUE(reply.readable) << usage;
    EXPECT_EQ(reply.usage, std::nullopt) << usage;
  }
  const auto reply = reply_to(
      R"({"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":9}}})");
  EXPECT_EQ(reply.usage, (TokenUsage{5, 0, 5, 0}));
}

TEST(OpenAiModel, JoinsTheTextPartsOfAListOfContent) {
  const auto reply =
      reply_to(R"({"choices":[{"message":{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"},)"
               R"({"type":"text","text":"b"}]}}]})");
  EXPECT_EQ(reply.text, "ab");
}

TEST(OpenAiModel, TellsARefusalAndACutOffAnswerFromAnAnswer) {
  const auto refusal =
      reply_to(R"({"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"I can't."}}]})");
  EXPECT_EQ(refusal.finish, "refusal");
  EXPECT_EQ(refusal.text, "");
  EXPECT_EQ(classify(refusal), ReplyClass::ask_again);
  const auto cut = reply_to(R"({"choices":[{"finish_reason":"length","message":{"content":null}}],)"
                            R"("usage":{"prompt_tokens":5,"completion_tokens":300}})");
  EXPECT_EQ(cut.finish, "length");
  EXPECT_EQ(cut.usage, (TokenUsage{5, 300, 0, 0}));
  EXPECT_EQ(classify(cut), ReplyClass::cut_off);
}

TEST(OpenAiModel, ReadsNoAnswerOutOfWhatIsNone) {
  for (const auto* body :
       {"", " ", "null", "[]", "{}", "42", "\"text\"", "<html>502</html>", "{\"choices\":", R"({"choices":[]})",
        R"({"choices":{}})", R"({"choices":[7]})", R"({"choices":[{"message":null}]})",
        R"({"choices":[{"message":"text"}]})", R"({"choices":[{"message":{"content":7}}]})",
        R"({"choices":[{"message":{"content":{"text":"a"}}}]})", "\xFF\xFE{}"}) {
    const auto reply = reply_to(body);
    EXPECT_FALSE(reply.readable) << body;
    EXPECT_EQ(reply.text, "") << body;
    EXPECT_EQ(classify(reply), ReplyClass::ask_again) << body;
  }
}

TEST(OpenAiModel, ReadsTheErrorsOfEveryServer) {
  struct Case {
    int status;
    const char *body, *type, *code, *message;
    ReplyClass what;
  };
  for (const auto& want : std::vector<Case>{
           {401,
            R"({"error":{"message":"bad key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})",
            "invalid_request_error", "invalid_api_key", "bad key", ReplyClass::blocked},
           {429,
            R"({"error":{"message":"no money","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})",
            "insufficient_quota", "insufficient_quota", "no money", ReplyClass::blocked},
           {503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})", "unavailable_error",
            "503", "Loading model", ReplyClass::retry},
           {400, R"({"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400})",
            "BadRequestError", "400", "too long", ReplyClass::bisect},
           {404, R"({"error":"model not found"})", "", "", "model not found", ReplyClass::blocked},
           {422, R"({"detail":[{"loc":["body"],"msg":"field required"}]})", "", "", "", ReplyClass::bisect},
           {422, R"({"detail":"no such field"})", "", "", "no such field", ReplyClass::bisect},
           {502, "<html><body>Bad Gateway</body></html>", "", "", "", ReplyClass::retry},
           {500, "\x01\x02 garbage", "", "", "", ReplyClass::retry},
           {500, "", "", "", "", ReplyClass::retry},
           {500, R"({"error":null})", "", "", "", ReplyClass::retry},
           {500, R"({"error":{"message":7,"type":[],"code":{}}})", "", "", "", ReplyClass::retry},
           {500, "[]", "", "", "", ReplyClass::retry},
           {500, "[[[[]]]]", "", "", "", ReplyClass::retry},
       }) {
    const auto reply = reply_to({want.status, want.body, ""});
    EXPECT_EQ(reply.status, want.status) << want.body;
    EXPECT_EQ(reply.error_type, want.type) << want.body;
    EXPECT_EQ(reply.error_code, want.code) << want.body;
    EXPECT_EQ(reply.error_message, want.message) << want.body;
    EXPECT_EQ(classify(reply), want.what) << want.body;
  }
}

TEST(OpenAiModel, ReadsGeminisWaitAndQuotaOutOfTheBody) {
  const std::string error =
      R"({"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[)"
      R"({"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinute"}]},)"
      R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"22s"}]}})";
  for (const auto& body : {error, "[" + error + "]"}) {
    const auto reply = reply_to({429, body, ""});
    EXPECT_EQ(reply.error_type, "RESOURCE_EXHAUSTED");
    EXPECT_EQ(reply.error_code, "429");
    EXPECT_EQ(reply.error_message, "Quota exceeded (quota GenerateRequestsPerMinute)");
    EXPECT_EQ(reply.retry_after, 22s);
    EXPECT_EQ(classify(reply), ReplyClass::retry);
  }
  auto per_day = error;
  per_day.replace(per_day.find("PerMinute"), 9, "PerDay");
  EXPECT_EQ(classify(reply_to({429, per_day, ""})), ReplyClass::blocked);
  EXPECT_EQ(reply_to({429, error, "Retry-After: 3\r\n"}).retry_after, 3s);
}

TEST(OpenAiModel, ReadsHowLongToWait) {
  const auto after = [](const std::string& headers) { return reply_to({429, "{}", headers}).retry_after; };
  EXPECT_EQ(after(""), std::nullopt);
  EXPECT_EQ(after("Retry-After: 7\r\n"), 7s);
  EXPECT_EQ(after("Retry-After: 7\r\nretry-after-ms: 1500.5\r\n"), 1501ms);
  EXPECT_EQ(after("Retry-After: 7\r\nretry-after-ms: soon\r\n"), 7s);
  EXPECT_EQ(after("Retry-After: 7\r\nretry-after-ms: -1\r\n"), 7s);
  EXPECT_EQ(after("retry-after-ms: nan\r\n"), std::nullopt);
  EXPECT_EQ(after("retry-after-ms: 1e30\r\n"), 24h);
  EXPECT_EQ(after("Retry-After: Thu, 01 Jan 2026 00:01:00 GMT\r\n"), 60s);
}

TEST(OpenAiModel, ReadsWhetherToRetry) {
  EXPECT_EQ(reply_to({500, "{}", "x-should-retry: false\r\n"}).should_retry, false);
  EXPECT_EQ(reply_to({500, "{}", "x-should-retry: true\r\n"}).should_retry, true);
  EXPECT_EQ(reply_to({500, "{}", "x-should-retry: maybe\r\n"}).should_retry, std::nullopt);
}

TEST(OpenAiModel, ReadsWhenASpentLimitIsFilledAgain) {
  const auto reset = [](const std::string& headers) { return reply_to({200, "{}", headers}).limit_reset; };
  const std::string requests = "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 12ms\r\n";
  EXPECT_EQ(reset(requests), 12ms);
  EXPECT_EQ(reset(requests + "x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 6m0s\r\n"), 6min);
  EXPECT_EQ(reset("x-ratelimit-remaining-tokens: 1\r\nx-ratelimit-reset-tokens: 6m0s\r\n"), std::nullopt);
  EXPECT_EQ(reset("x-ratelimit-reset-tokens: 6m0s\r\n"), std::nullopt);
}

TEST(OpenAiModel, KeepsNoMoreOfAnErrorThanItNeeds) {
  std::string message;
  while (message.size() < 2 * error_bytes_max) {
    message += "\u00e9";
  }
  const auto reply = reply_to({400, R"({"error":{"message":")" + message + R"("}})", ""});
  EXPECT_EQ(reply.error_message, message.substr(0, error_bytes_max));
  EXPECT_EQ(clipped("aé", 2), "a");
  EXPECT_EQ(clipped("aé", 3), "aé");
}

TEST(OpenAiModel, SaysHowFarACallWentThatHasNoReply) {
  const auto refused = ask(*model_of(options_of("http://127.0.0.1:" + std::to_string(tests::closed_port()) + "/v1")));
  EXPECT_EQ(refused.transport, ModelReply::Transport::not_sent);
  EXPECT_NE(refused.error_message, "");
  const auto lost = reply_to({0, "", ""});
  EXPECT_EQ(lost.transport, ModelReply::Transport::lost);
  EXPECT_EQ(lost.status, 0);
}

TEST(OpenAiModel, CanNotReadAReplyThatIsTooLong) {
  const ModelServer server{{{chat, {200, std::string(1000, ' ') + "{}", ""}}}};
  auto options = options_of(server.url());
  options.http.response_bytes_max = 100;
  const auto reply = ask(*model_of(options));
  EXPECT_EQ(reply.transport, ModelReply::Transport::answered);
  EXPECT_FALSE(reply.readable);
  EXPECT_EQ(classify(reply), ReplyClass::ask_again);
}

TEST(OpenAiModel, IsRefusedWithOptionsThatCanNotWork) {
  const auto refuses = [](const std::function<void(EndpointOptions&)>& change) {
    auto options = options_of("https://api.example.com/v1");
    options.api_key = "sk-secret";
    change(options);
    const auto model = make_model(options, stopped_clock);
    return !model && model.error().code == pipeline::Errc::invalid_config &&
           model.error().detail.find("sk-secret") == std::string::npos && !make_batch_api(options, stopped_clock);
  };
  EXPECT_FALSE(refuses([](EndpointOptions&) {}));
  EXPECT_TRUE(refuses([](EndpointOptions& options) { options.api = "soap"; }));
  EXPECT_TRUE(refuses([](EndpointOptions& options) { options.base_url = "api.example.com"; }));
  EXPECT_TRUE(refuses([](EndpointOptions& options) { options.model = ""; }));
  EXPECT_TRUE(refuses([](EndpointOptions& options) { options.api_key = "sk-secret\n"; }));
  EXPECT_TRUE(refuses([](EndpointOptions& options) { options.max_tokens_field = "tokens"; }));
  EXPECT_TRUE(refuses([](EndpointOptions& options) { options.response_format = "xml"; }));
  EXPECT_TRUE(refuses([](EndpointOptions& options) { options.concurrent_max = 0; }));
  EXPECT_TRUE(refuses([](EndpointOptions& options) { options.concurrent_max = 1025; }));
}

}  // namespace
}  // namespace alluvium::connectors
