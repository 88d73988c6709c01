// SPDX-License-Identifier: Apache-2.0
// Notices that a topic was deleted and made anew under the same name: its offsets mean other records then.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "connectors/kafka_handles.hpp"

namespace alluvium::connectors {

/// Asks the cluster for the ids of the topics that are read, every ten seconds and without waiting. One thread.
class KafkaTopicWatch {
 public:
  explicit KafkaTopicWatch(rd_kafka_t* client) : client_(client), answers_(rd_kafka_queue_new(client)) {}

  /// This topic is read, and has this id.
  void note(const std::string& topic, const std::string& id);
  /// Topics that have another id since; each change is told once.
  [[nodiscard]] std::vector<std::string> changed();

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds ask_every{10};

  rd_kafka_t* client_;
  KafkaQueue answers_;
  std::map<std::string, std::string> ids_;  ///< At most one per topic of the subscription.
  Clock::time_point ask_at_ = Clock::now() + ask_every;
};

}  // namespace alluvium::connectors
