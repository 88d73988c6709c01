// SPDX-License-Identifier: Apache-2.0
// Kafka's committed offsets, which follow the ledger's watermarks so that lag tools are right.
#pragma once

#include <chrono>
#include <deque>
#include <span>

#include "connectors/kafka_partition.hpp"

namespace alluvium::connectors {

/// A failure is of no consequence: the ledger decides where to read.
class KafkaWatermarks {
 public:
  explicit KafkaWatermarks(rd_kafka_t* consumer) : consumer_(consumer), answers_(rd_kafka_queue_new(consumer)) {}

  /// To be called by each poll. After a long silence, as of a process that was frozen, nothing is sent for a while: the
  /// group may have dropped us, and a commit that meets the join of a static member under its old id looks to
  /// librdkafka as if another process had taken that id over, which is the end of a consumer.
  void beat();
  /// Sends what has moved, at most once a second and one request at a time.
  void commit(std::deque<KafkaPartition>& partitions);
  /// Sends the last ones of these and waits for the answer, but not for long.
  void commit_and_wait(std::deque<KafkaPartition>& partitions, std::span<const pipeline::PartitionSlot> slots);

 private:
  rd_kafka_t* consumer_;
  KafkaQueue answers_;
  bool in_flight_ = false;
  std::chrono::steady_clock::time_point beat_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point quiet_until_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace alluvium::connectors
