// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_batches.hpp"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "pipeline/json_reader.hpp"

namespace alluvium::connectors {
namespace {

std::int64_t noon() {
  return 1'700'000'000'000;
}

/// Asks a server's batch APIs as a client would, without HTTP.
class StubBatchesTest : public ::testing::Test {
 protected:
  StubReply ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    StubRequest request{method, path, {}, {}, body};
    if (const auto mark = path.find('?'); mark != std::string::npos) {
      request.path = path.substr(0, mark);
      request.query = path.substr(mark + 1);
    }
    request.headers.set("host", "h:1");
    request.headers.set("content-type", "multipart/form-data; boundary=\"XX\"");
    return batches.handle(
        request, fault, [this](const StubSubject& call) { return script.for_batch_request(call); }, "req_1");
  }

  std::string text(const std::string& json, std::string_view pointer) {
    const auto root = reader.parse(json);
    simdjson::dom::element found;
    if (!root || root->at_pointer(pointer).get(found) != simdjson::SUCCESS) {
      return "(none)";
    }
    std::string_view value;
    return found.get(value) == simdjson::SUCCESS ? std::string{value} : std::string{simdjson::minify(found)};
  }

  /// Of each line of a results file: custom_id -> what is at the pointer.
  std::map<std::string, std::string> by_id(std::string_view lines, std::string_view pointer) {
    std::map<std::string, std::string> found;
    while (!lines.empty()) {
      const auto end = lines.find('\n');
      const std::string line{lines.substr(0, end)};
      const auto id = text(line, "/custom_id");
      found[id] = text(line, pointer);
      lines.remove_prefix(std::min(end, lines.size() - 1) + 1);
    }
    return found;
  }

  static std::string params(const std::string& said) {
    return R"({"model":"m","max_tokens":99,"messages":[{"role":"user","content":"user: I like )" + said + R"("}]})";
  }
  static std::string anthropic_request(const std::string& id) {
    return R"({"custom_id":")" + id + R"(","params":)" + params(id) + "}";
  }
  static std::string openai_line(const std::string& id) {
    return R"({"custom_id":")" + id + R"(","method":"POST","url":"/v1/chat/completions","body":)" + params(id) + "}\n";
  }
  static std::string form(const std::string& content) {
    return "--XX\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
           "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n"
           "Content-Type: application/jsonl\r\n\r\n" +
           content + "\r\n--XX--\r\n";
  }
  std::string make_anthropic(const std::string& requests) {
    return text(ask("POST", "/messages/batches", R"({"requests":[)" + requests + "]}").body, "/id");
  }
  std::string make_openai(const std::string& lines) {
    const auto file = text(ask("POST", "/files", form(lines)).body, "/id");
    return text(ask("POST", "/batches",
                    R"({"input_file_id":")" + file +
                        R"(","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"tag":"t"}})")
                    .body,
                "/id");
  }
  std::string content(const std::string& job, std::string_view which) {
    const auto id = text(job, which);
    return id == "null" ? "" : ask("GET", "/files/" + id + "/content").body;
  }
  void use(std::string_view json) {
    script = StubScript::read(json).value();
  }

  StubBatches batches{{.polls = 2, .requests_max = 3, .clock = noon}};
  StubFault fault;
  StubScript script;
  pipeline::JsonReader reader{64};
};

TEST_F(StubBatchesTest, AnAnthropicJobEndsAfterItsPolls) {
  const auto id = make_anthropic(anthropic_request("a") + "," + anthropic_request("b"));
  const auto first = ask("GET", "/messages/batches/" + id).body;
  EXPECT_EQ(text(first, "/processing_status"), "in_progress");
  EXPECT_EQ(text(first, "/request_counts/processing"), "2");
  EXPECT_EQ(text(first, "/results_url"), "null");
  EXPECT_EQ(ask("GET", "/messages/batches/" + id + "/results").status, 404);
  const auto second = ask("GET", "/messages/batches/" + id).body;
  EXPECT_EQ(text(second, "/processing_status"), "ended");
  EXPECT_EQ(text(second, "/request_counts/succeeded"), "2");
  EXPECT_EQ(text(second, "/results_url"), "http://h:1/v1/messages/batches/" + id + "/results");
  const auto results = by_id(ask("GET", "/messages/batches/" + id + "/results").body, "/result/message/content/0/text");
  ASSERT_EQ(results.size(), 2U);
  EXPECT_NE(results.at("b").find(R"("content":"I like b")"), std::string::npos);
}

