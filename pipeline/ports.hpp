// SPDX-License-Identifier: Apache-2.0
// The doors to the outside: what each promises to the engine. connectors/ implements them, actors/
// uses them, tests fake them. No exception leaves a door.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/dead_letter.hpp"
#include "pipeline/error.hpp"
#include "pipeline/memory.hpp"
#include "pipeline/message.hpp"

namespace alluvium::pipeline {

/// A partition as a small number, given out by the source, the same as long as the source lives.
using PartitionSlot = std::uint32_t;

/// What a partition holds now: records from `first` up to, not including, `end`.
struct OffsetRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
};

/// Where a partition's reading begins.
struct StartAt {
  PartitionSlot slot = 0;
  std::int64_t offset = 0;
};

/// What a record counts for beside its bytes, so that a poll of tiny or empty ones is bounded too.
inline constexpr std::size_t record_overhead_bytes = 64;

/// Takes what a Source brings. Called on the thread that polls, from inside Source::poll().
class SourceListener {
 public:
  virtual ~SourceListener() = default;
  /// These partitions are ours now. Nothing is delivered from them before Source::start().
  virtual void on_assigned(std::span<const PartitionSlot> slots) = 0;
  /// These are ours no more. `lost`: someone else may already own them. Nothing is delivered from
  /// them any more. The group waits until Source::release() is called for them.
  virtual void on_revoked(std::span<const PartitionSlot> slots, bool lost) = 0;
  /// The next record of a partition. Offsets ascend; a jump means that nothing stands between.
  virtual void on_record(PartitionSlot slot, const RecordView& record) = 0;
  /// The partition's end is reached: everything below `offset` was delivered or is a gap.
  virtual void on_end(PartitionSlot slot, std::int64_t offset) = 0;
  /// The partition can't go on where it is (its log was truncated or deleted below the position):
  /// it has to be claimed and started again.
  virtual void on_stalled(PartitionSlot slot, const std::string& detail) = 0;
};

/// What a source has in front of the engine, as far as it knows without asking.
struct Backlog {
  std::int64_t records = 0;  ///< Not delivered yet, of the partitions that are being read.
  std::int64_t bytes = 0;    ///< Fetched and not delivered.
};

/// A stream in partitions. One thread uses it, except for wake().
class Source {
 public:
  virtual ~Source() = default;
  /// Connects and joins. `unavailable` if the outside does not answer in time.
  [[nodiscard]] virtual Result<void> open(SourceListener& listener) = 0;
  /// Waits at most `wait`, then calls the listener for what there is, records up to about
  /// `bytes_max` (0: none; memberships are served all the same). Deep: many records of one
  /// partition before the next one's. `unavailable`: try again later; any other error is final.
  [[nodiscard]] virtual Result<void> poll(std::size_t bytes_max, std::chrono::milliseconds wait) = 0;
  [[nodiscard]] virtual const TopicPartition& name(PartitionSlot slot) const = 0;
  /// What tells this stream from another of the same name: Kafka's topic id, a file's first line.
  /// Empty if the source can't tell; `unavailable` if it can't tell now.
  [[nodiscard]] virtual Result<std::string> identity(PartitionSlot slot) = 0;
  [[nodiscard]] virtual Result<OffsetRange> range(PartitionSlot slot) = 0;
  /// Delivers from these offsets on; also for partitions that run already, which then start anew.
  [[nodiscard]] virtual Result<void> start(std::span<const StartAt> starts) = 0;
  /// Gives revoked partitions back to the group.
  [[nodiscard]] virtual Result<void> release(std::span<const PartitionSlot> slots) = 0;
  /// Stops (true) or resumes reading one partition, without losing its place.
  virtual void hold(PartitionSlot slot, bool held) = 0;
  [[nodiscard]] virtual Backlog backlog() const {
    return {};
  }
  /// Tells the outside how far the ledger is, for lag displays only.
  virtual void report_watermark(PartitionSlot slot, std::int64_t watermark) = 0;
  /// Every partition of the stream with its end now, ours or not.
  [[nodiscard]] virtual Result<std::vector<std::pair<TopicPartition, std::int64_t>>> ends() = 0;
  /// Ends a poll() that waits. Any thread.
  virtual void wake() = 0;
  /// Leaves the group. Nothing may be called after it but the destructor.
  virtual void close() = 0;
};

