// SPDX-License-Identifier: Apache-2.0
#include "pipeline/backfill_choice.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::pipeline {

std::vector<SkippedGroup> group_by_score(const std::string& agent_id, std::vector<SkippedMessage> messages,
                                         std::size_t messages_max) {
  const auto stands = [](const SkippedMessage& message) { return std::pair{message.batch, message.place}; };
  std::ranges::sort(messages, [&](const SkippedMessage& one, const SkippedMessage& other) {
    return std::pair{-one.score, stands(one)} < std::pair{-other.score, stands(other)};
  });
  std::vector<SkippedGroup> groups;
  for (auto& message : messages) {
    if (groups.empty() || groups.back().messages.size() == messages_max) {
      groups.push_back({.agent_id = agent_id, .messages = {}, .score = message.score});
    }
    groups.back().messages.push_back(std::move(message));
  }
  for (auto& group : groups) {
    std::ranges::sort(group.messages, {}, stands);
  }
  return groups;
}

BackfillChoice choose_backfill(std::vector<SkippedWork> work, std::optional<Money> budget) {
  std::erase_if(work, [](const SkippedWork& one) { return one.messages == 0; });
  std::ranges::sort(work, [](const SkippedWork& one, const SkippedWork& other) {
    return std::pair{-one.score, one.group} < std::pair{-other.score, other.group};
  });
  BackfillChoice choice;
  for (const auto& one : work) {
    if (budget && choice.cost.pico + one.cost.pico > budget->pico) {
      break;
    }
    choice.groups.push_back(one.group);
    choice.messages += one.messages;
    choice.cost += one.cost;
  }
  std::ranges::sort(choice.groups);
  return choice;
}

}  // namespace alluvium::pipeline
