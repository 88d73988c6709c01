// SPDX-License-Identifier: Apache-2.0
// librdkafka's objects with owners, and its log and errors in our words.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>

#include <librdkafka/rdkafka.h>
#include <spdlog/spdlog.h>

namespace alluvium::connectors {

template <auto destroy>
struct Destroyer {
  template <class T>
  void operator()(T* object) const noexcept {
    destroy(object);
  }
};

using KafkaConf = std::unique_ptr<rd_kafka_conf_t, Destroyer<rd_kafka_conf_destroy>>;
using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;
using KafkaMessage = std::unique_ptr<rd_kafka_message_t, Destroyer<rd_kafka_message_destroy>>;
using KafkaError = std::unique_ptr<rd_kafka_error_t, Destroyer<rd_kafka_error_destroy>>;
using KafkaPartitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t, Destroyer<rd_kafka_topic_partition_list_destroy>>;

/// The consumer is closed in an orderly way before; what remains is freed without asking the group.
struct ConsumerDestroyer {
  void operator()(rd_kafka_t* consumer) const noexcept {
    rd_kafka_destroy_flags(consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
};
using KafkaConsumer = std::unique_ptr<rd_kafka_t, ConsumerDestroyer>;

/// Warnings that would come again and again while a trouble lasts: each text once in a while.
class Complaints {
 public:
  using Clock = std::chrono::steady_clock;

  void warn(std::string text) {
    // What follows changes each time: "(after 12ms in state CONNECT, 3 identical error(s) suppressed)".
    text.resize(std::min(text.size(), text.find(" (after ")));
    const auto now = Clock::now();
    if (said_.size() >= texts_max) {
      said_.clear();
    }
    const auto [known, fresh] = said_.try_emplace(text, now);
    if (fresh || now - known->second >= again_after) {
      known->second = now;
      spdlog::warn("kafka: {}", text);
    }
  }

 private:
  static constexpr std::chrono::minutes again_after{5};
  static constexpr std::size_t texts_max = 256;
  std::map<std::string, Clock::time_point> said_;
};

}  // namespace alluvium::connectors
