// SPDX-License-Identifier: Apache-2.0
// Reads Kafka topics alone, as a member of no group.
#pragma once

#include <memory>

#include "connectors/kafka_source.hpp"

namespace alluvium::connectors {

/// All partitions that the topics have when it is first polled are assigned at once and never revoked. Nothing is
/// committed, and members of the group that the options name notice nothing. Fails as make_kafka_source().
[[nodiscard]] pipeline::Result<std::unique_ptr<pipeline::Source>> make_kafka_reader(const KafkaSourceOptions& options);

}  // namespace alluvium::connectors
