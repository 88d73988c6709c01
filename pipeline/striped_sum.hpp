// SPDX-License-Identifier: Apache-2.0
// A sum that every thread changes all the time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace alluvium::pipeline {

/// One counter that all threads change goes from core to core with each change, and each waits for it. Here a thread
/// changes a stripe of its own, and who asks for the sum adds them up. Any thread.
class StripedSum {
 public:
  void add(std::int64_t amount) {
    mine().added.fetch_add(amount, std::memory_order_acq_rel);
  }
  void take(std::int64_t amount) {
    mine().taken.fetch_add(amount, std::memory_order_acq_rel);
  }

  /// What there was at some moment of the call, or more: never less, whatever moves meanwhile. So 0 means that there
  /// was nothing. What was taken is read first; what was taken later does not count, what was added later may.
  [[nodiscard]] std::int64_t value() const {
    std::int64_t sum = 0;
    for (const auto& stripe : stripes_) {
      sum -= stripe.taken.load(std::memory_order_acquire);
    }
    for (const auto& stripe : stripes_) {
      sum += stripe.added.load(std::memory_order_acquire);
    }
    return sum;
  }

 private:
  static constexpr std::size_t stripes_max = 8;  // More threads than that share.
  /// Both only grow: 2^63 bytes are a century at 2 GiB a second.
  struct alignas(64) Stripe {
    std::atomic<std::int64_t> added{0};
    std::atomic<std::int64_t> taken{0};
  };

  Stripe& mine() {
    static std::atomic<std::size_t> threads{0};
    thread_local const auto number = threads.fetch_add(1, std::memory_order_relaxed) % stripes_max;
    return stripes_[number];
  }

  std::array<Stripe, stripes_max> stripes_;
};

}  // namespace alluvium::pipeline
