// SPDX-License-Identifier: Apache-2.0
// Proves from what is stored that every message of a partition ended exactly once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/memory.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::pipeline {

/// What was found about one partition. In = out when `faults` is empty.
struct AuditReport {
  TopicPartition partition;
  std::int64_t from = 0, watermark = 0;
  std::int64_t records = 0;  ///< Offsets with messages, done.
  std::int64_t messages = 0;
  OutcomeCounts outcomes;
  std::int64_t gaps = 0, lost = 0;  ///< Offsets.
  std::vector<std::string> faults;  ///< For people; at most faults_max, then one that counts the rest.
  static constexpr std::size_t faults_max = 20;
};

/// Fed with everything that is stored about one partition, in any order; then asked once.
/// Holds one bit per offset since the partition's start, plus its bundles.
class LedgerAudit {
 public:
  LedgerAudit(TopicPartition partition, std::int64_t start_offset, std::int64_t watermark);
  void add(const Position& position, Outcome outcome);
  void add_gap(const Gap& gap);
  void add_lost(const Gap& lost);
  /// Finds: an offset below the watermark that is missing; a position that is there twice; a bundle
  /// with parts missing; counts that differ from `stored`.
  [[nodiscard]] AuditReport finish(const OutcomeCounts& stored);

 private:
  void cover(std::int64_t offset);

  AuditReport report_;
  std::vector<bool> covered_;
  std::vector<Position> bundled_;
};

}  // namespace alluvium::pipeline
