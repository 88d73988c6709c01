// SPDX-License-Identifier: Apache-2.0
// Membership in the consumer group: which partitions are ours, from assignment to release. Or all of them, alone.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "connectors/kafka_partition.hpp"

namespace alluvium::connectors {

/// The group only says which partitions are ours. Each assignment is acknowledged at once with
/// nothing to read, so that other partitions flow on while this one is claimed in the store;
/// start() adds it. A revocation is acknowledged when all of its partitions were released.
class KafkaGroup {
 public:
  /// `wake_fd` is made ready when a partition has something to read.
  KafkaGroup(rd_kafka_t* consumer, int wake_fd) : consumer_(consumer), wake_fd_(wake_fd) {}

  /// Serves one rebalance event.
  void on_rebalance(rd_kafka_resp_err_t what, const rd_kafka_topic_partition_list_t& list,
                    pipeline::SourceListener& listener);
  /// Without a group: all partitions that these topics have now are ours. `unavailable` as find_topics().
  [[nodiscard]] pipeline::Result<void> take_all(const std::vector<std::string>& topics,
                                                pipeline::SourceListener& listener);
  [[nodiscard]] pipeline::Result<void> start(std::span<const pipeline::StartAt> starts);
  /// Gives them back, the last of a revocation with all others of it. Slots that are not revoked
  /// are left alone.
  void release(std::span<const pipeline::PartitionSlot> slots);
  void stop_all();

  /// A revocation waits for its release.
  [[nodiscard]] bool revoking() const {
    return !revoking_.empty();
  }
  /// By slot. Grows with the partitions ever assigned to us.
  [[nodiscard]] std::deque<KafkaPartition>& partitions() {
    return partitions_;
  }
  [[nodiscard]] const std::deque<KafkaPartition>& partitions() const {
    return partitions_;
  }
  [[nodiscard]] pipeline::Backlog backlog() const;

 private:
  using Slots = std::vector<pipeline::PartitionSlot>;

  void on_assigned(const Slots& slots, pipeline::SourceListener& listener);
  void on_revoked(const Slots& slots, pipeline::SourceListener& listener);
  void acknowledge_revocation();
  [[nodiscard]] pipeline::Result<void> assign_cooperatively(const Slots& slots);
  [[nodiscard]] pipeline::Result<void> assign_all_running();
  [[nodiscard]] bool cooperative() const;
  pipeline::PartitionSlot slot_of(pipeline::TopicPartition name);

  rd_kafka_t* consumer_;
  int wake_fd_;
  bool alone_ = false;
  std::deque<KafkaPartition> partitions_;
  std::map<pipeline::TopicPartition, pipeline::PartitionSlot> slots_;
  std::set<pipeline::PartitionSlot> revoking_;  ///< Revoked and not released yet.
  Slots to_unassign_;                           ///< Released, to be acknowledged with the others.
};

}  // namespace alluvium::connectors
