// SPDX-License-Identifier: Apache-2.0
// One engine: mailboxes, timers and doors as in actors/, decisions from pipeline/.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/batch.hpp"
#include "pipeline/batch_policy.hpp"
#include "pipeline/commit_queue.hpp"
#include "pipeline/partition_claim.hpp"
#include "pipeline/partition_reading.hpp"
#include "tests/simulation/selector.hpp"
#include "tests/simulation/surroundings.hpp"

namespace alluvium::simulation {

struct Work {
  pipeline::ClaimPtr claim;
  pipeline::Batch batch;
};

// What the writer gets.
struct Extracted {
  pipeline::ClaimPtr claim;
  pipeline::ExtractedBatch batch;
};
struct Settled {
  pipeline::ClaimPtr claim;
  std::vector<pipeline::DeadLetter> dead_letters;
  std::vector<pipeline::Gap> gaps;
  std::vector<pipeline::SelectorState> selectors;
};
struct ClaimCommand {
  pipeline::ClaimPtr claim;
  pipeline::ClaimRequest request;
};
struct Release {
  pipeline::PartitionSlot slot = 0;
};
using Mail = std::variant<Extracted, Settled, ClaimCommand, Release>;

// What the reader gets back.
struct Claimed {
  pipeline::ClaimPtr claim;
  pipeline::Claim state;
};
struct ClaimRefused {
  pipeline::ClaimPtr claim;
};
struct Fenced {
  pipeline::ClaimPtr claim;
};
struct Released {
  pipeline::PartitionSlot slot = 0;
};
struct Advanced {
  pipeline::ClaimPtr claim;
  std::int64_t watermark = 0;
};
struct StageDown {};
struct StageReady {};
using Event = std::variant<Claimed, ClaimRefused, Fenced, Released, Advanced, StageDown, StageReady>;

/// Each step() is one turn of one of its parts: the reader's thread, an extractor, the writer's thread.
class Engine {
 public:
  static constexpr std::size_t extractors = 2;

  Engine(int number, Surroundings& around);

  /// False if there is nothing to do now.
  bool step();
  /// Everything in memory goes; it starts again after `restart_ms`.
  void crash(const char* why, int restart_ms);
  void crash_stage();
  void pause(int ms);
  /// Pending messages leave, as under pressure.
  void flush_all();
  void tell(const Notice& notice);
  /// Started again, going on, all notices delivered at once.
  void heal();

  [[nodiscard]] bool is_up() const {
    return up_;
  }
  [[nodiscard]] bool is_paused() const {
    return around_.now_ms < paused_until_ms_;
  }

 private:
  enum class Phase { foreign, waiting, claiming, running, leaving };
  struct Partition {
    Phase phase = Phase::foreign;
    std::int64_t claim_at_ms = 0;
    pipeline::ClaimPtr claim;  ///< Null unless claiming or running.
    pipeline::PartitionReading reading;
    Selector selector;
    int since_state = 0;  ///< Records.
    bool refused = false;
    // The source's.
    bool started = false, held = false;
    std::int64_t position = 0, end_told = -1;
  };
  struct Buffer {
    pipeline::PartitionSlot slot;
    int agent;
    pipeline::ClaimPtr claim;
    pipeline::Batch batch;
    pipeline::Pending pending;
  };
  struct Routed {
    const Message* message;
    pipeline::Position position;
    pipeline::Worth worth;
  };
  enum class Turn { stage, inbox, notice, claim, poll, sweep, relieve, extract, write, tick };

  // The reader's thread (reader.cpp).
  void take_event();
  void take_notice();
  void wait_for_claim(pipeline::PartitionSlot slot, int delay_ms);
  void claim_next();
  void poll();
  void on_record(pipeline::PartitionSlot slot, const Record& record);
  void on_end(pipeline::PartitionSlot slot);
  void hand_on(pipeline::PartitionSlot slot);
  void check_width(const Partition& here, std::int64_t from, std::int64_t to);
  void start(pipeline::PartitionSlot slot, std::int64_t offset);
  void resume_silently();
  [[nodiscard]] bool is_current(const pipeline::ClaimPtr& claim) const;
  [[nodiscard]] bool is_readable(const Partition& here, std::size_t slot) const;
  void release(pipeline::PartitionSlot slot);

  // Buffers and extractors (buffers.cpp).
  void route(pipeline::PartitionSlot slot, const Routed& routed);
  void flush(Buffer& buffer);
  void check(const Buffer& buffer, bool asked_to);
  void drop_buffers(pipeline::PartitionSlot slot);
  void sweep();
  void extract(std::size_t extractor);

  // The writer's thread (writer.cpp).
  void send(Mail mail);
  void take_mail();
  void claim(ClaimCommand command);
  void forget_claim(pipeline::PartitionSlot slot);
  void tick();
  void commit();
  bool attempt();
  void settle();
  void back_off();
  [[nodiscard]] bool is_blocked() const;
  void arm(std::int64_t delay_ms);
  pipeline::Result<pipeline::CommitResult> call_commit();
  pipeline::Result<pipeline::CommitResult> apply(std::span<const pipeline::PartitionCommit> commits);
  pipeline::Result<pipeline::CommitResult> apply_part(std::span<const pipeline::PartitionCommit> commits, Part part);
  std::vector<pipeline::PartitionCommit> commits_to_send();
  void seen_by_all();
  void check_taken();
  enum class Fate { fine, unavailable, answer_lost, crash_before, crash_after, late };
  Fate fate();

  template <class Text>
  void note(const Text& text) {
    around_.note([&] { return "engine " + std::to_string(number_) + ": " + text(); });
  }

  const int number_;
  Surroundings& around_;
  pipeline::BatchPolicy policy_;
  bool up_ = true;
  std::int64_t restart_at_ms_ = 0, paused_until_ms_ = 0;
  const char* dying_ = nullptr;  ///< It crashed in the middle of a turn.

  // Reader.
  std::vector<Partition> partitions_;
  std::deque<Event> inbox_;
  std::deque<Notice> notices_;
  std::uint64_t epoch_ = 0;
  bool stage_known_ = true;
  std::vector<pipeline::Gap> gaps_;
  std::vector<pipeline::DeadLetter> dead_letters_;
  std::vector<pipeline::SelectorState> selectors_;
  std::vector<Routed> routed_;
  std::vector<Buffer> buffers_;
  std::int64_t next_sweep_ms_ = 0, next_relief_ms_ = 0;

  // Stage.
  bool stage_up_ = true;
  std::int64_t stage_at_ms_ = 0;
  std::array<std::deque<Work>, extractors> work_;
  std::deque<Mail> mail_;
  pipeline::CommitQueue queue_;
  std::vector<ClaimCommand> claims_;
  std::int64_t retry_delay_ms_ = 0, retry_at_ms_ = 0, tick_at_ms_ = 0;
  bool tick_due_ = false;
  /// What the queue took since the last commit: a commit that succeeds leaves none of it behind.
  struct Taken {
    pipeline::ClaimPtr claim;
    pipeline::Position position;
  };
  struct TakenGap {
    pipeline::ClaimPtr claim;
    pipeline::Gap gap;
  };
  std::vector<Taken> taken_;
  std::vector<TakenGap> taken_gaps_;  ///< Until the watermark has passed them.
  std::array<std::string, partitions_max> open_tokens_;
  std::array<std::uint64_t, partitions_max> open_epochs_{};  ///< Of the claims that are open in the queue; 0: none.
};

}  // namespace alluvium::simulation
