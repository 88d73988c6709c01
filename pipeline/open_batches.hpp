// SPDX-License-Identifier: Apache-2.0
// Where a claim has to begin to look for batches at or above the watermark.
#pragma once

#include <cstdint>
#include <deque>

namespace alluvium::pipeline {

/// Fed with a partition's batches in order of their rows. Only rows that reach higher than every row
/// before them can ever be the answer, so only these are kept.
class OpenBatches {
 public:
  void add(std::int64_t row, std::int64_t max_offset);
  /// Forgets the rows that end below `watermark`.
  void pass(std::int64_t watermark);
  /// The partition's last row, if rows below the floor of an earlier time were not added.
  void ends_at(std::int64_t row) {
    last_ = row;
  }
  /// The first row of interest; if there is none, the one after the partition's last.
  [[nodiscard]] std::int64_t floor() const;
  [[nodiscard]] std::int64_t last() const {
    return last_;
  }

 private:
  struct Row {
    std::int64_t id;
    std::int64_t max_offset;
  };
  std::deque<Row> rows_;  ///< At most one per batch in the window above the watermark.
  std::int64_t last_ = 0;
};

}  // namespace alluvium::pipeline
