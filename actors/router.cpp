// SPDX-License-Identifier: Apache-2.0
#include "actors/router.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/make_actor.hpp>

#include "actors/scheduler.hpp"
#include "pipeline/prefetch.hpp"

namespace alluvium::actors {
namespace {

constexpr std::chrono::seconds sweep_interval_max{10};  // What has ended takes memory until it is forgotten.
/// Or, after a flush, until the first sweep after this: while memory is short the next flush of all partitions comes
/// before, and forgets what the last one ended.
constexpr std::chrono::milliseconds forget_after_flush{500};
constexpr std::uint32_t lookahead = 8;  // Look-ups that wait for memory at the same time.

}  // namespace

std::size_t Router::route(RoutedChunkPtr chunk, const std::vector<ClaimPtr>& claims) {
  const auto& entries = chunk->messages.entries();
  next_.resize(entries.size());
  chunk->order.reserve(entries.size());
  hashes_.clear();
  for (const auto& entry : entries) {
    hashes_.push_back(RouteTable::hash(entry.agent_id()));
    if (entry.slot() >= routes_.size()) {
      routes_.resize(entry.slot() + 1);
      last_chunk_.resize(routes_.size());
    }
  }
  ++chunks_;
  struct Touched {
    Route* route;
    pipeline::PartitionSlot slot;
  };
  std::vector<Touched> touched;
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    if (i + 2 * lookahead < entries.size()) {
      routes_[entries[i + 2 * lookahead].slot()].announce(hashes_[i + 2 * lookahead]);
      routes_[entries[i + lookahead].slot()].announce_route(hashes_[i + lookahead]);
    }
    const auto slot = entries[i].slot();
    auto& route = routes_[slot].find_or_add(hashes_[i], entries[i].agent_id());
    if (route.count++ == 0) {
      route.head = i;
      touched.push_back({&route, slot});
      last_chunk_[slot] = chunks_;
    } else {
      next_[route.tail] = i;
    }
    route.tail = i;
  }
  for (const auto& [route, slot] : touched) {
    for (std::uint32_t i = 0, at = route->head; i < route->count; ++i, at = next_[at]) {
      chunk->order.push_back(at);
    }
  }
  may_flush_ = may_flush_ || !touched.empty();
  const Scheduler::Burst burst;
  const auto& desks = context_->stage->desks;
  std::uint32_t begin = 0;
  chunk->share(touched.size());
  for (std::size_t i = 0; i < touched.size(); ++i) {
    if (i + 2 * lookahead < touched.size()) {
      pipeline::prefetch(touched[i + 2 * lookahead].route);
      AgentBufferActor::announce(touched[i + lookahead].route->slot);
    }
    const auto [route, slot] = touched[i];
    const auto count = std::exchange(route->count, 0);
    if (route->slot == nullptr || route->slot->pending.fetch_add(count, std::memory_order_acq_rel) == 0) {
      // None yet, or it has flushed its last message and ends.
      start_buffer(*route, {.context = context_,
                            .claim = claims[slot],
                            .desk = &desks[route->hash % desks.size()],
                            .agent_id = route->agent_id,
                            .pending = count});
    }
    caf::anon_send(route->buffer, Slice{{chunk.get(), false}, begin, begin + count});
    begin += count;
  }
  return touched.size();
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
  if (context_ == nullptr || (now < std::min(due_at_, forget_at_) && size() <= 2 * kept_)) {
    return;
  }
  const auto now_ns = now.time_since_epoch().count();
  // What comes from now on, or is not seen in its buffer's slot yet, is not due before.
  auto next_ns = (now + std::min<std::chrono::milliseconds>(context_->policy.shortest_wait(), sweep_interval_max))
                     .time_since_epoch()
                     .count();
  for (auto& routes : routes_) {
    routes.keep_if([now_ns, &next_ns](const Route& route) {
      if (route.slot->pending.load(std::memory_order_acquire) == 0) {
        return false;
      }
      const auto due_ns = route.slot->due_ns.load(std::memory_order_relaxed);
      if (due_ns != 0 && due_ns <= now_ns) {
        caf::anon_send(route.buffer, Tick::value);
      } else if (due_ns != 0) {
        next_ns = std::min(next_ns, due_ns);
      }
      return true;
    });
  }
  due_at_ = pipeline::TimePoint{pipeline::TimePoint::duration{next_ns}};
  forget_at_ = now + sweep_interval_max;
  kept_ = size();
}

