// SPDX-License-Identifier: Apache-2.0
// The actor that asks models: it takes requests out of the store, sends them when endpoint and budget allow, and
// settles what comes back.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "actors/caller_options.hpp"
#include "actors/inbox.hpp"
#include "actors/model_load.hpp"
#include "actors/protocol.hpp"
#include "pipeline/endpoint_health.hpp"
#include "pipeline/metrics.hpp"
#include "pipeline/model_ports.hpp"
#include "pipeline/outage.hpp"

namespace alluvium::actors {

/// A call without its reply.
struct Flight {
  pipeline::StoredRequest stored;
  std::string hash;
  std::int64_t started_ms = 0, prompt_bytes = 0;
  std::optional<pipeline::Money> reserved;
  pipeline::Charge charge;  ///< For its body.
};

/// What is not written yet: the reply is in hand, and the store may be locked.
struct Unsettled {
  std::function<pipeline::Result<void>()> write;
  bool in_flight = false;  ///< Counts as such until it is written.
};

struct CallerState {
  static constexpr const char* name = "caller";

  ~CallerState();
  ModelLoad* load = nullptr;
  std::map<std::string, pipeline::EndpointHealth> endpoints;
  std::unordered_map<std::int64_t, Flight> flights;                               ///< At most the gates' limits.
  std::array<std::deque<pipeline::StoredRequest>, pipeline::tier_count> waiting;  ///< Fetched; at most fetch_max each.
  std::deque<Unsettled> unsettled;  ///< At most one per flight and one more.
  std::set<std::int64_t> dues;      ///< UTC ms, when something we postponed is due; at most open_max.
  std::set<std::int64_t> longer;    ///< Requests to be asked with a larger token limit.
  pipeline::Outage store_outage;
  std::chrono::milliseconds store_delay{0};
  pipeline::TimePoint renew_at, tick_at, count_at;
  bool recovered = false;
  bool tick_due = false;
};

/// `store`, `load`, `inbox` and `metrics` outlive it. Spawn it detached: the store blocks.
Caller::behavior_type caller(Caller::stateful_pointer<CallerState> self, CallerOptions options,
                             pipeline::RequestStore* store, ModelLoad* load, Inbox* inbox, pipeline::Metrics* metrics,
                             pipeline::WallClock clock);

}  // namespace alluvium::actors
