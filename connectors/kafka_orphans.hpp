// SPDX-License-Identifier: Apache-2.0
// Partitions that nobody reads. A static member that was the group's leader and comes back gets its old assignment and
// is not told that it still leads (KAFKA-13435; librdkafka does not know KIP-814): what was added to the topics
// meanwhile is then given to nobody until something else changes the group.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "connectors/kafka_handles.hpp"
#include "connectors/kafka_source.hpp"

namespace alluvium::connectors {

/// Only static members of the classic protocol need it. The polling thread.
class KafkaOrphans {
 public:
  KafkaOrphans(rd_kafka_t* consumer, const KafkaSourceOptions& options);

  [[nodiscard]] static bool needed(const KafkaSourceOptions& options);
  /// True if there were some in two looks in a row: joining anew, by anyone, gives them a reader. Looks as often as
  /// topics are looked at (topic.metadata.refresh.interval.ms), and waits for the cluster only to hear of topics.
  bool found();

 private:
  using Clock = std::chrono::steady_clock;

  void ask();
  bool look(rd_kafka_event_t* answer);

  rd_kafka_t* consumer_;
  std::string group_;
  std::vector<std::string> topics_;
  std::chrono::milliseconds interval_{30'000};
  KafkaQueue answers_;
  Clock::time_point next_;
  bool asked_ = false;
  bool seen_ = false;
};

}  // namespace alluvium::connectors
