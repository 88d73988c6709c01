// SPDX-License-Identifier: Apache-2.0
// A file descriptor to wait on, which other threads, and librdkafka, can make ready.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace alluvium::connectors {

class WakeEvent {
 public:
  WakeEvent() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~WakeEvent() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;

  [[nodiscard]] int fd() const {
    return fd_;
  }

  /// Ends a wait(), or the next one if nobody waits now. Any thread.
  void signal() {
    signalled_.store(true);
    constexpr std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
  }

  /// Forgets what made the descriptor ready, but not a signal(). Whatever is looked at after this
  /// makes it ready again.
  void drain() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = ::read(fd_, &count, sizeof count);
  }

  /// Until the descriptor is ready, `also` is readable (-1: none), or the time is over.
  void wait(std::chrono::milliseconds timeout, int also = -1) {
    if (signalled_.exchange(false)) {
      return;
    }
    std::array<pollfd, 2> waited{pollfd{fd_, POLLIN, 0}, pollfd{also, POLLIN, 0}};
    ::poll(waited.data(), waited.size(), static_cast<int>(std::clamp<std::int64_t>(timeout.count(), 0, 60'000)));
    signalled_.store(false);
  }

 private:
  int fd_;
  std::atomic<bool> signalled_{false};
};

}  // namespace alluvium::connectors
