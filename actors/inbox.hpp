// SPDX-License-Identifier: Apache-2.0
// What travels back from the actors to the source's thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

#include "actors/protocol.hpp"

namespace alluvium::actors {

/// The store has given us the partition.
struct Claimed {
  ClaimPtr claim;
  pipeline::Claim state;
};
/// The store would not: the ledger and the stream contradict each other.
struct ClaimRefused {
  ClaimPtr claim;
  pipeline::Error error;
};
/// Another engine has claimed the partition since.
struct Fenced {
  ClaimPtr claim;
};
struct Released {
  std::vector<pipeline::PartitionSlot> slots;
};
/// The ledger has moved.
struct Advanced {
  ClaimPtr claim;
  std::int64_t watermark = 0;
};
/// Everything is committed; how far the ledger is in each partition.
struct Finished {
  std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> watermarks;
  std::int64_t open_calls = 0;  ///< Requests to models that are neither answered nor in the backlog.
  std::int64_t gathering = 0;   ///< Requests that grow until there is enough to ask.
};
/// A new stage is ready; whatever the one before held is gone.
struct StageReady {
  std::shared_ptr<const Stage> stage;
};
struct StageDown {};
/// The engine has to end.
struct Fatal {
  pipeline::Error error;
};
using Event = std::variant<Claimed, ClaimRefused, Fenced, Released, Advanced, Finished, StageReady, StageDown, Fatal>;

/// Bounded by what can be under way: a few events per partition and commit.
class Inbox {
 public:
  explicit Inbox(std::function<void()> wake) : wake_{std::move(wake)} {}

  void push(Event event) {
    {
      const std::lock_guard lock{mutex_};
      if (closed_) {
        return;
      }
      events_.push_back(std::move(event));
    }
    wake_();
  }
  [[nodiscard]] std::vector<Event> take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(events_, {});
  }
  /// Forgets what is in it and whatever still comes: nobody reads it any more, and an event may hold a stage, for
  /// whose last handle CAF waits.
  void close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    events_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<Event> events_;
  bool closed_ = false;
  std::function<void()> wake_;
};

}  // namespace alluvium::actors