/// What a claim needs to know about the stream.
struct ClaimRequest {
  TopicPartition partition;
  std::string identity;       ///< Source::identity()
  OffsetRange range;          ///< Source::range(), read just before.
  bool start_at_end = false;  ///< Only for a partition of a topic that the ledger has never seen.
  bool reset = false;         ///< --reset-ledger: forget what is known of this partition's offsets.
  bool selects = false;       ///< Messages are selected by value: the claim brings the selector's state.
};

/// The state of a partition's selector (value_selector.hpp) after all messages below `offset`, and no other.
struct SelectorState {
  std::int64_t offset = 0;
  std::string bytes = {};  ///< Empty: as it begins.
};

/// The right to a partition, and how far it is.
struct Claim {
  std::string token;           ///< Unique; whoever claims later has another one.
  std::int64_t seq = 0;        ///< Grows by one with each commit.
  std::int64_t watermark = 0;  ///< Everything below is done: read from here.
  std::vector<Position> done;  ///< Done at or above the watermark, ascending.
  std::int64_t lost = 0;       ///< Offsets that retention deleted before they were read; recorded.
  /// Only if the request said `selects`. Its offset is the watermark or below: the messages from there on are read for
  /// the selector alone, as far as they are done.
  std::optional<SelectorState> selector = {};
};

/// Offsets [from, to) that hold no record: aborted or control records, compacted away.
struct Gap {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// What one commit does to one partition.
struct PartitionCommit {
  TopicPartition partition;
  std::string token;
  std::int64_t seq = 0;        ///< As claimed or as left by the commit before.
  std::int64_t watermark = 0;  ///< Where it will be.
  std::vector<Gap> gaps;       ///< The gaps that the watermark passes with this commit.
  std::vector<ExtractedBatch> batches;
  std::vector<DeadLetter> dead_letters;
  std::optional<SelectorState> selector = {};  ///< A newer one, at or below the watermark.
};

struct CommitResult {
  /// Partitions (by index into what was given) that someone else has claimed. If any, nothing at
  /// all was written.
  std::vector<std::size_t> fenced;
  std::int64_t memories = 0;    ///< Stored.
  std::int64_t duplicates = 0;  ///< Not stored: the agent had the same memory already.
  /// What the transaction decided otherwise than the batches say: how much each outcome's count changes.
  OutcomeCounts moved;
  std::int64_t requests = 0;      ///< For models, stored beside their batches.
  std::int64_t backlog_full = 0;  ///< Batches that were selected for a model and had no room in the backlog.
};

/// Where memories and the ledger live, in one transaction.
/// One thread uses it.
class Store {
 public:
  virtual ~Store() = default;
  /// Takes the right to a partition from whoever has it. One transaction.
  /// `unsafe_to_go_on`: another stream of the same name, or the ledger is beyond the stream's end.
  [[nodiscard]] virtual Result<Claim> claim(const ClaimRequest& request) = 0;
  /// All of it or nothing. `commits` are sorted by partition, each partition once. After
  /// `unavailable` the same commit may be tried again, even if the first try did reach the disk: a
  /// commit that is already there is recognised by token and seq.
  [[nodiscard]] virtual Result<CommitResult> commit(std::span<const PartitionCommit> commits) = 0;
  /// The watermark of each partition that the ledger knows.
  [[nodiscard]] virtual Result<std::vector<std::pair<TopicPartition, std::int64_t>>> watermarks() = 0;
  /// Requests to models that an engine still has to send or is waiting for (not those that wait in the backlog).
  [[nodiscard]] virtual Result<std::int64_t> open_calls() {
    return 0;
  }
  /// Chosen messages that are gathered for a model, by agent; and the end of waiting for more: some hundred are queued
  /// with each call.
  [[nodiscard]] virtual Result<std::int64_t> gathering() {
    return 0;
  }
  [[nodiscard]] virtual Result<std::int64_t> close_gathered() {
    return 0;
  }
};

/// UTC in milliseconds since 1970. Time that is only measured comes from the actors' own clock.
using WallClock = std::int64_t (*)();

}  // namespace alluvium::pipeline
