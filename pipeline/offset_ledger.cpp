// SPDX-License-Identifier: Apache-2.0
#include "pipeline/offset_ledger.hpp"

#include <algorithm>
#include <bit>
#include <iterator>

namespace alluvium::pipeline {

void OffsetLedger::mark(const Position& position) {
  if (is_done(position.offset)) {
    return;
  }
  if (position.count > 1) {
    auto& done = bundles_[position.offset];
    done.resize(std::max<std::size_t>({done.size(), position.count, std::size_t{position.index} + 1}));
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
  if (from >= to) {
    return;
  }
  forget_bundles(from, to);
  if (from == watermark_) {
    // The usual gap: nothing above it is known yet, so the bits need not be written one by one.
    const auto bits = static_cast<std::int64_t>(words_.size()) * 64;
    if (to >= base_ + bits) {
      words_.clear();
      watermark_ = base_ = to;
      return;
    }
  }
  while (from < to) {
    // Whole words at once: a compacted topic can lack millions of offsets in a row.
    if ((from - base_) % 64 == 0 && to - from >= 64) {
      set(from + 63);
      words_[static_cast<std::size_t>((from - base_) / 64)] = ~std::uint64_t{0};
      from += 64;
    } else {
      set(from++);
    }
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

void OffsetLedger::forget_bundles(std::int64_t from, std::int64_t to) {
  if (to - from > std::ssize(bundles_)) {
    std::erase_if(bundles_, [=](const auto& bundle) { return bundle.first >= from && bundle.first < to; });
    return;
  }
  for (auto offset = from; offset < to; ++offset) {
    bundles_.erase(offset);
  }
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
