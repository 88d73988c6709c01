// SPDX-License-Identifier: Apache-2.0
// Reads Kafka topics as a member of a consumer group.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/ports.hpp"

namespace alluvium::connectors {

struct KafkaSourceOptions {
  std::string brokers;              ///< host:port[,host:port...]
  std::vector<std::string> topics;  ///< A name that starts with ^ is a regular expression.
  std::string group = "alluvium";
  std::string instance_id;                              ///< Static membership, if not empty.
  bool start_at_end = false;                            ///< `start: latest`, for topics the ledger has never seen.
  std::size_t queue_bytes_max = std::size_t{64} << 20;  ///< What librdkafka may prefetch, over all partitions.
  std::map<std::string, std::string> properties;        ///< Any librdkafka property; these win.
};

/// Fails with `invalid_config` on a property librdkafka refuses, with its reason.
[[nodiscard]] pipeline::Result<std::unique_ptr<pipeline::Source>> make_kafka_source(const KafkaSourceOptions& options);

}  // namespace alluvium::connectors
