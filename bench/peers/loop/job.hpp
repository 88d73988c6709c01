// SPDX-License-Identifier: Apache-2.0
// The job itself: a buffer per agent, noise out, rules, each memory once.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <simdjson.h>

#include "bench/peers/loop/patterns.hpp"

namespace alluvium::bench {

/// Everything is kept in memory and nothing is ever forgotten: agents and their memories grow without a bound.
class Job {
 public:
  /// Takes a memory: the agent it belongs to, and its JSON.
  using Output = std::function<void(std::string_view agent, std::string_view memory)>;

  Job(Patterns patterns, Output output) : patterns_{std::move(patterns)}, output_{std::move(output)} {}

  /// Takes one message as JSON; what is none is passed over. A full buffer is worked off.
  void take(std::string_view json);

  /// Works off what is left in the buffers.
  void finish();

  [[nodiscard]] std::size_t memories() const {
    return memories_;
  }

 private:
  struct Message {
    std::string id;
    std::string content;
  };
  struct Agent {
    std::vector<Message> buffer;
    std::unordered_set<std::string> known;  ///< Normalised contents of its memories.
    std::size_t batches = 0;
  };

  void flush(const std::string& name, Agent& agent);
  void remember(const std::string& name, Agent& agent, const Message& message, std::string_view rule,
                std::string_view content);

  Patterns patterns_;
  Output output_;
  simdjson::ondemand::parser parser_;
  std::string json_;
  std::string memory_;
  std::unordered_map<std::string, Agent> agents_;
  std::size_t memories_ = 0;
};

}  // namespace alluvium::bench