void Router::flush() {
  if (!std::exchange(may_flush_, false)) {
    return;  // They all have been told, after the last message they got.
  }
  const Scheduler::Burst burst;
  for (const auto& routes : routes_) {
    routes.for_each([](const Route& route) {
      if (route.slot->pending.load(std::memory_order_acquire) != 0) {
        caf::anon_send(route.buffer, Flush::value);
      }
    });
  }
  forget_at_ = {};  // They end.
}

bool Router::is_among(pipeline::PartitionSlot slot, Among among) const {
  return among == Among::all || (last_chunk_[slot] != chunks_) == (among == Among::quiet);
}

std::size_t Router::flush_fullest(std::int64_t& bytes, Among among, pipeline::TimePoint now) {
  // By classes of 64 bytes instead of in order: there can be many, and this is done while memory is short. What is
  // beyond the last class is in it. Each buffer is visited once, as each visit waits for memory: what was found is
  // kept, 16 bytes of the 640 that each is charged.
  constexpr std::int64_t class_bytes = 64;
  std::array<std::int64_t, 4096> held{};
  const auto class_of = [&held](std::int64_t here) {
    return std::min(static_cast<std::size_t>(here / class_bytes), held.size() - 1);
  };
  struct Full {
    const Route* route;
    std::int64_t bytes;
  };
  std::vector<Full> full;
  std::size_t visits = 0;
  for (pipeline::PartitionSlot slot = 0; slot < routes_.size(); ++slot) {
    visits += is_among(slot, among) ? routes_[slot].size() : 0;
  }
  full.reserve(visits);
  for (pipeline::PartitionSlot slot = 0; slot < routes_.size(); ++slot) {
    if (!is_among(slot, among)) {
      continue;
    }
    auto& routes = routes_[slot];
    routes.keep_if([&](const Route& route) {
      if (route.slot->pending.load(std::memory_order_acquire) == 0) {
        return false;
      }
      if (const auto here = route.slot->held_bytes.load(std::memory_order_relaxed); here > 0) {
        held[class_of(here)] += here;
        full.push_back({&route, here});
      }
      return true;
    });
  }
  kept_ = among == Among::all ? size() : std::min(kept_, size());
  std::size_t lowest = held.size() - 1;
  for (auto left = bytes - held[lowest]; lowest > 0 && left > 0; left -= held[lowest]) {
    --lowest;
  }
  const Scheduler::Burst burst;
  std::size_t flushed = 0;
  for (const auto above : {true, false}) {  // Of the lowest class only as many as it takes.
    const auto is_meant = [&](const Full& one) {
      return above ? class_of(one.bytes) > lowest : class_of(one.bytes) == lowest;
    };
    for (std::size_t i = 0; i < full.size() && bytes > 0; ++i) {
      if (i + 2 * lookahead < full.size() && is_meant(full[i + 2 * lookahead])) {
        pipeline::prefetch(full[i + 2 * lookahead].route);
      }
      if (i + lookahead < full.size() && is_meant(full[i + lookahead])) {
        AgentBufferActor::announce(full[i + lookahead].route->slot);
      }
      if (is_meant(full[i])) {
        caf::anon_send(full[i].route->buffer, Flush::value);
        bytes -= full[i].bytes;
        ++flushed;
      }
    }
  }
  if (flushed > 0) {
    forget_at_ = among == Among::all ? now + forget_after_flush : std::min(forget_at_, now + forget_after_flush);
  }
  return flushed;
}

void Router::drop(pipeline::PartitionSlot slot) {
  if (slot >= routes_.size()) {
    return;
  }
  routes_[slot].for_each([](const Route& route) {
    route.slot->abandoned.store(true, std::memory_order_release);
    caf::anon_send_exit(route.buffer, caf::exit_reason::kill);
  });
  routes_[slot] = {};
}

void Router::drop_all() {
  for (pipeline::PartitionSlot slot = 0; slot < routes_.size(); ++slot) {
    drop(slot);
  }
}

void Router::crash_a_buffer() {
  // The one that waits with the least: one that fills up before the wish reaches it ends as it should.
  const Route* found = nullptr;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const auto& routes : routes_) {
    routes.for_each([&](const Route& route) {
      const auto held = route.slot->held_bytes.load(std::memory_order_relaxed);
      if (route.slot->pending.load(std::memory_order_acquire) != 0 &&
          (found == nullptr || (held > 0 && held < least))) {
        found = &route;
        least = held > 0 ? held : least;
      }
    });
  }
  if (found != nullptr) {
    caf::anon_send_exit(found->buffer, caf::exit_reason::kill);
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
