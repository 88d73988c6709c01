// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include <gtest/gtest.h>

#include "tests/connectors/model_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::JobRequest;
using pipeline::JobResult;
using pipeline::JobState;
using pipeline::ModelReply;
using pipeline::ReplyClass;
using pipeline::TokenUsage;

// Anthropic ------------------------------------------------------------------------------------

std::string anthropic_job(const std::string& status, const std::string& results_url = "null") {
  return R"({"id":"msgbatch_1","type":"message_batch","processing_status":")" + status +
         R"(","request_counts":{"processing":0,"succeeded":1,"errored":1,"canceled":1,"expired":1},)" +
         R"("created_at":"2026-01-01T00:00:00.000Z","results_url":)" + results_url + "}";
}

TEST(AnthropicBatches, GivesTheJobInOneCall) {
  ModelServer server{{{"POST /v1/messages/batches", {200, anthropic_job("in_progress"), ""}}}};
  const auto submission = anthropic(server)->submit(two, "job-7");
  ASSERT_TRUE(submission.job.has_value());
  EXPECT_EQ(submission.job->id, "msgbatch_1");
  EXPECT_EQ(submission.job->state, JobState::running);
  EXPECT_EQ(submission.job->requests, 4);
  EXPECT_EQ(submission.job->tag, "");
  EXPECT_EQ(submission.job->created_ms, new_year);
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].body,
            "{\"requests\":[{\"custom_id\":\"r-1\",\"params\":{\"model\":\"small-1\"}},"
            "{\"custom_id\":\"r-2\",\"params\":{\n\"a\":1}}]}");
  EXPECT_NE(asked[0].head.find("\r\nx-api-key: secret\r\n"), std::string::npos);
}

TEST(AnthropicBatches, DoesNotKnowWhetherAJobWasTakenWhoseReplyWasLost) {
  const auto submit = [](const Said& said) {
    const ModelServer server{{{"POST /v1/messages/batches", said}}};
    return anthropic(server)->submit(two, "");
  };
  EXPECT_TRUE(submit({0, "", ""}).ambiguous);
  EXPECT_TRUE(submit({504, "", ""}).ambiguous);
  EXPECT_FALSE(submit({529, R"({"type":"error","error":{"type":"overloaded_error","message":"no"}})", ""}).ambiguous);
  EXPECT_FALSE(submit({400, "", ""}).ambiguous);
  const auto refused = api_of("anthropic", "http://127.0.0.1:" + std::to_string(tests::closed_port()))->submit(two, "");
  EXPECT_FALSE(refused.ambiguous);
  EXPECT_EQ(refused.reply.transport, ModelReply::Transport::not_sent);
}

TEST(AnthropicBatches, TellsHowAJobIs) {
  for (const auto& [word, state] : std::vector<std::pair<std::string, JobState>>{
           {"in_progress", JobState::running}, {"canceling", JobState::running}, {"ended", JobState::ended}}) {
    const ModelServer server{{{"GET /v1/messages/batches/msgbatch_1", {200, anthropic_job(word), ""}}}};
    const auto status = anthropic(server)->status("msgbatch_1");
    ASSERT_TRUE(status.has_value());
    EXPECT_EQ(status->state, state);
    EXPECT_EQ(status->detail, word + ", 1 succeeded, 1 errored, 1 canceled, 1 expired");
  }
}

const std::string anthropic_lines =
    R"({"custom_id":"a-3","result":{"type":"canceled"}})"
    "\n"
    R"({"custom_id":"a-1","result":{"type":"succeeded","message":{"content":[{"type":"text","text":"hi"}],)"
    R"("stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":1}}}})"
    "\n"
    R"({"custom_id":"a-2","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error",)"
    R"("message":"no"},"request_id":"q"}}})"
    "\n{\"custom_id\":\"a-4\",\"result\":{\"type\":\"expired\"}}\n"
    R"({"custom_id":"a-5","result":{"type":"errored","error":{"type":"error","error":{"type":"overloaded_error"}}}})"
    "\n{\"custom_id\":\"a-6\"}\n{\"custom_id\":\"a-7\",\"result\":{\"type\":\"succeeded\"}}\n{\"cut";

TEST(AnthropicBatches, ReadsResultsInAnyOrder) {
  const ModelServer server{{{"GET /v1/messages/batches/msgbatch_1", {200, anthropic_job("ended"), ""}},
                            {"GET /v1/messages/batches/msgbatch_1/results", {200, anthropic_lines, ""}}}};
  const auto api = anthropic(server);
  const auto results = results_of(*api, "msgbatch_1");
  ASSERT_EQ(results.size(), 7U);
  EXPECT_EQ(results.at("a-1").reply.text, "hi");
  EXPECT_EQ(results.at("a-1").reply.usage, (TokenUsage{5, 1, 0, 0}));
  EXPECT_EQ(classify(results.at("a-1").reply), ReplyClass::answered);
  EXPECT_EQ(results.at("a-2").reply.status, 400);
  EXPECT_EQ(results.at("a-2").reply.request_id, "q");
  EXPECT_EQ(classify(results.at("a-2").reply), ReplyClass::bisect);
  EXPECT_TRUE(results.at("a-3").expired_or_canceled);
  EXPECT_TRUE(results.at("a-4").expired_or_canceled);
  EXPECT_FALSE(results.at("a-5").expired_or_canceled);
  EXPECT_EQ(classify(results.at("a-5").reply), ReplyClass::retry);
  EXPECT_EQ(classify(results.at("a-6").reply), ReplyClass::retry);
  EXPECT_EQ(classify(results.at("a-7").reply), ReplyClass::ask_again);
  EXPECT_EQ(api->custom_ids("msgbatch_1").value().size(), 7U);
}

