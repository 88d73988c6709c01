// SPDX-License-Identifier: Apache-2.0
// A stream of one partition without a record: for engines that only work off what waits in the store.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "connectors/wake_event.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

class EmptySource final : public pipeline::Source {
 public:
  pipeline::Result<void> open(pipeline::SourceListener& listener) override {
    listener_ = &listener;
    return {};
  }
  pipeline::Result<void> poll(std::size_t /*bytes_max*/, std::chrono::milliseconds wait) override {
    event_.drain();
    constexpr pipeline::PartitionSlot slot = 0;
    if (std::exchange(assigned_, true)) {
      event_.wait(wait);
    } else {
      listener_->on_assigned({&slot, 1});
    }
    return {};
  }
  [[nodiscard]] const pipeline::TopicPartition& name(pipeline::PartitionSlot /*slot*/) const override {
    return name_;
  }
  pipeline::Result<std::string> identity(pipeline::PartitionSlot /*slot*/) override {
    return std::string{};
  }
  pipeline::Result<pipeline::OffsetRange> range(pipeline::PartitionSlot /*slot*/) override {
    return pipeline::OffsetRange{};
  }
  pipeline::Result<void> start(std::span<const pipeline::StartAt> /*starts*/) override {
    return {};
  }
  pipeline::Result<void> release(std::span<const pipeline::PartitionSlot> /*slots*/) override {
    return {};
  }
  void hold(pipeline::PartitionSlot /*slot*/, bool /*held*/) override {}
  void report_watermark(pipeline::PartitionSlot /*slot*/, std::int64_t /*watermark*/) override {}
  pipeline::Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> ends() override {
    return std::vector{std::pair{name_, std::int64_t{0}}};
  }
  void wake() override {
    event_.signal();
  }
  void close() override {}

 private:
  pipeline::TopicPartition name_{.topic = "(nothing)", .partition = 0};
  WakeEvent event_;
  pipeline::SourceListener* listener_ = nullptr;
  bool assigned_ = false;
};

}  // namespace alluvium::connectors
