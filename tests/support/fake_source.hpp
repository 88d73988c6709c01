// SPDX-License-Identifier: Apache-2.0
// A source in memory: partitions of records, memberships that change on demand.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/ports.hpp"

namespace alluvium::tests {

/// Offsets without a value are gaps, as compaction and transactions leave them.
class FakeSource final : public pipeline::Source {
 public:
  using Log = std::vector<std::optional<std::string>>;

  explicit FakeSource(std::vector<Log> partitions) : logs_{std::move(partitions)}, states_(logs_.size()) {}

  /// Called before each poll, on the engine's thread: a script of what happens when.
  std::function<void(FakeSource&, int poll)> script;
  std::size_t records_per_poll = 7;
  bool assigns_on_open = true;  ///< Else the script does, as a group that takes its time.
  pipeline::Backlog ahead;      ///< What it says of itself.
  bool opens = true;            ///< Else open() fails, once the engine is ready behind it.

  void revoke(pipeline::PartitionSlot slot, bool lost) {
    states_[slot].running = false;
    states_[slot].assigned = false;
    const pipeline::PartitionSlot slots[] = {slot};
    listener_->on_revoked(slots, lost);
  }
  void assign(pipeline::PartitionSlot slot) {
    states_[slot].assigned = true;
    const pipeline::PartitionSlot slots[] = {slot};
    listener_->on_assigned(slots);
  }
  [[nodiscard]] bool assigned(pipeline::PartitionSlot slot) const {
    return states_[slot].assigned;
  }

  [[nodiscard]] pipeline::Backlog backlog() const override {
    return ahead;
  }
  pipeline::Result<void> open(pipeline::SourceListener& listener) override {
    listener_ = &listener;
    if (!opens) {
      std::unique_lock lock{mutex_};
      wakes_.wait(lock, [this] { return woken_; });
      return pipeline::fail(pipeline::Errc::unavailable, "nobody answers");
    }
    for (pipeline::PartitionSlot slot = 0; slot < logs_.size(); ++slot) {
      names_.push_back({"chat", static_cast<std::int32_t>(slot)});
    }
    for (pipeline::PartitionSlot slot = 0; slot < logs_.size() && assigns_on_open; ++slot) {
      assign(slot);
    }
    return {};
  }

  pipeline::Result<void> poll(std::size_t bytes_max, std::chrono::milliseconds wait) override {
    if (script) {
      script(*this, polls_);
    }
    ++polls_;
    bool any = false;
    for (pipeline::PartitionSlot slot = 0; slot < logs_.size() && bytes_max > 0; ++slot) {
      any = deliver(slot) || any;
    }
    if (!any) {
      std::unique_lock lock{mutex_};
      wakes_.wait_for(lock, std::min(wait, std::chrono::milliseconds{5}), [this] { return woken_; });
      woken_ = false;
    }
    return {};
  }

  [[nodiscard]] const pipeline::TopicPartition& name(pipeline::PartitionSlot slot) const override {
    return names_[slot];
  }
  pipeline::Result<std::string> identity(pipeline::PartitionSlot /*slot*/) override {
    return std::string{"fake"};
  }
  pipeline::Result<pipeline::OffsetRange> range(pipeline::PartitionSlot slot) override {
    return pipeline::OffsetRange{0, static_cast<std::int64_t>(logs_[slot].size())};
  }
  pipeline::Result<void> start(std::span<const pipeline::StartAt> starts) override {
    for (const auto& start : starts) {
      states_[start.slot].next = start.offset;
      states_[start.slot].running = true;
      states_[start.slot].end_told = false;
    }
    return {};
  }
  pipeline::Result<void> release(std::span<const pipeline::PartitionSlot> slots) override {
    released += slots.size();
    return {};
  }
  void hold(pipeline::PartitionSlot slot, bool held) override {
    states_[slot].held = held;
  }
  void report_watermark(pipeline::PartitionSlot slot, std::int64_t watermark) override {
    watermarks[slot] = watermark;
  }
  pipeline::Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> ends() override {
    std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> ends;
    for (pipeline::PartitionSlot slot = 0; slot < logs_.size(); ++slot) {
      ends.emplace_back(names_[slot], static_cast<std::int64_t>(logs_[slot].size()));
    }
    return ends;
  }
  void wake() override {
    const std::lock_guard lock{mutex_};
    woken_ = true;
    wakes_.notify_one();
  }
  void close() override {}

  std::size_t released = 0;
  std::map<pipeline::PartitionSlot, std::int64_t> watermarks;

 private:
  struct State {
    bool assigned = false;
    bool running = false;
    bool held = false;
    bool end_told = false;
    std::int64_t next = 0;
  };

  bool deliver(pipeline::PartitionSlot slot) {
    auto& state = states_[slot];
    const auto& log = logs_[slot];
    const auto size = static_cast<std::int64_t>(log.size());
    bool any = false;
    for (std::size_t i = 0; i < records_per_poll && state.running && !state.held && state.next < size; ++i) {
      const auto offset = state.next++;
      if (const auto& value = log[static_cast<std::size_t>(offset)]; value) {
        pipeline::RecordView record;
        record.topic = names_[slot].topic;
        record.partition = names_[slot].partition;
        record.offset = offset;
        record.value = *value;
        record.timestamp_ms = 1'700'000'000'000 + offset;
        listener_->on_record(slot, record);
        any = true;
      }
    }
    if (state.running && !state.held && state.next == size && !state.end_told) {
      state.end_told = true;
      listener_->on_end(slot, size);
    }
    return any;
  }

  std::vector<Log> logs_;
  std::vector<State> states_;
  std::vector<pipeline::TopicPartition> names_;
  pipeline::SourceListener* listener_ = nullptr;
  int polls_ = 0;
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool woken_ = false;
};

}  // namespace alluvium::tests
