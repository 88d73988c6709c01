// SPDX-License-Identifier: Apache-2.0
// A part of a stream: which agents' messages, of what time, between which offsets.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/message.hpp"

namespace alluvium::pipeline {

/// Offsets [start, end) of a partition that has this identity (Source::identity()).
struct PartitionScope {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::string identity;
};

struct StreamScope {
  std::set<std::string, std::less<>> agents;  ///< Exact ids; empty: all.
  /// The messages' own time in ms, [from, to).
  std::int64_t from_ms = std::numeric_limits<std::int64_t>::min();
  std::int64_t to_ms = std::numeric_limits<std::int64_t>::max();
  std::map<TopicPartition, PartitionScope> partitions;  ///< Nothing is read of others.

  [[nodiscard]] bool has_agent(std::string_view agent_id) const {
    return agents.empty() || agents.contains(agent_id);
  }
  [[nodiscard]] bool has(const MessageView& message) const {
    return has_agent(message.agent_id) && message.timestamp_ms >= from_ms && message.timestamp_ms < to_ms;
  }
  /// Every message between the offsets is in it: there is no need to look.
  [[nodiscard]] bool is_whole() const;
  /// Null if nothing of the partition is in it.
  [[nodiscard]] const PartitionScope* of(const TopicPartition& partition) const;
};

/// A set of offsets, kept as ranges: a few for what stands together, at worst 16 bytes for each offset.
class OffsetSet {
 public:
  void add(std::int64_t offset);
  /// After the last add(), before the first contains().
  void close();
  [[nodiscard]] bool contains(std::int64_t offset) const;

 private:
  struct Range {
    std::int64_t first, last;
  };
  std::vector<Range> ranges_;
};

}  // namespace alluvium::pipeline
