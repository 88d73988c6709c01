// SPDX-License-Identifier: Apache-2.0
#include "actors/route_table.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::actors {

Route& RouteTable::find_or_add(std::size_t hash, std::string_view agent_id) {
  for (auto* route = bucket(hash); route != nullptr; route = route->next) {
    if (route->hash == hash && route->agent_id == agent_id) {
      return *route;
    }
  }
  auto& route = *routes_.emplace_back(std::make_unique<Route>(hash, agent_id));
  route.next = std::exchange(bucket(hash), &route);
  if (routes_.size() > buckets_.size() / 2) {
    spread_over(2 * buckets_.size());
  }
  return route;
}

void RouteTable::erase_from(std::size_t first) {
  for (auto i = routes_.size(); i-- > first;) {  // Newest first, as they nearly are in their buckets.
    if (i >= first + 16) {
      pipeline::prefetch(routes_[i - 16].get());
    }
    if (i >= first + 8) {
      pipeline::prefetch_to_write(&bucket(routes_[i - 8]->hash));
      AgentBufferActor::announce(routes_[i - 8]->slot);
    }
    auto* link = &bucket(routes_[i]->hash);
    while (*link != routes_[i].get()) {
      link = &(*link)->next;
    }
    *link = routes_[i]->next;
    routes_[i] = nullptr;
  }
  routes_.resize(first);
  if (buckets_.size() > buckets_min && size() < buckets_.size() / 16) {
    spread_over(buckets_.size() / 4);
    routes_.shrink_to_fit();
  }
}

void RouteTable::spread_over(std::size_t buckets) {
  buckets_.assign(std::max(buckets, buckets_min), nullptr);
  buckets_.shrink_to_fit();
  for (const auto& route : routes_) {
    route->next = std::exchange(bucket(route->hash), route.get());
  }
}

}  // namespace alluvium::actors
