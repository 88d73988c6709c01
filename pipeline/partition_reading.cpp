// SPDX-License-Identifier: Apache-2.0
#include "pipeline/partition_reading.hpp"

#include <algorithm>

namespace alluvium::pipeline {

PartitionReading::PartitionReading(const Claim& claim, std::int64_t window)
    : done_{claim.watermark},
      done_end_{claim.done.empty() ? claim.watermark : claim.done.back().offset + 1},
      next_{claim.selector ? std::min(claim.selector->offset, claim.watermark) : claim.watermark},
      watermark_{claim.watermark},
      window_{window} {
  for (const auto& position : claim.done) {
    done_.mark(position);
  }
}

PartitionReading::Step PartitionReading::on_record(std::int64_t offset, std::vector<Gap>& gaps) {
  if (offset < next_ || rewinding_) {
    return Step::ignore;
  }
  if (is_too_wide(offset)) {
    return Step::rewind;
  }
  pass(offset, gaps);
  next_ = offset + 1;
  if (offset >= done_end_) {
    return Step::take;
  }
  return done_.is_done(offset) ? Step::skip : Step::rest;
}

PartitionReading::Step PartitionReading::on_end(std::int64_t offset, std::vector<Gap>& gaps) {
  if (rewinding_) {
    return Step::ignore;
  }
  if (is_too_wide(offset)) {
    return Step::rewind;
  }
  pass(offset, gaps);
  next_ = std::max(next_, offset);
  return Step::skip;
}

/// A gap wider than the window, above something that is not done, would cost a bit per offset. Then
/// what is below is let go first, and the place is read again.
bool PartitionReading::is_too_wide(std::int64_t to) {
  if (to - next_ <= window_ || watermark_ >= next_) {
    return false;
  }
  rewinding_ = true;
  return true;
}

/// Offsets from the one expected up to `to` do not exist, but for those that a batch has settled
/// and that were deleted since.
void PartitionReading::pass(std::int64_t to, std::vector<Gap>& gaps) {
  for (auto from = next_; from < to;) {
    if (from < done_end_ && done_.is_done(from)) {
      ++from;
      continue;
    }
    auto end = to;
    if (from < done_end_) {
      end = from + 1;
      while (end < to && !(end < done_end_ && done_.is_done(end))) {
        ++end;
      }
    }
    gaps.push_back({from, end});
    from = end;
  }
}

bool PartitionReading::advanced(std::int64_t watermark) {
  watermark_ = watermark;
  if (!rewinding_ || watermark_ < next_) {
    return false;
  }
  rewinding_ = false;
  return true;
}

}  // namespace alluvium::pipeline
