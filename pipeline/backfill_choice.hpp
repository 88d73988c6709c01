// SPDX-License-Identifier: Apache-2.0
// Of what was skipped: what is asked about together, and what a budget can still pay for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/message.hpp"
#include "pipeline/money.hpp"

namespace alluvium::pipeline {

struct SkippedMessage {
  std::int64_t batch = 0;  ///< Its row in the store.
  std::uint32_t place = 0;
  TopicPartition partition;
  Position position;
  int score = 0;
};

/// Messages of one agent that a model is asked about at once, by batch and place.
struct SkippedGroup {
  std::string agent_id;
  std::vector<SkippedMessage> messages;
  int score = 0;  ///< The best of theirs.
};

/// Groups of at most `messages_max` messages (1 or more) of an agent, so that those of like score come together: the
/// best first; among equals in the order of batch and place.
[[nodiscard]] std::vector<SkippedGroup> group_by_score(const std::string& agent_id,
                                                       std::vector<SkippedMessage> messages, std::size_t messages_max);

/// A group, once its messages were looked for in the stream.
struct SkippedWork {
  std::size_t group = 0;
  int score = 0;
  std::int64_t messages = 0;  ///< That the stream still has.
  Money cost;                 ///< The most that asking about them may cost.
};

struct BackfillChoice {
  std::vector<std::size_t> groups;  ///< Ascending.
  std::int64_t messages = 0;
  Money cost;
};

/// The best first, among equals by number, until one does not fit into `budget` (absent: without limit). What has no
/// message left is never chosen.
[[nodiscard]] BackfillChoice choose_backfill(std::vector<SkippedWork> work, std::optional<Money> budget);

}  // namespace alluvium::pipeline
