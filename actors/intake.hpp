// SPDX-License-Identifier: Apache-2.0
// The source's thread: reads under credit, decodes, routes, and follows memberships and claims.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/inbox.hpp"
#include "actors/model_load.hpp"
#include "actors/options.hpp"
#include "actors/pressure_relief.hpp"
#include "actors/router.hpp"
#include "pipeline/chunk_size.hpp"
#include "pipeline/decoder.hpp"
#include "pipeline/metrics.hpp"
#include "pipeline/partition_reading.hpp"
#include "pipeline/stall_watch.hpp"

namespace alluvium::actors {

/// Not an actor: its mailbox is the Inbox, its blocking wait is the source's.
class Intake final : public pipeline::SourceListener {
 public:
  Intake(const EngineOptions& options, pipeline::BatchPolicy policy, pipeline::Decoder decoder,
         pipeline::Source& source, caf::actor_system& system, Supervisor supervisor, Inbox& inbox,
         pipeline::Credit& credit, pipeline::Credit& results, ModelLoad& load, pipeline::Metrics& metrics);

  /// Returns when the stream's end is committed (--until-end), when stop() has drained, or with the
  /// error that ends the engine.
  [[nodiscard]] pipeline::Result<void> run();
  /// Any thread: reads no more, flushes and commits what is held, then ends.
  void stop();
  /// The polling thread: ends a buffer as a crash would. For tests and drills.
  void crash_a_buffer() {
    router_.crash_a_buffer();
  }

  void on_assigned(std::span<const pipeline::PartitionSlot> slots) override;
  void on_revoked(std::span<const pipeline::PartitionSlot> slots, bool lost) override;
  void on_record(pipeline::PartitionSlot slot, const pipeline::RecordView& record) override;
  void on_end(pipeline::PartitionSlot slot, std::int64_t offset) override;
  void on_stalled(pipeline::PartitionSlot slot, const std::string& detail) override;

 private:
  using TimePoint = pipeline::TimePoint;

  enum class Phase {
    foreign,   ///< Not ours.
    waiting,   ///< Ours; to be claimed at `claim_at`.
    claiming,  ///< The store was asked.
    running,
    leaving,  ///< Revoked; the writer commits what it has.
  };
  struct Partition {
    Phase phase = Phase::foreign;
    TimePoint claim_at;
    pipeline::PartitionReading reading;
    std::optional<pipeline::StreamSelection> selection;  ///< Running, where messages are selected by value.
    std::optional<std::int64_t> target;                  ///< --until-end: how far it has to go, once known.
    bool at_end = false;                                 ///< It is that far.
    bool held = false;                                   ///< Not read: its window is full, or it waits to be claimed.
    bool was_reset = false;
    bool refused = false;  ///< The store would not grant it at the last try.
    SettledPtr settled;    ///< Dead letters and gaps of what was read in this round.
  };

  Partition& partition(pipeline::PartitionSlot slot);
  void handle(Claimed& event);
  void handle(ClaimRefused& event);
  void handle(Fenced& event);
  void handle(Released& event);
  void handle(Advanced& event);
  void handle(Finished& event);
  void handle(StageReady& event);
  void handle(StageDown& event);
  void handle(Fatal& event);

  void wait_for_claim(pipeline::PartitionSlot slot, std::chrono::milliseconds delay);
  void claim_what_waits(TimePoint now);
  bool claim(pipeline::PartitionSlot slot);
  [[nodiscard]] pipeline::Result<void> read(TimePoint now);
  void decode(pipeline::PartitionSlot slot, Partition& here, const pipeline::RecordView& record,
              pipeline::PartitionReading::Step step);
  void judge(Partition& here, pipeline::MessageChunk& messages, std::size_t from);
  void settle_gaps(pipeline::PartitionSlot slot, Partition& here);
  Settled& settled(pipeline::PartitionSlot slot, Partition& here);
  void hold(pipeline::PartitionSlot slot, bool held);
  void hand_on();
  void relieve_windows(TimePoint now);
  void watch_for_stall(TimePoint now);
  void source_did_not_answer(const pipeline::Error& error);
  void look_for_end(TimePoint now);
  [[nodiscard]] bool everything_reached();
  void mark_if_at_end(pipeline::PartitionSlot slot, bool source_says_so);
  [[nodiscard]] std::int64_t target(pipeline::PartitionSlot slot);
  void wind_up(TimePoint now);

  const EngineOptions& options_;
  pipeline::BatchPolicy policy_;
  pipeline::Decoder decoder_;
  pipeline::Source& source_;
  Supervisor supervisor_;
  Inbox& inbox_;
  pipeline::Credit& credit_;
  pipeline::Credit& results_;
  ModelLoad& load_;
  pipeline::Metrics& metrics_;
  Router router_;
  PressureRelief relief_;
  pipeline::StallWatch stall_watch_;

  std::shared_ptr<const Stage> stage_;  ///< Null while there is none.
  std::vector<Partition> partitions_;   ///< By slot.
  std::vector<ClaimPtr> claims_;        ///< By slot; null unless claiming or running.
  std::uint64_t epoch_ = 0;
  bool ever_claimed_ = false;               ///< Until then nothing is known to be done.
  std::chrono::milliseconds ask_delay_{0};  ///< Before a source that did not answer is asked again; doubles.
  RoutedChunkPtr chunk_;
  pipeline::ChunkSize chunk_size_;
  bool is_behind_ = false;       ///< After the last poll there was a long backlog.
  pipeline::MessageChunk part_;  ///< For bundles of which a part is done.
  std::optional<pipeline::ValueScorer::Scratch> scoring_;
  std::vector<pipeline::DeadLetter> dead_;
  std::vector<pipeline::Gap> gaps_;  ///< Before the record at hand.

  std::optional<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> ends_;
  TimePoint next_look_;
  TimePoint no_ends_since_;
  bool finish_sent_ = false;
  TimePoint next_sweep_;
  TimePoint next_window_look_;
  TimePoint next_stall_look_;
  std::atomic<bool> stopping_{false};
  bool complete_ = false;
  std::optional<pipeline::Error> fatal_;
};

}  // namespace alluvium::actors
