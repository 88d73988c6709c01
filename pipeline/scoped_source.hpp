// SPDX-License-Identifier: Apache-2.0
// A source of which only a scope is read: what is outside is not there for whoever reads it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/decoder.hpp"
#include "pipeline/ports.hpp"
#include "pipeline/stream_scope.hpp"

namespace alluvium::pipeline {

/// Passes on the records that hold a message in scope, whole: a bundle is in scope if one of its messages is. A record
/// that can't be decoded belongs to no agent and no time: it is passed on only if the scope has all of both.
/// A partition ends where its scope does. Partitions outside of the scope are never assigned. The inner source must
/// assign partitions once and revoke none.
class ScopedSource final : public Source, private SourceListener {
 public:
  /// `inner` must outlive it.
  ScopedSource(Source& inner, StreamScope scope, Decoder decoder);

  [[nodiscard]] Result<void> open(SourceListener& listener) override;
  [[nodiscard]] Result<void> poll(std::size_t bytes_max, std::chrono::milliseconds wait) override;
  [[nodiscard]] const TopicPartition& name(PartitionSlot slot) const override;
  /// `unsafe_to_go_on` if it is another stream than the scope was made for.
  [[nodiscard]] Result<std::string> identity(PartitionSlot slot) override;
  [[nodiscard]] Result<OffsetRange> range(PartitionSlot slot) override;
  [[nodiscard]] Result<void> start(std::span<const StartAt> starts) override;
  [[nodiscard]] Result<void> release(std::span<const PartitionSlot> slots) override;
  void hold(PartitionSlot slot, bool held) override;
  [[nodiscard]] Backlog backlog() const override;
  void report_watermark(PartitionSlot, std::int64_t) override {}
  [[nodiscard]] Result<std::vector<std::pair<TopicPartition, std::int64_t>>> ends() override;
  void wake() override;
  void close() override;

  /// Records that were read and are not in scope.
  [[nodiscard]] std::int64_t passed_over() const {
    return passed_over_;
  }

 private:
  void on_assigned(std::span<const PartitionSlot> slots) override;
  void on_revoked(std::span<const PartitionSlot> slots, bool lost) override;
  void on_record(PartitionSlot slot, const RecordView& record) override;
  void on_end(PartitionSlot slot, std::int64_t offset) override;
  void on_stalled(PartitionSlot slot, const std::string& detail) override;
  bool is_in_scope(const RecordView& record);

  Source& inner_;
  StreamScope scope_;
  bool whole_;
  Decoder decoder_;
  SourceListener* listener_ = nullptr;
  std::map<PartitionSlot, const PartitionScope*> slots_;  ///< Of the partitions in scope.
  std::vector<DeadLetter> dead_;
  std::int64_t passed_over_ = 0;
};

}  // namespace alluvium::pipeline
