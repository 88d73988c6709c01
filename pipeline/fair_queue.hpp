// SPDX-License-Identifier: Apache-2.0
// Whose turn it is: one request of each agent after the other, however many an agent has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace alluvium::pipeline {

/// Round robin over agents, first come first served within one. Holds ids only; its user bounds how many.
class FairQueue {
 public:
  void push(const std::string& agent_id, std::int64_t id);
  /// Back to the front of its agent's queue, and the agent to the front of the round.
  void push_front(const std::string& agent_id, std::int64_t id);
  [[nodiscard]] std::optional<std::int64_t> pop();
  [[nodiscard]] std::size_t size() const {
    return size_;
  }
  [[nodiscard]] bool empty() const {
    return size_ == 0;
  }

 private:
  std::unordered_map<std::string, std::deque<std::int64_t>> waiting_;  ///< No empty ones.
  std::deque<std::string> round_;                                      ///< Each agent of waiting_ once.
  std::size_t size_ = 0;
};

}  // namespace alluvium::pipeline
