// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/stream.hpp"

#include <algorithm>

namespace alluvium::simulation {

std::size_t Partition::at(std::int64_t offset) const {
  const auto found = std::lower_bound(records.begin(), records.end(), offset,
                                      [](const Record& record, std::int64_t want) { return record.offset < want; });
  return static_cast<std::size_t>(found - records.begin());
}

const Record* Partition::find(std::int64_t offset) const {
  const auto i = at(offset);
  return i < records.size() && records[i].offset == offset ? &records[i] : nullptr;
}

Stream::Stream(const StreamOptions& options, Random& random)
    : options_{options}, random_{random}, left_{options.records} {
  for (int i = 0; i < options.partitions; ++i) {
    Partition partition;
    partition.name = name_of(i);
    partition.first = partition.end = random.once_in(2) ? 0 : random.between(1, 200);
    partition.records.reserve(static_cast<std::size_t>(options.records));
    partition.exists = !options.last_is_added_late || i + 1 < options.partitions;
    partition.added = !partition.exists;
    partitions_.push_back(std::move(partition));
  }
}

Partition& Stream::any() {
  for (;;) {
    auto& partition = partitions_[random_.below(static_cast<std::uint32_t>(partitions_.size()))];
    if (partition.exists) {
      return partition;
    }
  }
}

bool Stream::produce() {
  if (left_ == 0) {
    return false;
  }
  append(any());
  --left_;
  return true;
}

void Stream::append(Partition& partition) {
  if (random_.once_in(options_.gap_once_in)) {
    partition.end += random_.between(1, 3);
  }
  if (random_.once_in(options_.wide_gap_once_in)) {
    partition.end += options_.wide_gap;
  }
  Record record;
  record.offset = partition.end++;
  record.count = random_.once_in(options_.bundle_once_in) ? static_cast<std::uint32_t>(random_.between(2, 3)) : 1;
  const auto place = std::to_string(index_of(partition.name)) + "/" + std::to_string(record.offset);
  for (std::uint32_t i = 0; i < record.count; ++i) {
    auto& message = record.messages[i];
    message.id = record.count == 1 ? place : place + "/" + std::to_string(i);
    message.agent = random_.between(0, options_.agents - 1);
    message.marked = random_.once_in(2);
    message.dead = random_.once_in(options_.dead_once_in);
  }
  partition.records.push_back(std::move(record));
}

void Stream::produce_last() {
  for (auto& partition : partitions_) {
    append(partition);
    partition.end += random_.once_in(3) ? random_.between(1, 3) : 0;
  }
}

void Stream::retain() {
  auto& partition = any();
  partition.whole = false;
  partition.first += static_cast<std::int64_t>(
      random_.below(static_cast<std::uint32_t>(std::min<std::int64_t>(partition.end - partition.first, 12)) + 1));
}

void Stream::compact() {
  auto& partition = any();
  // The newest record of a log is never taken.
  if (partition.records.size() > 1) {
    partition.whole = false;
    partition.records[random_.below(static_cast<std::uint32_t>(partition.records.size() - 1))].compacted = true;
  }
}

void Stream::add_last() {
  partitions_.back().exists = true;
}

}  // namespace alluvium::simulation
