// SPDX-License-Identifier: Apache-2.0
// The threads that run the actors which have none of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <caf/detail/thread_safe_actor_clock.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

namespace alluvium::actors {

/// One queue for all workers, like CAF's policy "sharing", made for very many actors with very little to do each
/// (docs/benchmarks.md has what it saves): a worker takes several jobs at once, nobody is woken while all are awake,
/// and the end of an actor costs no message to the clock's thread.
///
/// Receive and request time-outs (CAF's, not delayed sends) keep working, for as long as the system lives: the clock
/// hears of ended actors from the first of them on.
class Scheduler final : public caf::scheduler::abstract_coordinator {
 public:
  /// While one exists, what its thread makes runnable is put into the queue many at a time: for whoever sends to
  /// thousands of actors in a row. They may run before it ends.
  class Burst {
   public:
    Burst();
    ~Burst();
    Burst(const Burst&) = delete;
    Burst& operator=(const Burst&) = delete;
  };

  explicit Scheduler(caf::actor_system& system);
  ~Scheduler() override;

  void start() override;
  void stop() override;
  /// Any thread.
  void enqueue(caf::resumable* job) override;
  caf::actor_clock& clock() noexcept override {
    return clock_;
  }

 private:
  class Worker;

  /// As CAF's, but for actors that end: see above.
  class Clock final : public caf::detail::thread_safe_actor_clock {
   public:
    void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
    void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
    void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
    void cancel_timeouts(caf::abstract_actor* self) override;

   private:
    std::atomic<bool> has_timeouts_{false};
  };

  void enqueue_all(const std::vector<caf::resumable*>& jobs);
  /// Waits for jobs; false: no more will come. Takes as many as leave the other workers theirs.
  [[nodiscard]] bool take(std::vector<caf::resumable*>& jobs);

  Clock clock_;
  std::thread timer_;
  std::vector<std::unique_ptr<Worker>> workers_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<caf::resumable*> jobs_;
  std::size_t idle_ = 0;  ///< Workers that wait.
  bool stopping_ = false;
};

}  // namespace alluvium::actors
