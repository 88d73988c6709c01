// SPDX-License-Identifier: Apache-2.0
// The actor that owns the store: claims, group commits, fences.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "actors/inbox.hpp"
#include "actors/model_load.hpp"
#include "actors/protocol.hpp"
#include "pipeline/commit_pace.hpp"
#include "pipeline/commit_queue.hpp"
#include "pipeline/metrics.hpp"
#include "pipeline/outage.hpp"

namespace alluvium::actors {

struct WriterOptions {
  std::size_t batches_max = 2048;          ///< Per transaction.
  std::int64_t bytes_max = 8 << 20;        ///< Of messages and memories, per transaction, plus the last batch.
  std::chrono::milliseconds interval{20};  ///< Between commits, unless there is enough for one (CommitPace).
  std::chrono::milliseconds retry_first{100};
  std::chrono::milliseconds retry_max{5000};
};

struct WriterState {
  static constexpr const char* name = "writer";

  /// What came, oldest first: it may be more than one transaction should hold. Bounded by the byte credit.
  std::deque<SettledPtr> settled;
  std::vector<Extracted> extracted;
  std::size_t next_extracted = 0;  ///< Those before it are placed.
  pipeline::CommitQueue queue;
  struct Charges {
    pipeline::Charge messages;
    pipeline::Charge results;
  };
  Charges charges;  ///< Of all that is in the queue.
  Charges outstanding_charges;
  std::chrono::milliseconds retry_delay{0};  ///< 0: the last try worked.
  pipeline::TimePoint retry_at;              ///< Else the store is left alone until then.
  pipeline::Outage outage;                   ///< Of the store.

  pipeline::CommitPace pace{WriterOptions{}.interval};
  std::vector<ClaimCommand> claims;            ///< That the store could not take yet.
  std::optional<pipeline::TimePoint> tick_at;  ///< The alarm that counts; others that are on their way do not.
  bool finish_wanted = false;
};

/// `store`, `inbox`, `metrics` and `load` outlive it. Spawn it detached: the store blocks. `caller`, if there is one,
/// is told when there are new requests for it. It takes batches from `extracts` when it commits, not before: it sleeps
/// while they gather.
Writer::behavior_type writer(Writer::stateful_pointer<WriterState> self, pipeline::Store* store, Inbox* inbox,
                             pipeline::Metrics* metrics, ModelLoad* load, Caller caller, Extracts extracts,
                             WriterOptions options);

}  // namespace alluvium::actors
