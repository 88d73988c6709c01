// SPDX-License-Identifier: Apache-2.0
// Writes a workload to a topic.
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

#include "bench/workload/messages.hpp"

namespace alluvium::bench {

struct ProducerOptions {
  std::string brokers;
  std::string topic;
  double rate = 0;                   ///< Messages per second, evenly; 0: as fast as the broker takes them.
  std::string compression = "none";  ///< As librdkafka names it.
};

/// Returns when the broker has all messages; their number, or what went wrong.
[[nodiscard]] tl::expected<std::uint64_t, std::string> produce(Messages& messages, const ProducerOptions& options);

}  // namespace alluvium::bench
