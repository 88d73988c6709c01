// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stream_scope.hpp"

#include <algorithm>

namespace alluvium::pipeline {

bool StreamScope::is_whole() const {
  return agents.empty() && from_ms == std::numeric_limits<std::int64_t>::min() &&
         to_ms == std::numeric_limits<std::int64_t>::max();
}

const PartitionScope* StreamScope::of(const TopicPartition& partition) const {
  const auto found = partitions.find(partition);
  return found == partitions.end() ? nullptr : &found->second;
}

void OffsetSet::add(std::int64_t offset) {
  if (!ranges_.empty() && offset >= ranges_.back().first && offset <= ranges_.back().last + 1) {
    ranges_.back().last = std::max(ranges_.back().last, offset);
  } else {
    ranges_.push_back({offset, offset});
  }
}

void OffsetSet::close() {
  std::ranges::sort(ranges_, {}, &Range::first);
  std::size_t kept = 0;
  for (std::size_t i = 1; i < ranges_.size(); ++i) {
    if (ranges_[i].first <= ranges_[kept].last + 1) {
      ranges_[kept].last = std::max(ranges_[kept].last, ranges_[i].last);
    } else {
      ranges_[++kept] = ranges_[i];
    }
  }
  if (!ranges_.empty()) {
    ranges_.resize(kept + 1);
    ranges_.shrink_to_fit();
  }
}

bool OffsetSet::contains(std::int64_t offset) const {
  const auto after = std::ranges::upper_bound(ranges_, offset, {}, &Range::first);
  return after != ranges_.begin() && offset <= std::prev(after)->last;
}

}  // namespace alluvium::pipeline