TEST_F(StubBatchesTest, AnthropicRefusesTheWholeJobForOneBadRequest) {
  const auto status = [&](const std::string& requests) {
    return ask("POST", "/messages/batches", R"({"requests":[)" + requests + "]}").status;
  };
  EXPECT_EQ(status(anthropic_request(std::string(64, 'x'))), 200);
  EXPECT_EQ(status(anthropic_request(std::string(65, 'x'))), 400);
  EXPECT_EQ(status(anthropic_request("a:b")), 400);
  EXPECT_EQ(status(anthropic_request("")), 400);
  EXPECT_EQ(status(anthropic_request("a") + "," + anthropic_request("a")), 400);
  EXPECT_EQ(status(""), 400);
  const auto three = anthropic_request("a") + "," + anthropic_request("b") + "," + anthropic_request("c");
  EXPECT_EQ(status(three), 200);
  EXPECT_EQ(status(three + "," + anthropic_request("d")), 400);
  EXPECT_EQ(ask("POST", "/messages/batches", "nonsense").status, 400);
}

TEST_F(StubBatchesTest, SingleRequestsFailAsScripted) {
  use(R"([{"match":{"contains":"like a"},"do":{"errored":true,"status":500}},
          {"match":{"contains":"like b"},"do":{"expired":true}}])");
  const auto id = make_anthropic(anthropic_request("a") + "," + anthropic_request("b") + "," + anthropic_request("c"));
  ask("GET", "/messages/batches/" + id);
  const auto job = ask("GET", "/messages/batches/" + id).body;
  EXPECT_EQ(text(job, "/request_counts"), R"({"processing":0,"succeeded":1,"errored":1,"canceled":0,"expired":1})");
  const auto lines = ask("GET", "/messages/batches/" + id + "/results").body;
  EXPECT_EQ(by_id(lines, "/result/type"),
            (std::map<std::string, std::string>{{"a", "errored"}, {"b", "expired"}, {"c", "succeeded"}}));
  EXPECT_EQ(by_id(lines, "/result/error/error/type").at("a"), "api_error");
}

TEST_F(StubBatchesTest, AnInvalidRequestIsErroredAlone) {
  const auto id = make_anthropic(R"({"custom_id":"bad","params":{"model":"m"}},)" + anthropic_request("good"));
  ask("GET", "/messages/batches/" + id);
  ask("GET", "/messages/batches/" + id);
  const auto lines = ask("GET", "/messages/batches/" + id + "/results").body;
  EXPECT_EQ(by_id(lines, "/result/type"),
            (std::map<std::string, std::string>{{"bad", "errored"}, {"good", "succeeded"}}));
  EXPECT_EQ(by_id(lines, "/result/error/error/type").at("bad"), "invalid_request_error");
}

TEST_F(StubBatchesTest, ACanceledJobAnswersWhatItHadDone) {
  const auto early = make_anthropic(anthropic_request("a") + "," + anthropic_request("b"));
  EXPECT_EQ(text(ask("POST", "/messages/batches/" + early + "/cancel").body, "/processing_status"), "canceling");
  EXPECT_EQ(text(ask("GET", "/messages/batches/" + early).body, "/request_counts/canceled"), "2");
  const auto late = make_openai(openai_line("a") + openai_line("b"));
  ask("GET", "/batches/" + late);
  EXPECT_EQ(text(ask("POST", "/batches/" + late + "/cancel").body, "/status"), "cancelling");
  const auto job = ask("GET", "/batches/" + late).body;
  EXPECT_EQ(text(job, "/status"), "cancelled");
  EXPECT_EQ(text(job, "/request_counts"), R"({"total":2,"completed":1,"failed":0})");
  EXPECT_EQ(by_id(content(job, "/error_file_id"), "/error/code").at("b"), "batch_cancelled");
  EXPECT_EQ(ask("POST", "/batches/" + late + "/cancel").status, 409);
}

TEST_F(StubBatchesTest, JobsAreListedNewestFirstInPages) {
  const auto first = make_anthropic(anthropic_request("a"));
  const auto second = make_anthropic(anthropic_request("b"));
  const auto third = make_anthropic(anthropic_request("c"));
  make_openai(openai_line("a"));
  const auto page = ask("GET", "/messages/batches?limit=2").body;
  EXPECT_EQ(text(page, "/data/0/id"), third);
  EXPECT_EQ(text(page, "/last_id"), second);
  EXPECT_EQ(text(page, "/has_more"), "true");
  const auto next = ask("GET", "/messages/batches?limit=2&after_id=" + second).body;
  EXPECT_EQ(text(next, "/data/0/id"), first);
  EXPECT_EQ(text(next, "/has_more"), "false");
  EXPECT_EQ(text(ask("GET", "/messages/batches?limit=1&before_id=" + first).body, "/data/0/id"), second);
}

