// SPDX-License-Identifier: Apache-2.0
// What marks everything that belongs to one claim of one partition.
#pragma once

#include <cstdint>
#include <memory>

#include "pipeline/ports.hpp"

namespace alluvium::pipeline {

/// One claim of one partition. What belongs to a claim that is over is dropped wherever it shows up:
/// `epoch` grows with every claim this process makes.
struct PartitionClaim {
  PartitionSlot slot = 0;
  std::uint64_t epoch = 0;
  TopicPartition name;
};
using ClaimPtr = std::shared_ptr<const PartitionClaim>;

}  // namespace alluvium::pipeline
