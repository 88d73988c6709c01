// SPDX-License-Identifier: Apache-2.0
// What becomes of each record of a claimed partition: the reader's decisions.
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/offset_ledger.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::pipeline {

/// Follows one partition from the claim on: which offset comes next, which records are done already, where
/// there are gaps, and how far reading may run ahead of the watermark.
class PartitionReading {
 public:
  enum class Step {
    ignore,  ///< Read before, or not wanted until the partition is started again.
    rewind,  ///< Too wide a gap lies before it: read nothing more until advanced() asks for a new start.
    skip,    ///< Done: before the claim. Of interest to the selector alone.
    rest,    ///< Before the claim a part of it may have been done: take the messages that are not is_done().
    take,
  };

  PartitionReading() = default;
  /// `window`: reading stops when it is more than so many offsets above the watermark.
  explicit PartitionReading(const Claim& claim, std::int64_t window = window_offsets_max);

  /// The next record is at `offset`. Adds to `gaps` what lies between it and the one before.
  [[nodiscard]] Step on_record(std::int64_t offset, std::vector<Gap>& gaps);
  /// All below `offset` was read or does not exist. Skip: noted; rewind and ignore as above.
  [[nodiscard]] Step on_end(std::int64_t offset, std::vector<Gap>& gaps);
  /// Done before the claim.
  [[nodiscard]] bool is_done(const Position& position) const {
    return done_.is_done(position);
  }

  /// The watermark is at `watermark` now. True if the partition has to be started again at next(): after a rewind.
  [[nodiscard]] bool advanced(std::int64_t watermark);
  /// It has to be held until it has_room().
  [[nodiscard]] bool is_full() const {
    return next_ - watermark_ > window_;
  }
  [[nodiscard]] bool has_room() const {
    return !rewinding_ && next_ - watermark_ < window_ / 2;
  }

  /// The offset expected next.
  [[nodiscard]] std::int64_t next() const {
    return next_;
  }
  [[nodiscard]] std::int64_t watermark() const {
    return watermark_;
  }

 private:
  bool is_too_wide(std::int64_t to);
  void pass(std::int64_t to, std::vector<Gap>& gaps);

  OffsetLedger done_;          ///< As of the claim: what is read again and must be skipped.
  std::int64_t done_end_ = 0;  ///< No offset from here on is in done_.
  std::int64_t next_ = 0;
  std::int64_t watermark_ = 0;
  std::int64_t window_ = window_offsets_max;
  bool rewinding_ = false;  ///< Before a wide gap: read again from next_ once all below is done.
};

}  // namespace alluvium::pipeline