TEST_F(StubBatchesTest, AnOpenAiJobHasItsResultsInAFile) {
  const auto id = make_openai(openai_line("a") + "\n" + openai_line("b"));
  const auto first = ask("GET", "/batches/" + id).body;
  EXPECT_EQ(text(first, "/status"), "in_progress");
  EXPECT_EQ(text(first, "/output_file_id"), "null");
  EXPECT_EQ(text(first, "/metadata/tag"), "t");
  const auto second = ask("GET", "/batches/" + id).body;
  EXPECT_EQ(text(second, "/status"), "completed");
  EXPECT_EQ(text(second, "/request_counts"), R"({"total":2,"completed":2,"failed":0})");
  EXPECT_EQ(text(second, "/error_file_id"), "null");
  const auto answers = by_id(content(second, "/output_file_id"), "/response/body/choices/0/message/content");
  EXPECT_NE(answers.at("a").find(R"("content":"I like a")"), std::string::npos);
  EXPECT_EQ(text(ask("GET", "/batches").body, "/data/0/id"), id);
}

TEST_F(StubBatchesTest, AnOpenAiFileThatCantBeFailsTheJobWhenItIsLookedAt) {
  const auto reason = [&](const std::string& lines) {
    const auto job = ask("GET", "/batches/" + make_openai(lines)).body;
    return text(job, "/status") == "failed" ? text(job, "/errors/data/0/code") : text(job, "/status");
  };
  EXPECT_EQ(reason(openai_line("a")), "in_progress");
  EXPECT_EQ(reason(openai_line("a") + openai_line("a")), "duplicate_custom_id");
  EXPECT_EQ(reason(openai_line("a:b")), "invalid_custom_id");
  EXPECT_EQ(reason("nonsense\n"), "invalid_json_line");
  EXPECT_EQ(reason("\n\n"), "empty_file");
  EXPECT_EQ(reason(openai_line("a") + openai_line("b") + openai_line("c")), "in_progress");
  EXPECT_EQ(reason(openai_line("a") + openai_line("b") + openai_line("c") + openai_line("d")), "too_many_requests");
}

TEST_F(StubBatchesTest, AnExpiredOpenAiJobStillHasWhatWasDone) {
  fault.kind = StubFault::Kind::job;
  fault.text = "expired";
  const auto id = make_openai(openai_line("a") + openai_line("b"));
  ask("GET", "/batches/" + id);
  const auto job = ask("GET", "/batches/" + id).body;
  EXPECT_EQ(text(job, "/status"), "expired");
  EXPECT_EQ(by_id(content(job, "/output_file_id"), "/response/status_code").count("a"), 1U);
  EXPECT_EQ(by_id(content(job, "/error_file_id"), "/error/code").at("b"), "batch_expired");
}

TEST_F(StubBatchesTest, UploadsAreAFormWithAPurposeAndAFile) {
  const auto stored = ask("POST", "/files", form("one line\r\n")).body;
  EXPECT_EQ(text(stored, "/bytes"), "10");
  EXPECT_EQ(text(stored, "/filename"), "a.jsonl");
  EXPECT_EQ(ask("GET", "/files/" + text(stored, "/id") + "/content").body, "one line\r\n");
  EXPECT_EQ(ask("DELETE", "/files/" + text(stored, "/id")).status, 200);
  EXPECT_EQ(ask("GET", "/files/" + text(stored, "/id")).status, 404);
  for (const auto* const wrong : {"", "--XX--\r\n", "--XX\r\n\r\nabc", "--XX\r\n", "nonsense"}) {
    EXPECT_EQ(ask("POST", "/files", wrong).status, 400) << wrong;
  }
  const auto whole = form("x");
  for (std::size_t length = 0; length < whole.size() - 4; ++length) {
    EXPECT_EQ(ask("POST", "/files", whole.substr(0, length)).status, 400) << length;
  }
}

TEST_F(StubBatchesTest, CountsRequestsThatAreAnsweredTwice) {
  for (const int times : {0, 1}) {
    const auto id = make_anthropic(anthropic_request("a"));
    ask("GET", "/messages/batches/" + id);
    ask("GET", "/messages/batches/" + id);
    EXPECT_EQ(batches.totals().duplicates, times);
  }
  EXPECT_EQ(batches.totals().succeeded, 2);
}

TEST_F(StubBatchesTest, WhatIsUnknownIsNotFound) {
  EXPECT_EQ(ask("GET", "/messages/batches/none").status, 404);
  EXPECT_EQ(ask("GET", "/batches/none").status, 404);
  EXPECT_EQ(ask("GET", "/files/none/content").status, 404);
  EXPECT_EQ(ask("PUT", "/files").status, 404);
  EXPECT_EQ(ask("GET", "/messages/batches/").status, 404);
}

}  // namespace
}  // namespace alluvium::connectors
