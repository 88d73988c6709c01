// SPDX-License-Identifier: Apache-2.0
// The simulated model server without its sockets: who asks for what, what is answered, and what was counted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "connectors/stub_batches.hpp"
#include "connectors/stub_faults.hpp"
#include "connectors/stub_wire.hpp"
#include "pipeline/error.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

/// Bodies that are remembered, to count duplicates; a call beyond counts as new.
inline constexpr std::size_t stub_bodies_max = 1'000'000;

struct StubServiceOptions {
  std::string api_key;          ///< What calls must carry; empty: any, or none.
  std::string log_path;         ///< One JSON line per call; empty: none.
  std::int64_t latency_ms = 0;  ///< Before each answer of the model.
  StubScript script;
  StubBatches::Options batches;
  pipeline::WallClock clock = nullptr;
};

class StubService {
 public:
  /// What is to be done about a request.
  struct Turn {
    StubReply reply;
    StubFault fault;
    std::int64_t wait_ms = 0;  ///< Before anything is sent.
    bool call = false;         ///< False: /stats and the like, which are not counted.
    // Of a call.
    std::int64_t seq = 0, time_ms = 0, duplicate = 0, prompt_tokens = 0, completion_tokens = 0;
    std::size_t messages = 0, in_flight = 0;
    std::uint64_t body_hash = 0, hash = 0;  ///< Of the body; of path and body.
    std::string method, path, model;
    StubApi api = StubApi::openai;
    bool good = false;  ///< The model's right answer.
    bool finishing = false;
  };

  /// `invalid_config` if the log can't be opened.
  [[nodiscard]] static pipeline::Result<std::unique_ptr<StubService>> make(StubServiceOptions options);
  ~StubService();
  StubService(const StubService&) = delete;
  StubService& operator=(const StubService&) = delete;

  // Any thread.
  [[nodiscard]] Turn answer(const StubRequest& request);
  /// The last of the reply is about to be written: /stats waits for its end, for a bounded time, so that a client that
  /// has its reply finds it counted.
  void finishing(Turn& turn);
  /// To be called once for each turn. `whole`: the whole reply was written to the socket.
  void ended(const Turn& turn, bool whole);
  /// For requests that are no HTTP.
  [[nodiscard]] static StubReply refusal(int status, const std::string& message);

 private:
  explicit StubService(StubServiceOptions options);
  StubReply control(const StubRequest& request);
  bool wrong_key(const StubRequest& request, StubApi api) const;
  void count_arrival(const StubRequest& request, Turn& turn);
  void answer_model(const StubRequest& request, Turn& turn, const std::string& request_id);
  std::string stats();
  std::string log_line(const Turn& turn, bool whole) const;

  const StubServiceOptions options_;
  StubBatches batches_;
  std::FILE* log_ = nullptr;
  std::mutex mutex_;
  std::condition_variable one_less_finishing_;
  std::size_t finishing_ = 0;
  StubScript script_;
  struct Body {
    std::int64_t seen = 0, answered = 0;
  };
  std::unordered_map<std::uint64_t, Body> bodies_;
  std::map<int, std::int64_t> by_status_;  ///< 0: no reply at all.
  std::int64_t calls_ = 0, answered_ = 0, duplicates_ = 0, prompt_tokens_ = 0, completion_tokens_ = 0;
  std::size_t in_flight_ = 0, in_flight_max_ = 0;
};

}  // namespace alluvium::connectors
