// SPDX-License-Identifier: Apache-2.0
// What the tests of model endpoints share: a server that answers by target, and a clock that stands still.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "connectors/model_endpoint.hpp"
#include "tests/support/scripted_server.hpp"

namespace alluvium::connectors {

inline constexpr std::int64_t new_year = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
inline std::int64_t stopped_clock() {
  return new_year;
}

struct Said {
  int status = 200;
  std::string body;
  std::string headers;  ///< Each with its line break.
};

/// Answers each request by its line ("POST /v1/files"), and keeps what it was asked.
class ModelServer {
 public:
  explicit ModelServer(std::map<std::string, Said> answers)
      : answers_{std::move(answers)}, server_{[this](tests::ScriptedPeer& peer, int) { serve(peer); }} {}

  [[nodiscard]] std::string url(const std::string& path = "/v1") const {
    return server_.url(path);
  }
  std::vector<tests::ScriptedRequest> asked() {
    const std::lock_guard lock{mutex_};
    return asked_;
  }
  std::vector<std::string> lines() {
    std::vector<std::string> lines;
    for (const auto& request : asked()) {
      const auto line = request.line();
      lines.push_back(line.substr(0, line.rfind(' ')));
    }
    return lines;
  }

 private:
  void serve(tests::ScriptedPeer& peer) {
    while (auto request = peer.request()) {
      const auto line = request->line();
      {
        const std::lock_guard lock{mutex_};
        asked_.push_back(std::move(*request));
      }
      const auto found = answers_.find(line.substr(0, line.rfind(' ')));
      if (found == answers_.end()) {
        peer.reply(404, R"({"error":{"type":"not_found_error","message":"no such thing"}})");
      } else if (found->second.status == 0) {
        return;  // Hangs up.
      } else {
        peer.reply(found->second.status, found->second.body, found->second.headers);
      }
    }
  }

  std::map<std::string, Said> answers_;
  std::mutex mutex_;
  std::vector<tests::ScriptedRequest> asked_;
  tests::ScriptedServer server_;
};

inline std::unique_ptr<pipeline::Model> model_of(const EndpointOptions& options) {
  auto model = make_model(options, stopped_clock);
  EXPECT_TRUE(model.has_value()) << model.error().detail;
  return std::move(*model);
}

inline pipeline::ModelReply ask(pipeline::Model& model, std::string body = "{}") {
  std::promise<pipeline::ModelReply> promise;
  auto reply = promise.get_future();
  model.send(std::move(body), [&promise](pipeline::ModelReply came) { promise.set_value(std::move(came)); });
  return reply.get();
}

inline pipeline::ModelPrompt prompt() {
  return {.instructions = "Find \"memories\".",
          .messages = "#1 user: h\u00e9llo\n",
          .schema = R"({"type":"object"})",
          .max_tokens = 300,
          .temperature = 0.3};
}

// Batch jobs -----------------------------------------------------------------------------------

inline std::unique_ptr<pipeline::BatchApi> api_of(const std::string& api, const std::string& base_url) {
  EndpointOptions options;
  options.api = api;
  options.base_url = base_url;
  options.model = "small-1";
  options.api_key = "secret";
  auto made = make_batch_api(options, stopped_clock);
  EXPECT_TRUE(made.has_value()) << made.error().detail;
  return std::move(*made);
}
inline std::unique_ptr<pipeline::BatchApi> openai(const ModelServer& server) {
  return api_of("openai", server.url());
}
inline std::unique_ptr<pipeline::BatchApi> anthropic(const ModelServer& server) {
  return api_of("anthropic", server.url(""));
}

/// By custom id, in the order of ids.
inline std::map<std::string, pipeline::JobResult> results_of(pipeline::BatchApi& api, const std::string& job) {
  std::map<std::string, pipeline::JobResult> results;
  const auto read = api.results(job, [&](pipeline::JobResult result) {
    const auto id = result.custom_id;
    EXPECT_TRUE(results.emplace(id, std::move(result)).second) << id;
    return true;
  });
  EXPECT_TRUE(read.has_value()) << read.error().detail;
  return results;
}

inline const std::vector<pipeline::JobRequest> two{{"r-1", R"({"model":"small-1"})"}, {"r-2", "{\n\"a\":1}"}};

}  // namespace alluvium::connectors
