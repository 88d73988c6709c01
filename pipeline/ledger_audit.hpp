// SPDX-License-Identifier: Apache-2.0
// Proves from what is stored that every message of a partition ended exactly once.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
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

/// Fed with everything that is stored about one partition: first the positions, then the ranges, both in
/// any order; then asked once.
/// Holds one bit per offset since the partition's start, plus the bundles not yet seen whole.
class LedgerAudit {
 public:
  /// Offsets that can be checked, from the start on (4 GiB of bits); what lies beyond is a fault.
  static constexpr std::int64_t offsets_max = std::int64_t{1} << 35;

  LedgerAudit(TopicPartition partition, std::int64_t start_offset, std::int64_t watermark);
  void add(const Position& position, Outcome outcome);
  /// A gap may lie over something done, whole or in part: compaction took the record away after that.
  void add_gap(const Gap& gap);
  /// A lost range may lie over a bundle that is done in part: its other messages can't be read any more.
  void add_lost(const Gap& lost);
  /// Something wrong that the reader of the rows found itself.
  void fault(std::string what);
  /// Finds: an offset below the watermark that is missing; a watermark that stops before its time; a
  /// position that is there twice; a bundle with parts missing; counts that differ from `stored`.
  [[nodiscard]] AuditReport finish(const OutcomeCounts& stored);

 private:
  struct Bundle {
    std::uint32_t count = 0;
    std::vector<std::uint32_t> seen;  ///< Ascending.
  };

  bool in_reach(std::int64_t from, std::int64_t to);
  void cover(std::int64_t offset);
  void cover_range(const Gap& range, bool lost);
  void add_part(const Position& position);
  [[nodiscard]] bool covered(std::int64_t offset) const;
  void find_missing();
  void find_partial_bundles();

  AuditReport report_;
  std::vector<bool> covered_;  ///< By offset - report_.from.
  std::unordered_map<std::int64_t, Bundle> partial_;
  std::int64_t more_faults_ = 0;
};

}  // namespace alluvium::pipeline
