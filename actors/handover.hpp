// SPDX-License-Identifier: Apache-2.0
// A queue between two actors that costs one message for many things handed over.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace alluvium::actors {

/// What a batch needs to change hands is little; a message for each would cost more than that. So the givers put things
/// here, and the taker is sent a message only when there are some again, or enough not to wait any longer. Any thread.
/// Its length is not bounded here: what is in it holds credit.
template <class Thing>
class Handover {
 public:
  /// `enough`: as many things are worth a message of their own. 0: none are.
  explicit Handover(std::size_t enough = 0) : enough_{enough} {}

  /// In the order in which they come out. True if the taker has to be told.
  [[nodiscard]] bool put(Thing thing) {
    const std::lock_guard lock{mutex_};
    things_.push_back(std::move(thing));
    return things_.size() == 1 || things_.size() == enough_;
  }
  /// All of them, oldest first, in the place of what is in `into`. Room changes hands too: who brings back the vector
  /// that it took last spares the givers the growing. What was grown far beyond the usual is let go of.
  void take(std::vector<Thing>& into) {
    empty(into);
    const std::lock_guard lock{mutex_};
    std::swap(things_, into);
  }
  [[nodiscard]] std::vector<Thing> take() {
    std::vector<Thing> taken;
    take(taken);
    return taken;
  }
  [[nodiscard]] bool has_enough() const {
    const std::lock_guard lock{mutex_};
    return enough_ != 0 && things_.size() >= enough_;
  }

  /// Empties what was taken, as take() does.
  static void empty(std::vector<Thing>& taken) {
    taken.clear();
    if (taken.capacity() > room_kept_max) {
      taken.shrink_to_fit();
    }
  }

  /// Things, in 2 MiB: when memory is short, thousands of small batches come at once, again and again, and would all be
  /// moved at each growing.
  static constexpr std::size_t room_kept_max = (std::size_t{2} << 20) / sizeof(Thing);

 private:
  const std::size_t enough_;
  mutable std::mutex mutex_;
  std::vector<Thing> things_;
};

}  // namespace alluvium::actors
