// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/connectors/model_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::JobResult;
using pipeline::JobState;
using pipeline::ModelReply;
using pipeline::ReplyClass;
using pipeline::TokenUsage;

const std::string openai_job =
    R"({"id":"batch_1","object":"batch","status":"in_progress","input_file_id":"file-in","created_at":1767225600,)"
    R"("request_counts":{"total":2,"completed":0,"failed":0},"metadata":{"alluvium_job":"job-7"}})";

std::string openai_job_in(const std::string& status, const std::string& more = "") {
  return R"({"id":"batch_1","status":")" + status + "\"" + more + "}";
}

TEST(OpenAiBatches, UploadsTheRequestsAndStartsTheJob) {
  ModelServer server{
      {{"POST /v1/files", {200, R"({"id":"file-in"})", ""}}, {"POST /v1/batches", {200, openai_job, ""}}}};
  const auto api = openai(server);
  const auto submission = api->submit(two, "job-7");
  ASSERT_TRUE(submission.job.has_value());
  EXPECT_FALSE(submission.ambiguous);
  EXPECT_EQ(submission.job->id, "batch_1");
  EXPECT_EQ(submission.job->state, JobState::running);
  EXPECT_EQ(submission.job->requests, 2);
  EXPECT_EQ(submission.job->tag, "job-7");
  EXPECT_EQ(submission.job->created_ms, new_year);
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_NE(asked[0].head.find("Authorization: Bearer secret\r\n"), std::string::npos);
  EXPECT_NE(asked[0].head.find("Content-Type: multipart/form-data; boundary=alluvium-requests-of-one-job\r\n"),
            std::string::npos);
  const std::string edge = "--alluvium-requests-of-one-job";
  EXPECT_EQ(asked[0].body,
            edge + "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n" + edge +
                "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"alluvium.jsonl\"\r\n"
                "Content-Type: application/jsonl\r\n\r\n"
                R"({"custom_id":"r-1","method":"POST","url":"/v1/chat/completions","body":{"model":"small-1"}})"
                "\n"
                R"({"custom_id":"r-2","method":"POST","url":"/v1/chat/completions","body":{ "a":1}})"
                "\n\r\n" +
                edge + "--\r\n");
  EXPECT_EQ(asked[1].body, R"({"input_file_id":"file-in","endpoint":"/v1/chat/completions","completion_window":"24h",)"
                           R"("metadata":{"alluvium_job":"job-7"}})");
}

TEST(OpenAiBatches, HasNotStartedAJobWhoseUploadWasLost) {
  ModelServer server{{{"POST /v1/files", {0, "", ""}}}};
  const auto submission = openai(server)->submit(two, "t");
  EXPECT_FALSE(submission.job.has_value());
  EXPECT_FALSE(submission.ambiguous);
  EXPECT_EQ(submission.reply.transport, ModelReply::Transport::lost);
  EXPECT_EQ(server.lines(), std::vector<std::string>{"POST /v1/files"});
}

TEST(OpenAiBatches, DoesNotKnowWhetherAJobWasTakenWhoseReplyWasLost) {
  const auto submit = [](const Said& said) {
    const ModelServer server{{{"POST /v1/files", {200, R"({"id":"file-in"})", ""}}, {"POST /v1/batches", said}}};
    return openai(server)->submit(two, "t");
  };
  for (const auto& said : std::vector<Said>{{0, "", ""},
                                            {200, "<html></html>", ""},
                                            {200, "{}", ""},
                                            {502, "<html></html>", ""},
                                            {504, "", ""},
                                            {500, "", ""},
                                            {408, "", ""}}) {
    EXPECT_TRUE(submit(said).ambiguous) << said.status << said.body;
  }
  for (const auto& said : std::vector<Said>{{400, R"({"error":{"message":"no"}})", ""},
                                            {401, "", ""},
                                            {429, "", ""},
                                            {503, "", ""},
                                            {500, R"({"error":{"type":"server_error","message":"no"}})", ""}}) {
    const auto submission = submit(said);
    EXPECT_FALSE(submission.ambiguous) << said.status << said.body;
    EXPECT_FALSE(submission.job.has_value());
    EXPECT_EQ(submission.reply.status, said.status);
  }
}

TEST(OpenAiBatches, TellsHowAJobIs) {
  struct Case {
    std::string body;
    JobState state;
    std::string detail;
  };
  const std::string output = R"(,"output_file_id":"file-out")";
  for (const auto& want : std::vector<Case>{
           {openai_job_in("validating"), JobState::running, "validating"},
           {openai_job_in("in_progress"), JobState::running, "in_progress"},
           {openai_job_in("finalizing", output), JobState::running, "finalizing"},
           {openai_job_in("cancelling", output), JobState::running, "cancelling"},
           {openai_job_in("completed"), JobState::ended, "completed"},
           {openai_job_in("completed", output), JobState::ended, "completed"},
           {openai_job_in("expired", output), JobState::ended, "expired"},
           {openai_job_in("expired", R"(,"output_file_id":null,"error_file_id":"file-err")"), JobState::ended,
            "expired"},
           {openai_job_in("expired"), JobState::failed, "expired"},
           {openai_job_in("cancelled", output), JobState::ended, "cancelled"},
           {openai_job_in("cancelled"), JobState::failed, "cancelled"},
           {openai_job_in(
                "failed",
                R"(,"errors":{"data":[{"code":"invalid_json_line","line":3,"message":"Bad line \"my secret\""}]})"),
            JobState::failed, "failed, invalid_json_line in line 3: Bad line "},
       }) {
    const ModelServer server{{{"GET /v1/batches/batch_1", {200, want.body, ""}}}};
    const auto status = openai(server)->status("batch_1");
    ASSERT_TRUE(status.has_value()) << want.body;
    EXPECT_EQ(status->state, want.state) << want.body;
    EXPECT_EQ(status->detail, want.detail);
  }
}

