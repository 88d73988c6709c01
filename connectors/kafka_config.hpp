// SPDX-License-Identifier: Apache-2.0
// Our options and the user's properties -> a librdkafka consumer.
#pragma once

#include "connectors/kafka_handles.hpp"
#include "connectors/kafka_source.hpp"

namespace alluvium::connectors {

/// `partitions`: how many may be read at once, which divides the prefetch budget; 0 if unknown.
/// `invalid_config`: a property that librdkafka refuses, or one that would break what the ledger
/// promises.
[[nodiscard]] pipeline::Result<KafkaConsumer> make_kafka_consumer(const KafkaSourceOptions& options,
                                                                  std::size_t partitions);

/// What librdkafka may prefetch per partition, in KiB.
[[nodiscard]] std::size_t kafka_queue_kib(const KafkaSourceOptions& options, std::size_t partitions);

}  // namespace alluvium::connectors
