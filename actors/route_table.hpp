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
#include "pipeline/prefetch.hpp"

namespace alluvium::actors {

/// An agent's buffer, and what the chunk at hand has for it.
struct Route {
  Route(std::size_t hash_of_agent, std::string_view agent) : hash{hash_of_agent}, agent_id{agent} {}

  AgentSlot* slot = nullptr;  ///< The buffer's. In front: a visit of all reads it.
  Route* next = nullptr;      ///< In the same bucket. RouteTable's.
  const std::size_t hash;
  const std::string agent_id;
  AgentBuffer buffer;       ///< Null before the first message.
  std::uint32_t count = 0;  ///< Of the chunk at hand.
  std::uint32_t head = 0;   ///< First entry of it, linked through Router::next_.
  std::uint32_t tail = 0;
};

/// A hash table whose look-ups can be announced. With a million agents each look-up waits for memory three times; who
/// knows whom it will look up next has them wait at the same time (docs/benchmarks.md has what that saves). Routes stay
/// where they are until they are erased. They are visited in the order in which they were added, which is nearly that
/// of their places in memory, of their buffers' and of what these hold: neighbours are on the same pages.
class RouteTable {
 public:
  RouteTable() : buckets_(buckets_min) {}

  [[nodiscard]] static std::size_t hash(std::string_view agent_id) {
    return std::hash<std::string_view>{}(agent_id);
  }

  /// The first step of an announcement, some look-ups before find_or_add().
  void announce(std::size_t hash) const {
    pipeline::prefetch(&bucket(hash));
  }
  /// And the second, when the first has come.
  void announce_route(std::size_t hash) const {
    pipeline::prefetch(bucket(hash));
  }
  [[nodiscard]] Route& find_or_add(std::size_t hash, std::string_view agent_id);

  /// Calls `visit(const Route&)` for each; erases those for which it returns false.
  template <class Visit>
  void keep_if(const Visit& visit) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < routes_.size(); ++i) {
      announce_visit(i);
      if (visit(std::as_const(*routes_[i]))) {
        std::swap(routes_[kept++], routes_[i]);
      }
    }
    erase_from(kept);
  }
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t i = 0; i < routes_.size(); ++i) {
      announce_visit(i);
      visit(std::as_const(*routes_[i]));
    }
  }
  [[nodiscard]] std::size_t size() const {
    return routes_.size();
  }

 private:
  void announce_visit(std::size_t at) const {
    if (at + 16 < routes_.size()) {
      pipeline::prefetch(routes_[at + 16].get());
      pipeline::prefetch(routes_[at + 8]->slot);
    }
  }
  [[nodiscard]] Route* const& bucket(std::size_t hash) const {
    return buckets_[hash & (buckets_.size() - 1)];
  }
  [[nodiscard]] Route*& bucket(std::size_t hash) {
    return buckets_[hash & (buckets_.size() - 1)];
  }
  void erase_from(std::size_t first);
  void spread_over(std::size_t buckets);

  static constexpr std::size_t buckets_min = 16;
  std::vector<Route*> buckets_;  ///< A power of two, twice the routes at least: a second in one is a wait.
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace alluvium::actors
