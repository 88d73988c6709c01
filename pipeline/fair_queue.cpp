// SPDX-License-Identifier: Apache-2.0
#include "pipeline/fair_queue.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::pipeline {

void FairQueue::push(const std::string& agent_id, std::int64_t id) {
  auto [at, is_new] = waiting_.try_emplace(agent_id);
  if (is_new) {
    round_.push_back(agent_id);
  }
  at->second.push_back(id);
  ++size_;
}

void FairQueue::push_front(const std::string& agent_id, std::int64_t id) {
  auto [at, is_new] = waiting_.try_emplace(agent_id);
  if (!is_new) {
    // Mostly it has just been popped, and stands at the end.
    const auto place = std::find(round_.rbegin(), round_.rend(), agent_id);
    round_.erase(std::next(place).base());
  }
  round_.push_front(agent_id);
  at->second.push_front(id);
  ++size_;
}

std::optional<std::int64_t> FairQueue::pop() {
  if (round_.empty()) {
    return std::nullopt;
  }
  auto agent_id = std::move(round_.front());
  round_.pop_front();
  const auto at = waiting_.find(agent_id);
  const auto id = at->second.front();
  at->second.pop_front();
  --size_;
  if (at->second.empty()) {
    waiting_.erase(at);
  } else {
    round_.push_back(std::move(agent_id));
  }
  return id;
}

}  // namespace alluvium::pipeline