TEST(AnthropicBatches, KnowsNoCustomIdsBeforeTheEnd) {
  const ModelServer server{{{"GET /v1/messages/batches/msgbatch_1", {200, anthropic_job("in_progress"), ""}}}};
  EXPECT_EQ(anthropic(server)->custom_ids("msgbatch_1").value(), std::vector<std::string>{});
}

TEST(AnthropicBatches, FetchesResultsFromItsOwnServerOnly) {
  const auto fetched = [](const std::function<std::string(const std::string&)>& results_url) {
    std::atomic<const std::string*> job{nullptr};
    std::string last;
    const tests::ScriptedServer server{[&](tests::ScriptedPeer& peer, int) {
      while (const auto request = peer.request()) {
        last = request->line();
        peer.reply(200, last.find("/msgbatch_1 ") != std::string::npos ? *job.load() : "");
      }
    }};
    const auto body = anthropic_job("ended", results_url(server.url()));
    job = &body;
    EXPECT_TRUE(api_of("anthropic", server.url("/v1"))->results("msgbatch_1", [](const JobResult&) { return true; }));
    return last;
  };
  const std::string own = "GET /v1/messages/batches/msgbatch_1/results HTTP/1.1";
  EXPECT_EQ(fetched([](const std::string&) { return "null"; }), own);
  EXPECT_EQ(fetched([](const std::string& url) { return "\"" + url + "/v1/messages/elsewhere\""; }),
            "GET /v1/messages/elsewhere HTTP/1.1");
  EXPECT_EQ(fetched([](const std::string&) { return "\"https://evil.example/v1/messages/batches/x\""; }), own);
  EXPECT_EQ(fetched([](const std::string& url) { return "\"" + url + "/other/path\""; }), own);
  EXPECT_EQ(fetched([](const std::string& url) { return "\"" + url + "/v1/../admin\""; }), own);
}

TEST(AnthropicBatches, ListsAndCancelsJobs) {
  ModelServer server{{{"GET /v1/messages/batches?limit=100", {200, R"({"data":[)" + anthropic_job("ended") + "]}", ""}},
                      {"POST /v1/messages/batches/msgbatch_1/cancel", {200, anthropic_job("canceling"), ""}}}};
  const auto api = anthropic(server);
  const auto jobs = api->recent();
  ASSERT_TRUE(jobs.has_value());
  ASSERT_EQ(jobs->size(), 1U);
  EXPECT_EQ(jobs->at(0).state, JobState::ended);
  EXPECT_TRUE(api->cancel("msgbatch_1").has_value());
}

// Both -----------------------------------------------------------------------------------------

TEST(BatchApis, SayWhatToDoAboutAFailure) {
  for (const auto* name : {"openai", "anthropic"}) {
    const std::string target = name == std::string{"openai"} ? "/v1/batches" : "/v1/messages/batches";
    const auto code = [&](const Said& said) {
      const ModelServer server{{{"GET " + target + "/x", said}}};
      const auto status = api_of(name, server.url())->status("x");
      EXPECT_FALSE(status.has_value());
      return status.error().code;
    };
    EXPECT_EQ(code({0, "", ""}), Errc::unavailable);
    EXPECT_EQ(code({429, "", ""}), Errc::unavailable);
    EXPECT_EQ(code({500, "", ""}), Errc::unavailable);
    EXPECT_EQ(code({401, "", ""}), Errc::unavailable);
    EXPECT_EQ(code({200, "<html></html>", ""}), Errc::unavailable);
    EXPECT_EQ(code({404, R"({"error":{"message":"no such job"}})", ""}), Errc::malformed_input);
  }
}

TEST(BatchApis, AskNothingOfIdsThatAreNone) {
  ModelServer server{{}};
  for (const auto* name : {"openai", "anthropic"}) {
    const auto api = api_of(name, server.url());
    for (const auto& id : {std::string{}, std::string{".."}, std::string{"a/b"}, std::string{"a?b"}, std::string{"a b"},
                           std::string(257, 'a')}) {
      EXPECT_FALSE(api->status(id).has_value()) << id;
      EXPECT_FALSE(api->cancel(id).has_value()) << id;
      EXPECT_FALSE(api->custom_ids(id).has_value()) << id;
      EXPECT_FALSE(api->results(id, [](const JobResult&) { return true; }).has_value()) << id;
    }
  }
  EXPECT_TRUE(server.asked().empty());
}

TEST(BatchApis, GiveNoJobThatTheProviderWouldRefuse) {
  ModelServer server{{}};
  for (const auto* name : {"openai", "anthropic"}) {
    const auto api = api_of(name, server.url());
    const std::vector<JobRequest> too_many(api->requests_max() + 1, JobRequest{"a", "{}"});
    for (const auto& requests :
         {too_many, std::vector<JobRequest>{}, {{"a.b", "{}"}}, {{"", "{}"}}, {{std::string(65, 'a'), "{}"}}}) {
      const auto submission = api->submit(requests, "");
      EXPECT_FALSE(submission.job.has_value());
      EXPECT_FALSE(submission.ambiguous);
      EXPECT_EQ(submission.reply.status, 413);
    }
  }
  EXPECT_TRUE(server.asked().empty());
}

}  // namespace
}  // namespace alluvium::connectors
