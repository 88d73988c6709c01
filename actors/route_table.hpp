// SPDX-License-Identifier: Apache-2.0
// Where the router looks up the agents of a partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/agent_buffer.hpp"
#include "actors/protocol.hpp"

namespace alluvium::actors {

/// An agent's buffer, and what the chunk at hand has for it.
struct Route {
  Route(std::size_t hash_of_agent, std::string_view agent) : hash{hash_of_agent}, agent_id{agent} {}

  const std::size_t hash;
  const std::string agent_id;
  AgentSlot* slot = nullptr;  ///< The buffer's.
  AgentBuffer buffer;         ///< Null before the first message.
  std::uint32_t count = 0;    ///< Of the chunk at hand.
  std::uint32_t head = 0;     ///< First entry of it, linked through Router::next_.
  std::uint32_t tail = 0;

 private:
  friend class RouteTable;
  std::unique_ptr<Route> next;  ///< In the same bucket.
};

/// A hash table whose look-ups can be announced. With a million agents each look-up waits for memory three times; who
/// knows whom it will look up next has them wait at the same time (docs/benchmarks.md has what that saves). Routes stay
/// where they are until they are erased.
class RouteTable {
 public:
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
  /// What a visit of all buckets needs next.
  void announce_visit(std::size_t at) const {
    if (at + 16 < buckets_.size()) {
      __builtin_prefetch(buckets_[at + 16].get());
      if (const auto* route = buckets_[at + 8].get(); route != nullptr) {
        __builtin_prefetch(route->slot);
      }
    }
  }
  void grow();

  std::vector<std::unique_ptr<Route>> buckets_ = std::vector<std::unique_ptr<Route>>(16);  ///< A power of two.
  std::size_t size_ = 0;
};

}  // namespace alluvium::actors
