// SPDX-License-Identifier: Apache-2.0
// A seeded stream of chat messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/workload/agents.hpp"
#include "bench/workload/random.hpp"
#include "bench/workload/rules.hpp"

namespace alluvium::bench {

struct WorkloadOptions {
  std::uint64_t messages = 1'000'000;
  std::uint64_t agents = 10'000;
  double skew = 0;            ///< Zipf's exponent; 0: all agents are equally busy.
  std::uint64_t length = 90;  ///< Mean of the content of a message that is not noise, in bytes.
  double match = 0.05;        ///< Share of messages that a rule matches, once.
  double noise = 0.2;         ///< Share of greetings and acknowledgements.
  std::uint64_t rules = 2;
  std::uint64_t seed = 42;
};

/// The same options give the same bytes.
class Messages {
 public:
  explicit Messages(const WorkloadOptions& options);

  /// Makes the next message; false when there are no more.
  bool next();

  /// Of the message made last: the agent's id, and the JSON object. Valid until the next one.
  [[nodiscard]] std::string_view key() const {
    return key_;
  }
  [[nodiscard]] std::string_view value() const {
    return value_;
  }

 private:
  void append_content();

  WorkloadOptions options_;
  std::vector<Rule> rules_;
  Random random_;
  AgentChoice agents_;
  std::uint64_t made_ = 0;
  std::string key_;
  std::string value_;
};

}  // namespace alluvium::bench
