// SPDX-License-Identifier: Apache-2.0
// Where the router looks up the agents of a partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/agent_buffer.hpp"
#include "actors/protocol.hpp"

namespace alluvium::actors {

/// An agent's buffer, and what the chunk at hand has for it.
struct Route {
  Route(std::size_t hash_of_agent, std::string_view agent) : hash{hash_of_agent}, agent_id{agent} {}

  AgentSlot* slot = nullptr;    ///< The buffer's. In front, with `next`: a visit of all reads these.
  std::unique_ptr<Route> next;  ///< In the same bucket. RouteTable's.
  const std::size_t hash;
  const std::string agent_id;
  AgentBuffer buffer;       ///< Null before the first message.
  std::uint32_t count = 0;  ///< Of the chunk at hand.
  std::uint32_t head = 0;   ///< First entry of it, linked through Router::next_.
  std::uint32_t tail = 0;
};

/// A hash table whose look-ups can be announced. With a million agents each look-up waits for memory three times; who
/// knows whom it will look up next has them wait at the same time (docs/benchmarks.md has what that saves). Routes stay
/// where they are until they are erased.
class RouteTable {
 public:
  RouteTable() : buckets_(buckets_min) {}
  RouteTable(RouteTable&&) noexcept = default;
  RouteTable& operator=(RouteTable&& other) noexcept {
    clear();
    buckets_ = std::move(other.buckets_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;
  ~RouteTable() {
    clear();
  }

  [[nodiscard]] static std::size_t hash(std::string_view agent_id) {
    return std::hash<std::string_view>{}(agent_id);
  }

  /// The first step of an announcement, some look-ups before find_or_add().
  void announce(std::size_t hash) const {
    __builtin_prefetch(&buckets_[hash & (buckets_.size() - 1)]);
  }
  /// And the second, when the first has come.
  void announce_route(std::size_t hash) const {
    __builtin_prefetch(buckets_[hash & (buckets_.size() - 1)].get());
  }
  [[nodiscard]] Route& find_or_add(std::size_t hash, std::string_view agent_id);

  /// Calls `visit(Route&)` for each; erases those for which it returns false.
  template <class Visit>
  void keep_if(const Visit& visit) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      announce_visit(i);
      for (auto* link = &buckets_[i]; *link != nullptr;) {
        if (visit(**link)) {
          link = &(*link)->next;
        } else {
          *link = std::move((*link)->next);
          --size_;
        }
      }
    }
    if (buckets_.size() > buckets_min && size_ < buckets_.size() / 16) {
      spread_over(buckets_.size() / 4);  // Or each visit would be one of all the buckets that there ever were.
    }
  }
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      announce_visit(i);
      for (const auto* route = buckets_[i].get(); route != nullptr; route = route->next.get()) {
        visit(*route);
      }
    }
  }
  [[nodiscard]] std::size_t size() const {
    return size_;
  }

 private:
  /// What a visit of all buckets needs next: of a bucket first its first route, then that one's slot and the second
  /// route, then the second's slot. Few buckets have a third.
  void announce_visit(std::size_t at) const {
    if (at + 24 < buckets_.size()) {
      __builtin_prefetch(buckets_[at + 24].get());
      if (const auto* first = buckets_[at + 16].get(); first != nullptr) {
        __builtin_prefetch(first->slot);
        __builtin_prefetch(first->next.get());
      }
      if (const auto* first = buckets_[at + 8].get(); first != nullptr && first->next != nullptr) {
        __builtin_prefetch(first->next->slot);
      }
    }
  }
  void spread_over(std::size_t buckets);
  /// One by one: who gives agents names of the same hash could make a bucket too long to be left to destructors.
  void clear();

  static constexpr std::size_t buckets_min = 16;
  std::vector<std::unique_ptr<Route>> buckets_;  ///< A power of two, twice the routes at least: a second is a wait.
  std::size_t size_ = 0;
};

}  // namespace alluvium::actors
