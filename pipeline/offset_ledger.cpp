// SPDX-License-Identifier: Apache-2.0
#include "pipeline/offset_ledger.hpp"

#include <algorithm>
#include <bit>

namespace alluvium::pipeline {

void OffsetLedger::mark(const Position& position) {
  if (position.offset < watermark_) {
    return;
  }
  if (position.count > 1) {
    auto& done = bundles_[position.offset];
    done.resize(std::max<std::size_t>(done.size(), position.count));
    done[position.index] = true;
    if (std::find(done.begin(), done.end(), false) != done.end()) {
      return;
    }
    bundles_.erase(position.offset);
  }
  set(position.offset);
  advance();
}

void OffsetLedger::mark_range(std::int64_t from, std::int64_t to) {
  from = std::max(from, watermark_);
  if (from == watermark_ && to > from) {
    // The usual gap: nothing above it is known yet, so the bits need not be written one by one.
    const auto bits = static_cast<std::int64_t>(words_.size()) * 64;
    if (to >= base_ + bits) {
      words_.clear();
      watermark_ = base_ = to;
      return;
    }
  }
  for (auto offset = from; offset < to; ++offset) {
    set(offset);
  }
  advance();
}

bool OffsetLedger::is_done(std::int64_t offset) const {
  if (offset < watermark_) {
    return true;
  }
  const auto bit = static_cast<std::uint64_t>(offset - base_);
  const auto word = bit / 64;
  return word < words_.size() && ((words_[word] >> (bit % 64)) & 1U) != 0;
}

bool OffsetLedger::is_done(const Position& position) const {
  if (is_done(position.offset)) {
    return true;
  }
  if (position.count <= 1) {
    return false;
  }
  const auto found = bundles_.find(position.offset);
  return found != bundles_.end() && position.index < found->second.size() && found->second[position.index];
}

void OffsetLedger::set(std::int64_t offset) {
  const auto bit = static_cast<std::uint64_t>(offset - base_);
  if (bit / 64 >= words_.size()) {
    words_.resize(bit / 64 + 1);
  }
  words_[bit / 64] |= std::uint64_t{1} << (bit % 64);
}

void OffsetLedger::advance() {
  while (!words_.empty()) {
    const auto bit = static_cast<unsigned>(watermark_ - base_);
    const auto rest = ~words_.front() >> bit;  // Not done from the watermark on: the first 1 is it.
    if (rest != 0) {
      watermark_ += std::countr_zero(rest);
      if (watermark_ - base_ < 64) {
        return;
      }
    }
    base_ += 64;
    watermark_ = base_;
    words_.pop_front();
  }
}

}  // namespace alluvium::pipeline
