// SPDX-License-Identifier: Apache-2.0
// Both providers' batch APIs as the simulated server has them: files, jobs, results. All in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "connectors/stub_faults.hpp"
#include "connectors/stub_wire.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

// What the providers take.
inline constexpr std::size_t openai_batch_requests_max = 50'000;
inline constexpr std::size_t openai_batch_bytes_max = 200'000'000;
inline constexpr std::size_t anthropic_batch_requests_max = 100'000;
inline constexpr std::size_t anthropic_batch_bytes_max = 256'000'000;
// What the simulation keeps.
inline constexpr std::size_t stub_jobs_max = 10'000;
inline constexpr std::size_t stub_files_max = 30'000;
inline constexpr std::size_t stub_kept_bytes_max = std::size_t{2} << 30;  ///< Requests, files and results together.

/// A request in a job.
struct StubJobRequest {
  std::string custom_id;
  std::string body;  ///< Compact JSON.
  StubFault fault;   ///< errored, expired, or one about the answer's words.
};

struct StubJob {
  StubApi api = StubApi::openai;
  std::string id;
  std::vector<StubJobRequest> requests;  ///< Empty once it has ended.
  std::size_t total = 0;
  std::int64_t polls = 0;  ///< How often its state was asked for.
  std::int64_t created_ms = 0, cancel_ms = 0, ended_ms = 0;
  std::string ending;  ///< As scripted: expired, failed, or empty.
  // What has become of its requests, once it has ended.
  std::size_t succeeded = 0, errored = 0, expired = 0, canceled = 0;
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  std::string results;  ///< Anthropic: the lines.
  // OpenAI only.
  std::string metadata = "null";
  std::string input_file, output_file, error_file;
  std::string invalid;  ///< JSON: errors.data of a job that failed validation. Empty: it did not.
};

class StubBatches {
 public:
  struct Options {
    std::int64_t polls = 2;          ///< A job has ended when it is asked for the n-th time; 0: at once.
    std::size_t requests_max = 0;    ///< 0: as the provider has it.
    std::string scheme = "http";     ///< Of the URL of the results.
    bool ignore_max_tokens = false;  ///< Answers are as long as they are.
    pipeline::WallClock clock = nullptr;
  };
  struct Totals {
    std::int64_t jobs = 0, requests = 0, succeeded = 0;
    std::int64_t duplicates = 0;  ///< Requests answered whose body had been answered in a job before.
    std::int64_t prompt_tokens = 0, completion_tokens = 0;
  };
  using Fate = std::function<StubFault(const StubSubject&)>;

  explicit StubBatches(Options options) : options_{std::move(options)} {}
  /// True for paths of /files, /batches and /messages/batches.
  [[nodiscard]] static bool serves(std::string_view path);
  [[nodiscard]] static StubApi api_of(std::string_view path);
  /// Any thread. `fault` is the call's own (of kind job: how the job ends), `fate` says that of each request in it.
  [[nodiscard]] StubReply handle(const StubRequest& request, const StubFault& fault, const Fate& fate,
                                 std::string_view request_id);
  [[nodiscard]] Totals totals();

 private:
  struct File {
    std::string name, purpose, content;
    std::int64_t created_ms = 0;
  };
  /// Everything that a handler of one call needs.
  struct Call {
    const StubRequest& request;
    const StubFault& fault;
    const Fate& fate;
    std::string_view request_id;
    StubApi api;
    std::vector<std::string_view> way;  ///< The path's parts.
  };

  // stub_openai_batches.cpp
  StubReply openai(const Call& call);
  StubReply files(const Call& call);
  StubReply upload(const Call& call);
  StubReply openai_create(const Call& call);
  void read_lines(std::string_view content, StubJob& job, const Fate& fate) const;
  void openai_line(StubJob& job, std::size_t index, std::string& output, std::string& errors);
  std::string file_json(const std::string& id, const File& file) const;
  std::string openai_json(const StubJob& job) const;

  // stub_anthropic_batches.cpp
  StubReply anthropic(const Call& call);
  StubReply anthropic_create(const Call& call);
  StubReply anthropic_list(const Call& call);
  void anthropic_line(StubJob& job, std::size_t index);
  std::string anthropic_json(const StubJob& job, const StubRequest& request) const;

  // stub_batches.cpp
  [[nodiscard]] std::size_t requests_max(StubApi api) const;
  StubJob* find(StubApi api, std::string_view id);
  StubReply added(const Call& call, StubJob job);
  void poll(StubJob& job);
  void end(StubJob& job);
  std::string keep_file(const std::string& name, const std::string& purpose, std::string content);
  std::string new_id(std::string_view prefix);
  /// A request's end: what the model says, or why it does not.
  enum class End { succeeded, errored, expired, canceled };
  struct Outcome {
    End end = End::succeeded;
    std::string body;  ///< The reply's, or the error's.
    int status = 200;
  };
  Outcome outcome(StubJob& job, std::size_t index);
  std::string jobs_list(const Call& call, std::size_t limit_default, std::size_t limit_max, std::string_view after,
                        std::string_view before, bool& has_more, std::string& first, std::string& last);

  const Options options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<StubJob>> jobs_;  ///< Oldest first.
  std::map<std::string, File, std::less<>> files_;
  std::unordered_set<std::uint64_t> answered_;  ///< Hashes of bodies; as many as requests fit in what is kept.
  std::size_t kept_bytes_ = 0;
  std::uint64_t made_ = 0;
  Totals totals_;
};

/// ^[a-zA-Z0-9_-]{1,64}$
[[nodiscard]] bool stub_custom_id_fits(std::string_view id);
/// The value of a query's parameter; empty if there is none.
[[nodiscard]] std::string_view stub_query(std::string_view query, std::string_view name);

}  // namespace alluvium::connectors