TEST(OpenAiBatches, ListsJobsNewestFirstAndWhatTheyAreTaggedWith) {
  const ModelServer server{
      {{"GET /v1/batches?limit=100",
        {200,
         R"({"data":[{"id":"a","status":"failed","created_at":1},7,{"id":"../b","status":"x"},)" + openai_job + R"(]})",
         ""}}}};
  const auto jobs = openai(server)->recent();
  ASSERT_TRUE(jobs.has_value()) << jobs.error().detail;
  ASSERT_EQ(jobs->size(), 2U);
  EXPECT_EQ(jobs->at(0).id, "batch_1");
  EXPECT_EQ(jobs->at(0).tag, "job-7");
  EXPECT_EQ(jobs->at(1).id, "a");
  EXPECT_EQ(jobs->at(1).tag, "");
}

const std::string answered =
    R"({"id":"x","custom_id":"r-1","response":{"status_code":200,"request_id":"q","body":{"choices":[{"finish_reason":"stop",)"
    R"("message":{"content":"hi"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}},"error":null})";

TEST(OpenAiBatches, ReadsResultsOutOfBothFiles) {
  const std::string out =
      answered +
      "\nnot json\n\n{\"custom_id\":7}\n"
      R"({"custom_id":"r-2","response":{"status_code":400,"body":{"error":{"message":"no","type":"t"}}}})";
  const std::string err = R"({"custom_id":"r-3","response":null,"error":{"code":"batch_expired","message":"too late"}})"
                          "\r\n"
                          R"({"custom_id":"r-4","response":null,"error":{"code":"server_error","message":"no"}})"
                          "\n"
                          R"({"custom_id":"r-5"})";
  const ModelServer server{
      {{"GET /v1/batches/batch_1",
        {200, openai_job_in("expired", R"(,"output_file_id":"file-out","error_file_id":"file-err")"), ""}},
       {"GET /v1/files/file-out/content", {200, out, ""}},
       {"GET /v1/files/file-err/content", {200, err, ""}}}};
  const auto results = results_of(*openai(server), "batch_1");
  ASSERT_EQ(results.size(), 5U);
  const auto& good = results.at("r-1").reply;
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.text, "hi");
  EXPECT_EQ(good.usage, (TokenUsage{5, 1, 0, 0}));
  EXPECT_EQ(good.request_id, "q");
  EXPECT_EQ(classify(good), ReplyClass::answered);
  EXPECT_EQ(classify(results.at("r-2").reply), ReplyClass::bisect);
  EXPECT_EQ(results.at("r-2").reply.error_message, "no");
  EXPECT_TRUE(results.at("r-3").expired_or_canceled);
  EXPECT_FALSE(results.at("r-4").expired_or_canceled);
  EXPECT_EQ(classify(results.at("r-4").reply), ReplyClass::retry);
  EXPECT_EQ(classify(results.at("r-5").reply), ReplyClass::retry);
  EXPECT_FALSE(results.at("r-1").expired_or_canceled);
}

TEST(OpenAiBatches, StopsReadingWhenNoMoreIsWanted) {
  ModelServer server{{{"GET /v1/batches/batch_1",
                       {200, openai_job_in("completed", R"(,"output_file_id":"out","error_file_id":"err")"), ""}},
                      {"GET /v1/files/out/content", {200, answered + "\n" + answered, ""}}}};
  int seen = 0;
  EXPECT_TRUE(openai(server)->results("batch_1", [&](const JobResult&) { return ++seen < 1; }).has_value());
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST(OpenAiBatches, FindsTheCustomIdsOfAJobInItsInput) {
  const ModelServer server{
      {{"GET /v1/batches/batch_1", {200, openai_job, ""}},
       {"GET /v1/files/file-in/content", {200, "{\"custom_id\":\"r-1\"}\n{\"custom_id\":\"r-2\"}\n", ""}}}};
  EXPECT_EQ(openai(server)->custom_ids("batch_1").value(), (std::vector<std::string>{"r-1", "r-2"}));
}

TEST(OpenAiBatches, CancelsAJob) {
  ModelServer server{{{"POST /v1/batches/batch_1/cancel", {200, openai_job_in("cancelling"), ""}}}};
  EXPECT_TRUE(openai(server)->cancel("batch_1").has_value());
  EXPECT_NE(server.asked().at(0).head.find("Content-Length: 0\r\n"), std::string::npos);
}

}  // namespace
}  // namespace alluvium::connectors
