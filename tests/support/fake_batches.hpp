// SPDX-License-Identifier: Apache-2.0
// A provider of batch jobs in memory: takes, loses, refuses and shuffles as it is told, and counts what it would bill.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/json_text.hpp"
#include "pipeline/model_ports.hpp"

namespace alluvium::tests {

/// A model that is only asked in batch jobs.
class FakeModel final : public pipeline::Model {
 public:
  explicit FakeModel(std::string name) : name_{std::move(name)} {}
  [[nodiscard]] const std::string& model_name() const override {
    return name_;
  }
  [[nodiscard]] const std::string& url() const override {
    return url_;
  }
  [[nodiscard]] std::string body(const pipeline::ModelPrompt& prompt) const override {
    return std::string{prompt.instructions} + "|" + std::string{prompt.messages} + "|" +
           std::to_string(prompt.max_tokens);
  }
  void send(std::string /*body*/, std::function<void(pipeline::ModelReply)> done) override {
    done({});
  }

 private:
  std::string name_, url_ = "http://fake";
};

class FakeBatches final : public pipeline::BatchApi {
 public:
  /// What happens to a submission.
  struct Submit {
    bool takes = true;
    bool tells = true;  ///< False: the reply is lost.
    int status = 200;   ///< Of the refusal, if it does not take it.
  };
  struct Job {
    pipeline::JobStatus status;
    std::vector<pipeline::JobRequest> requests;
    bool canceled = false;
    std::int64_t polls = 0;
  };

  std::deque<Submit> next;  ///< Then all are taken.
  bool keeps_tags = true;
  bool lists = true;  ///< recent() works.
  std::int64_t polls_until_end = 2;
  std::size_t most_requests = 10'000, most_bytes = std::size_t{1} << 30;
  std::int64_t (*clock)() = nullptr;
  std::vector<Job> jobs;
  std::map<std::string, int> answered;  ///< Body -> how often it was answered, that is billed.
  /// Other than an answer for a request; nullptr result: left out of the results.
  std::function<bool(const pipeline::JobRequest&, pipeline::JobResult&)> fate;
  std::size_t submissions = 0;
  std::vector<std::int64_t> submitted_at;

  [[nodiscard]] std::size_t requests_max() const override {
    return most_requests;
  }
  [[nodiscard]] std::size_t bytes_max() const override {
    return most_bytes;
  }

  Submission submit(const std::vector<pipeline::JobRequest>& requests, const std::string& tag) override {
    ++submissions;
    submitted_at.push_back(clock());
    Submit how;
    if (!next.empty()) {
      how = next.front();
      next.pop_front();
    }
    Submission submission;
    if (how.takes) {
      Job job;
      job.status.id = "job_" + std::to_string(jobs.size() + 1);
      job.status.tag = keeps_tags ? tag : "";
      job.status.requests = static_cast<std::int64_t>(requests.size());
      job.status.created_ms = clock();
      job.requests = requests;
      jobs.push_back(job);
      submission.job = job.status;
    }
    if (!how.tells) {
      submission.job.reset();
      submission.ambiguous = true;
      submission.reply.transport = pipeline::ModelReply::Transport::lost;
    } else if (!how.takes) {
      submission.reply.status = how.status;
    }
    return submission;
  }

  pipeline::Result<pipeline::JobStatus> status(const std::string& job_id) override {
    auto* job = find(job_id);
    if (job == nullptr) {
      return pipeline::fail(pipeline::Errc::unavailable, "404");
    }
    ++job->polls;
    if (job->status.state == pipeline::JobState::running && (job->polls >= polls_until_end || job->canceled)) {
      job->status.state = pipeline::JobState::ended;
      for (const auto& request : job->requests) {
        answered[request.body] += job->canceled ? 0 : 1;
      }
    }
    return job->status;
  }

  pipeline::Result<std::vector<pipeline::JobStatus>> recent() override {
    if (!lists) {
      return pipeline::fail(pipeline::Errc::unavailable, "503");
    }
    std::vector<pipeline::JobStatus> all;
    for (auto job = jobs.rbegin(); job != jobs.rend() && all.size() < 100; ++job) {
      all.push_back(job->status);
    }
    return all;
  }

  pipeline::Result<std::vector<std::string>> custom_ids(const std::string& job_id) override {
    std::vector<std::string> ids;
    const auto* job = find(job_id);
    if (job != nullptr && job->status.state == pipeline::JobState::ended) {
      for (const auto& request : job->requests) {
        ids.push_back(request.custom_id);
      }
    }
    return ids;
  }

  /// Backwards, which is as good as shuffled, and starts in the middle.
  pipeline::Result<void> results(const std::string& job_id,
                                 const std::function<bool(pipeline::JobResult)>& each) override {
    const auto* job = find(job_id);
    if (job == nullptr) {
      return pipeline::fail(pipeline::Errc::unavailable, "404");
    }
    auto order = job->requests;
    std::reverse(order.begin(), order.end());
    std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2), order.end());
    for (const auto& request : order) {
      pipeline::JobResult result;
      result.custom_id = request.custom_id;
      result.expired_or_canceled = job->canceled;
      result.reply.status = 200;
      result.reply.readable = true;
      result.reply.finish = "stop";
      result.reply.usage = pipeline::TokenUsage{.prompt = 100, .completion = 20, .cached = 0, .cache_write = 0};
      result.reply.text = answer_of(request.body);
      const bool there = !fate || fate(request, result);
      if (there && !each(std::move(result))) {
        break;
      }
    }
    return {};
  }

  pipeline::Result<void> cancel(const std::string& job_id) override {
    if (auto* job = find(job_id); job != nullptr) {
      job->canceled = true;
    }
    return {};
  }

  /// One memory, different for each body.
  static std::string answer_of(const std::string& body) {
    pipeline::JsonText json;
    json.object().key("memories").array().object();
    json.field("content", "Read: " + pipeline::request_hash("", body)).field("type", "semantic");
    json.field("importance", 0.5).key("keywords").array().end().key("messages").array().value(1).end();
    return json.end().end().key("unsure").array().end().end().text();
  }

 private:
  Job* find(const std::string& id) {
    for (auto& job : jobs) {
      if (job.status.id == id) {
        return &job;
      }
    }
    return nullptr;
  }
};

}  // namespace alluvium::tests
