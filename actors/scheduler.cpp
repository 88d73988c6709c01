// SPDX-License-Identifier: Apache-2.0
#include "actors/scheduler.hpp"

#include <algorithm>
#include <cassert>

#include <caf/detail/set_thread_name.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include "pipeline/prefetch.hpp"

namespace alluvium::actors {
namespace {

/// Jobs a worker takes at once. What it has taken waits for it alone: few, or one slow extraction delays many buffers.
constexpr std::size_t jobs_taken_max = 32;
constexpr std::size_t burst_max = 256;  // Jobs that wait for the rest of their burst.

/// With very many actors each is out of the caches when its turn comes. What an actor needs first lies around its
/// `resumable` part: the control block before it, mailbox and state behind (of an AgentBufferActor all).
void fetch_ahead(const caf::resumable* job) {
  constexpr std::ptrdiff_t line = 64;
  const auto* at = reinterpret_cast<const char*>(job);
  for (auto offset = -2 * line; offset < 6 * line; offset += line) {
    pipeline::prefetch_to_write(at + offset);
  }
}

/// Of the thread that has a Burst.
struct Collected {
  bool wanted = false;
  Scheduler* scheduler = nullptr;
  std::vector<caf::resumable*> jobs;
};
thread_local Collected collected;

}  // namespace

Scheduler::Burst::Burst() {
  assert(!collected.wanted);
  collected.wanted = true;
}

Scheduler::Burst::~Burst() {
  collected.wanted = false;
  if (!collected.jobs.empty()) {
    collected.scheduler->enqueue_all(collected.jobs);
    collected.jobs.clear();
  }
}

// Workers ---------------------------------------------------------------------------------------

class Scheduler::Worker final : public caf::execution_unit {
 public:
  explicit Worker(Scheduler& scheduler) : execution_unit{&scheduler.system()}, scheduler_{scheduler} {}

  void start() {
    thread_ = std::thread{[this] { run(); }};
  }
  void join() {
    thread_.join();
  }
  void exec_later(caf::resumable* job) override {
    scheduler_.enqueue(job);
  }

 private:
  void run() {
    caf::detail::set_thread_name("worker");
    std::vector<caf::resumable*> jobs;
    while (scheduler_.take(jobs)) {
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (i + 1 < jobs.size()) {
          fetch_ahead(jobs[i + 1]);
        }
        auto* job = jobs[i];
        // The queue's reference to it is this thread's now.
        if (job->resume(this, scheduler_.max_throughput()) == caf::resumable::resume_later) {
          scheduler_.enqueue(job);
        } else {
          intrusive_ptr_release(job);
        }
      }
    }
  }

  Scheduler& scheduler_;
  std::thread thread_;
};

bool Scheduler::take(std::vector<caf::resumable*>& jobs) {
  jobs.clear();
  std::unique_lock lock{mutex_};
  ++idle_;
  wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
  --idle_;
  if (stopping_) {
    return false;
  }
  const auto share = jobs_.size() / (2 * workers_.size());
  const auto end = jobs_.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(share, 1, jobs_taken_max));
  jobs.assign(jobs_.begin(), end);
  jobs_.erase(jobs_.begin(), end);
  return true;
}

void Scheduler::enqueue(caf::resumable* job) {
  if (collected.wanted) {
    collected.scheduler = this;
    collected.jobs.push_back(job);
    if (collected.jobs.size() >= burst_max) {
      enqueue_all(collected.jobs);
      collected.jobs.clear();
    }
    return;
  }
  bool anyone_waits = false;
  {
    const std::lock_guard lock{mutex_};
    jobs_.push_back(job);
    anyone_waits = idle_ > 0;
  }
  if (anyone_waits) {
    wake_.notify_one();
  }
}

void Scheduler::enqueue_all(const std::vector<caf::resumable*>& jobs) {
  bool anyone_waits = false;
  {
    const std::lock_guard lock{mutex_};
    jobs_.insert(jobs_.end(), jobs.begin(), jobs.end());
    anyone_waits = idle_ > 0;
  }
  if (anyone_waits) {
    wake_.notify_all();
  }
}

// Life ------------------------------------------------------------------------------------------

Scheduler::Scheduler(caf::actor_system& system) : abstract_coordinator{system} {}
Scheduler::~Scheduler() = default;

void Scheduler::start() {
  for (std::size_t i = 0; i < num_workers(); ++i) {
    workers_.push_back(std::make_unique<Worker>(*this));
  }
  for (const auto& worker : workers_) {
    worker->start();
  }
  timer_ = std::thread{[this] {
    caf::detail::set_thread_name("clock");
    clock_.run_dispatch_loop();
  }};
  abstract_coordinator::start();
}

/// The actors have ended by now, but for CAF's own.
void Scheduler::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  stop_actors();
  for (const auto& worker : workers_) {
    worker->join();
  }
  // Nobody else is left, but what ends here may make another one runnable.
  while (!jobs_.empty()) {
    auto* job = jobs_.front();
    jobs_.pop_front();
    cleanup_and_release(job);
  }
  // Last: what ends takes its time-outs back there.
  clock_.cancel_dispatch_loop();
  timer_.join();
}

}  // namespace alluvium::actors
