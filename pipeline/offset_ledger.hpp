// SPDX-License-Identifier: Apache-2.0
// Which offsets of one partition are done, and the watermark below which all are.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "pipeline/message.hpp"

namespace alluvium::pipeline {

/// Offsets in a window above the watermark stop being read beyond this many (about 0.5 MB of bits).
inline constexpr std::int64_t window_offsets_max = 4'000'000;

/// One bit per offset above the watermark, plus a small set for each bundle that is partly done.
/// Marking twice changes nothing; marking below the watermark neither.
class OffsetLedger {
 public:
  explicit OffsetLedger(std::int64_t watermark = 0) : watermark_{watermark}, base_{watermark} {}

  /// One message is done. A bundle's offset is done with the last of its messages.
  void mark(const Position& position);
  /// All of [from, to) is done: a gap.
  void mark_range(std::int64_t from, std::int64_t to);

  [[nodiscard]] bool is_done(std::int64_t offset) const;
  [[nodiscard]] bool is_done(const Position& position) const;
  /// The lowest offset that is not done.
  [[nodiscard]] std::int64_t watermark() const {
    return watermark_;
  }

 private:
  void set(std::int64_t offset);
  void forget_bundles(std::int64_t from, std::int64_t to);
  void advance();

  std::int64_t watermark_;
  std::int64_t base_;                                            ///< Offset of the first bit of words_.
  std::deque<std::uint64_t> words_;                              ///< Bit i of word w: offset base_ + 64 w + i is done.
  std::unordered_map<std::int64_t, std::vector<bool>> bundles_;  ///< Partly done ones.
};

}  // namespace alluvium::pipeline
