// SPDX-License-Identifier: Apache-2.0
#include "connectors/stream_pass.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::connectors {
namespace {

using Clock = std::chrono::steady_clock;
using pipeline::PartitionSlot;
using pipeline::Result;

constexpr std::chrono::seconds patience{30};
constexpr std::chrono::milliseconds poll_wait{100};
constexpr std::size_t poll_bytes = std::size_t{4} << 20;
/// What lies between two ranges is read and thrown away up to here: to start anew costs a fetch.
constexpr std::int64_t read_over_max = 20'000;

class Pass final : public pipeline::SourceListener {
 public:
  Pass(pipeline::Source& source, StreamRanges ranges, const std::function<void(const pipeline::RecordView&)>& each)
      : source_{source}, ranges_{std::move(ranges)}, each_{each} {
    std::erase_if(ranges_, [](const auto& partition) { return partition.second.empty(); });
    unmet_ = ranges_.size();
  }

  Result<void> run() {
    if (ranges_.empty()) {
      return {};
    }
    if (auto opened = source_.open(*this); !opened) {
      return opened;
    }
    auto last_event = Clock::now();
    while (unmet_ > 0 || open_ > 0) {
      happened_ = false;
      if (auto polled = source_.poll(poll_bytes, poll_wait);
          !polled && polled.error().code != pipeline::Errc::unavailable) {
        return polled;
      }
      if (auto started = start_what_waits(); !started) {
        return started;
      }
      const auto now = Clock::now();
      if (happened_) {
        last_event = now;
      } else if (assigned_ && unmet_ > 0) {
        unmet_ = 0;  // Partitions that the stream does not have.
      } else if (now - last_event > patience) {
        return pipeline::fail(pipeline::Errc::unavailable, "the stream brings nothing");
      }
    }
    return {};
  }

  void on_assigned(std::span<const PartitionSlot> slots) override {
    happened_ = assigned_ = true;
    for (const auto slot : slots) {
      const auto found = ranges_.find(source_.name(slot));
      if (found != ranges_.end()) {
        --unmet_;
        ++open_;
        readings_.emplace(slot, Reading{&found->second});
      }
    }
  }
  void on_revoked(std::span<const PartitionSlot> /*slots*/, bool /*lost*/) override {}
  void on_record(PartitionSlot slot, const pipeline::RecordView& record) override {
    happened_ = true;
    auto* reading = of(slot);
    if (reading == nullptr || reading->to_be_started) {
      return;
    }
    advance(slot, *reading, record.offset);
    if (!reading->done && !reading->to_be_started && record.offset >= reading->range().first) {
      each_(record);
      advance(slot, *reading, record.offset + 1);
    }
  }
  void on_end(PartitionSlot slot, std::int64_t /*offset*/) override {
    happened_ = true;
    if (auto* reading = of(slot); reading != nullptr && !reading->to_be_started) {
      finish(slot, *reading);
    }
  }
  void on_stalled(PartitionSlot slot, const std::string& /*detail*/) override {
    if (auto* reading = of(slot)) {
      reading->to_be_started = true;  // From what the stream has by then.
    }
  }

 private:
  struct Reading {
    explicit Reading(const std::vector<pipeline::OffsetRange>* wanted) : ranges{wanted} {}
    const std::vector<pipeline::OffsetRange>* ranges;
    std::size_t next = 0;  ///< The range at hand.
    bool to_be_started = true;
    bool done = false;
    [[nodiscard]] const pipeline::OffsetRange& range() const {
      return (*ranges)[next];
    }
  };

  Reading* of(PartitionSlot slot) {
    const auto found = readings_.find(slot);
    return found == readings_.end() || found->second.done ? nullptr : &found->second;
  }

  /// Everything below `offset` was there or is not.
  void advance(PartitionSlot slot, Reading& reading, std::int64_t offset) {
    while (reading.next < reading.ranges->size() && reading.range().end <= offset) {
      ++reading.next;
    }
    if (reading.next == reading.ranges->size()) {
      finish(slot, reading);
    } else if (reading.range().first - offset > read_over_max) {
      reading.to_be_started = true;
    }
  }

  void finish(PartitionSlot slot, Reading& reading) {
    if (!std::exchange(reading.done, true)) {
      --open_;
      source_.hold(slot, true);
    }
  }

  Result<void> start_what_waits() {
    for (auto& [slot, reading] : readings_) {
      if (!reading.to_be_started || reading.done) {
        continue;
      }
      // Asking for its identity tells whether this is the stream that was meant (ScopedSource).
      const auto held = source_.identity(slot).and_then([&](const std::string&) { return source_.range(slot); });
      if (!held) {
        if (held.error().code == pipeline::Errc::unavailable) {
          continue;  // Asked again after the next poll, until patience ends.
        }
        return tl::unexpected{held.error()};
      }
      reading.to_be_started = false;
      advance(slot, reading, held->first);
      if (reading.done) {
        continue;
      }
      const auto from = std::max(held->first, reading.range().first);
      if (from >= held->end) {
        finish(slot, reading);
        continue;
      }
      const pipeline::StartAt start{.slot = slot, .offset = from};
      if (auto started = source_.start({&start, 1}); !started) {
        return started;
      }
      happened_ = true;
    }
    return {};
  }

  pipeline::Source& source_;
  StreamRanges ranges_;
  const std::function<void(const pipeline::RecordView&)>& each_;
  std::map<PartitionSlot, Reading> readings_;
  std::size_t unmet_ = 0;  ///< Wanted partitions that were not assigned yet.
  std::size_t open_ = 0;   ///< Assigned ones that are not read yet.
  bool assigned_ = false, happened_ = false;
};

}  // namespace

Result<void> read_ranges(pipeline::Source& source, StreamRanges ranges,
                         const std::function<void(const pipeline::RecordView&)>& each) {
  auto read = Pass{source, std::move(ranges), each}.run();
  source.close();
  return read;
}

}  // namespace alluvium::connectors
