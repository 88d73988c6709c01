// SPDX-License-Identifier: Apache-2.0
// The threads that run the actors which have none of their own.
#pragma once

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
/// (docs/benchmarks.md has what it saves): a worker takes several jobs at once and fetches the next actor while one has
/// its turn, and nobody is woken while all are awake.
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

  void enqueue_all(const std::vector<caf::resumable*>& jobs);
  /// Waits for jobs; false: no more will come. Takes as many as leave the other workers theirs.
  [[nodiscard]] bool take(std::vector<caf::resumable*>& jobs);

  caf::detail::thread_safe_actor_clock clock_;
  std::thread timer_;
  std::vector<std::unique_ptr<Worker>> workers_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<caf::resumable*> jobs_;
  std::size_t idle_ = 0;  ///< Workers that wait.
  bool stopping_ = false;
};

}  // namespace alluvium::actors
