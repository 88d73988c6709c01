// SPDX-License-Identifier: Apache-2.0
// The actor that has a courier do its rounds.
#pragma once

#include <chrono>
#include <memory>

#include "actors/courier.hpp"
#include "actors/inbox.hpp"
#include "actors/model_load.hpp"
#include "actors/protocol.hpp"
#include "pipeline/outage.hpp"

namespace alluvium::actors {

struct CourierState {
  static constexpr const char* name = "courier";
  /// Lets other processes go on with the jobs.
  ~CourierState();
  std::unique_ptr<Courier> courier;
  pipeline::Outage store_outage;
  std::chrono::milliseconds store_delay{0};
};

/// What the options point to, `load`, `inbox` and `metrics` outlive it. Spawn it detached: it blocks.
CourierActor::behavior_type courier_actor(CourierActor::stateful_pointer<CourierState> self, CourierOptions options,
                                          ModelLoad* load, Inbox* inbox, pipeline::Metrics* metrics,
                                          pipeline::WallClock clock);

}  // namespace alluvium::actors
