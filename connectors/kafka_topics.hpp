// SPDX-License-Identifier: Apache-2.0
// What the cluster knows of topics: their ids, their partitions, where the partitions end.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "connectors/kafka_handles.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

/// How long one question to the cluster may take.
inline constexpr std::chrono::milliseconds kafka_answer_within{5000};

struct KafkaTopic {
  std::string name;
  std::int32_t partitions = 0;
};

/// What a subscription means now: names as they are, ^expressions by what the cluster has.
/// `unavailable` also if a named topic does not exist.
[[nodiscard]] pipeline::Result<std::vector<KafkaTopic>> find_topics(rd_kafka_t* client,
                                                                    const std::vector<std::string>& subscription);
/// A UUID in base64; empty if the cluster has none.
[[nodiscard]] pipeline::Result<std::string> topic_id(rd_kafka_t* client, const std::string& name);
/// The same question without waiting: its answer comes to `queue`, as an event for topic_ids().
void ask_topic_ids(rd_kafka_t* client, const std::vector<std::string>& names, rd_kafka_queue_t* queue);
/// Names with their ids; without those that the cluster does not know, or has no id of.
[[nodiscard]] std::map<std::string, std::string> topic_ids(rd_kafka_event_t* answer);
/// `invalid_config` if librdkafka refuses a name.
[[nodiscard]] pipeline::Result<void> subscribe_to(rd_kafka_t* consumer, const std::vector<std::string>& subscription);
/// What the partition holds now.
[[nodiscard]] pipeline::Result<pipeline::OffsetRange> offset_range(rd_kafka_t* client,
                                                                   const pipeline::TopicPartition& partition);
/// The end of every partition as this client can reach it: under read_committed that is before the
/// first open transaction.
[[nodiscard]] pipeline::Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> end_offsets(
    rd_kafka_t* client, const std::vector<KafkaTopic>& topics);

}  // namespace alluvium::connectors
