// SPDX-License-Identifier: Apache-2.0
#include "actors/router.hpp"

#include <algorithm>
#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/make_actor.hpp>

#include "actors/scheduler.hpp"

namespace alluvium::actors {

void Router::route(std::shared_ptr<RoutedChunk> chunk, const std::vector<ClaimPtr>& claims) {
  const auto& entries = chunk->messages.entries();
  next_.resize(entries.size());
  chunk->order.reserve(entries.size());
  struct Touched {
    const std::string* agent_id;
    Route* route;
    pipeline::PartitionSlot slot;
  };
  std::vector<Touched> touched;
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    const auto slot = entries[i].slot();
    if (slot >= routes_.size()) {
      routes_.resize(slot + 1);
    }
    auto& routes = routes_[slot];
    const auto agent_id = entries[i].agent_id();
    auto found = routes.find(agent_id);
    if (found == routes.end()) {
      found = routes.emplace(std::string{agent_id}, Route{}).first;
    }
    auto& route = found->second;
    if (route.count++ == 0) {
      route.head = i;
      touched.push_back({&found->first, &route, slot});
    } else {
      next_[route.tail] = i;
    }
    route.tail = i;
  }
  for (auto& [agent_id, route, slot] : touched) {
    for (std::uint32_t i = 0, at = route->head; i < route->count; ++i, at = next_[at]) {
      chunk->order.push_back(at);
    }
  }
  may_flush_ = may_flush_ || !touched.empty();
  const Scheduler::Burst burst;
  const auto& desks = context_->stage->desks;
  std::uint32_t begin = 0;
  const std::shared_ptr<const RoutedChunk> shared = std::move(chunk);
  for (auto& [agent_id, route, slot] : touched) {
    const auto count = std::exchange(route->count, 0);
    if (!route->slot || route->slot->pending.fetch_add(count, std::memory_order_acq_rel) == 0) {
      // None yet, or it has flushed its last message and ends.
      start_buffer(*route, {.context = context_,
                            .claim = claims[slot],
                            .desk = &desks[Hash{}(*agent_id) % desks.size()],
                            .agent_id = *agent_id,
                            .pending = count});
    }
    caf::anon_send(route->buffer, Slice{shared, begin, begin + count});
    begin += count;
  }
}

void Router::start_buffer(Route& route, AgentBufferActor::Options options) {
  caf::actor_config config;
  route.buffer = caf::make_actor<AgentBufferActor, AgentBuffer>(system_.next_actor_id(), system_.node(), &system_,
                                                                config, std::move(options));
  auto* actor = static_cast<AgentBufferActor*>(caf::actor_cast<caf::abstract_actor*>(route.buffer));
  actor->start();
  route.slot = &actor->slot();
}

void Router::sweep(pipeline::TimePoint now) {
  const auto now_ns = now.time_since_epoch().count();
  for (auto& routes : routes_) {
    for (auto route = routes.begin(); route != routes.end();) {
      const auto& slot = *route->second.slot;
      if (slot.pending.load(std::memory_order_acquire) == 0) {
        route = routes.erase(route);
        continue;
      }
      const auto due_ns = slot.due_ns.load(std::memory_order_relaxed);
      if (due_ns != 0 && due_ns <= now_ns) {
        caf::anon_send(route->second.buffer, Tick::value);
      }
      ++route;
    }
  }
}

void Router::flush() {
  if (!std::exchange(may_flush_, false)) {
    return;  // They all have been told, after the last message they got.
  }
  for (auto& routes : routes_) {
    for (auto& [agent_id, route] : routes) {
      if (route.slot->pending.load(std::memory_order_acquire) != 0) {
        caf::anon_send(route.buffer, Flush::value);
      }
    }
  }
}

std::size_t Router::flush_fullest(std::int64_t bytes) {
  std::vector<std::pair<std::int64_t, const Route*>> held;
  for (const auto& routes : routes_) {
    for (const auto& [agent_id, route] : routes) {
      if (const auto here = route.slot->held_bytes.load(std::memory_order_relaxed); here > 0) {
        held.emplace_back(here, &route);
      }
    }
  }
  std::sort(held.begin(), held.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::size_t flushed = 0;
  for (const auto& [here, route] : held) {
    if (bytes <= 0) {
      break;
    }
    caf::anon_send(route->buffer, Flush::value);
    bytes -= here;
    ++flushed;
  }
  return flushed;
}

void Router::drop(pipeline::PartitionSlot slot) {
  if (slot >= routes_.size()) {
    return;
  }
  for (auto& [agent_id, route] : routes_[slot]) {
    route.slot->abandoned.store(true, std::memory_order_release);
    caf::anon_send_exit(route.buffer, caf::exit_reason::kill);
  }
  routes_[slot].clear();
}

void Router::drop_all() {
  for (pipeline::PartitionSlot slot = 0; slot < routes_.size(); ++slot) {
    drop(slot);
  }
}

void Router::crash_a_buffer() {
  for (auto& routes : routes_) {
    for (auto& [agent_id, route] : routes) {
      if (route.slot->pending.load(std::memory_order_acquire) != 0) {
        caf::anon_send_exit(route.buffer, caf::exit_reason::kill);
        return;
      }
    }
  }
}

std::size_t Router::size() const {
  std::size_t sum = 0;
  for (const auto& routes : routes_) {
    sum += routes.size();
  }
  return sum;
}

}  // namespace alluvium::actors
