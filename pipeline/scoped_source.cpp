// SPDX-License-Identifier: Apache-2.0
#include "pipeline/scoped_source.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::pipeline {

ScopedSource::ScopedSource(Source& inner, StreamScope scope, Decoder decoder)
    : inner_{inner}, scope_{std::move(scope)}, whole_{scope_.is_whole()}, decoder_{std::move(decoder)} {}

Result<void> ScopedSource::open(SourceListener& listener) {
  listener_ = &listener;
  return inner_.open(*this);
}

Result<void> ScopedSource::poll(std::size_t bytes_max, std::chrono::milliseconds wait) {
  return inner_.poll(bytes_max, wait);
}

const TopicPartition& ScopedSource::name(PartitionSlot slot) const {
  return inner_.name(slot);
}

Result<std::string> ScopedSource::identity(PartitionSlot slot) {
  auto identity = inner_.identity(slot);
  if (identity && !identity->empty() && !slots_.at(slot)->identity.empty() && *identity != slots_.at(slot)->identity) {
    return fail(Errc::unsafe_to_go_on, name(slot).topic + "/" + std::to_string(name(slot).partition) +
                                           ": is another stream now than the one that the store knows by this name");
  }
  return identity;
}

Result<OffsetRange> ScopedSource::range(PartitionSlot slot) {
  const auto held = inner_.range(slot);
  if (!held) {
    return held;
  }
  const auto& scope = *slots_.at(slot);
  // Retention may have deleted all of it.
  const auto end = std::max(std::min(held->end, scope.end), scope.start);
  return OffsetRange{.first = std::clamp(held->first, scope.start, end), .end = end};
}

Result<void> ScopedSource::start(std::span<const StartAt> starts) {
  return inner_.start(starts);
}

Result<void> ScopedSource::release(std::span<const PartitionSlot> slots) {
  return inner_.release(slots);
}

void ScopedSource::hold(PartitionSlot slot, bool held) {
  inner_.hold(slot, held);
}

Backlog ScopedSource::backlog() const {
  return inner_.backlog();
}

Result<std::vector<std::pair<TopicPartition, std::int64_t>>> ScopedSource::ends() {
  auto ends = inner_.ends();
  if (ends) {
    std::erase_if(*ends, [this](const auto& end) { return scope_.of(end.first) == nullptr; });
    for (auto& [partition, end] : *ends) {
      end = std::min(end, scope_.of(partition)->end);
    }
  }
  return ends;
}

void ScopedSource::wake() {
  inner_.wake();
}

void ScopedSource::close() {
  inner_.close();
}

void ScopedSource::on_assigned(std::span<const PartitionSlot> slots) {
  std::vector<PartitionSlot> ours;
  for (const auto slot : slots) {
    if (const auto* scope = scope_.of(name(slot))) {
      slots_[slot] = scope;
      ours.push_back(slot);
    }
  }
  if (!ours.empty()) {
    listener_->on_assigned(ours);
  }
}

void ScopedSource::on_revoked(std::span<const PartitionSlot> slots, bool lost) {
  std::vector<PartitionSlot> ours;
  std::ranges::copy_if(slots, std::back_inserter(ours), [this](auto slot) { return slots_.contains(slot); });
  if (!ours.empty()) {
    listener_->on_revoked(ours, lost);
  }
}

void ScopedSource::on_record(PartitionSlot slot, const RecordView& record) {
  const auto end = slots_.at(slot)->end;
  if (record.offset >= end) {
    listener_->on_end(slot, end);
  } else if (is_in_scope(record)) {
    listener_->on_record(slot, record);
  } else {
    ++passed_over_;
  }
}

void ScopedSource::on_end(PartitionSlot slot, std::int64_t offset) {
  listener_->on_end(slot, std::min(offset, slots_.at(slot)->end));
}

void ScopedSource::on_stalled(PartitionSlot slot, const std::string& detail) {
  listener_->on_stalled(slot, detail);
}

bool ScopedSource::is_in_scope(const RecordView& record) {
  if (whole_) {
    return true;
  }
  MessageChunk chunk;
  dead_.clear();
  decoder_.decode(record, 0, chunk, dead_);
  return std::ranges::any_of(chunk.entries(), [this](const auto& entry) { return scope_.has(entry.message()); });
}

}  // namespace alluvium::pipeline
