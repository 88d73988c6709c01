// SPDX-License-Identifier: Apache-2.0
#include "actors/route_table.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::actors {

Route& RouteTable::find_or_add(std::size_t hash, std::string_view agent_id) {
  auto& bucket = buckets_[hash & (buckets_.size() - 1)];
  for (auto* route = bucket.get(); route != nullptr; route = route->next.get()) {
    if (route->hash == hash && route->agent_id == agent_id) {
      return *route;
    }
  }
  auto made = std::make_unique<Route>(hash, agent_id);
  auto& route = *made;
  route.next = std::move(bucket);
  bucket = std::move(made);
  if (++size_ > buckets_.size() / 2) {
    spread_over(2 * buckets_.size());
  }
  return route;
}

void RouteTable::spread_over(std::size_t buckets) {
  std::vector<std::unique_ptr<Route>> spread(std::max(buckets, buckets_min));
  for (auto& bucket : buckets_) {
    while (bucket != nullptr) {
      auto route = std::move(bucket);
      bucket = std::move(route->next);
      auto& place = spread[route->hash & (spread.size() - 1)];
      route->next = std::move(place);
      place = std::move(route);
    }
  }
  buckets_ = std::move(spread);
}

void RouteTable::clear() {
  for (auto& bucket : buckets_) {
    while (bucket != nullptr) {
      bucket = std::move(bucket->next);
    }
  }
}

}  // namespace alluvium::actors
