// SPDX-License-Identifier: Apache-2.0
// The actor that keeps a stage alive: watches it, and builds it anew when any of it crashes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/inbox.hpp"
#include "actors/protocol.hpp"
#include "pipeline/metrics.hpp"
#include "pipeline/restart_policy.hpp"

namespace alluvium::actors {

/// Spawns the actors of a stage, but for a caller and a courier that are there already.
using StageBuilder = std::function<std::shared_ptr<const Stage>(const Caller&, const CourierActor&)>;

/// One crash ends the whole stage, and a new one starts: after it every partition is claimed again
/// and read from its watermark, so nothing the old one held is lost or done twice, and an agent's
/// batches still reach the store in order. docs/ARCHITECTURE.md says why not actor by actor.
struct SupervisorState {
  static constexpr const char* name = "supervisor";

  /// Ends the stage with it. If nobody asked for that, the engine has to end.
  ~SupervisorState();
  void end_stage();

  StageBuilder build;
  Inbox* inbox = nullptr;
  pipeline::Metrics* metrics = nullptr;
  pipeline::RestartPolicy policy;
  std::shared_ptr<const Stage> stage;
  // They outlive a stage that falls: they hold no part of the stream, and replies that are paid for are on their way.
  Caller caller;
  CourierActor courier;
  std::vector<caf::actor_addr> alive;  ///< Of the stage; a new one starts when the old one's are gone.
  bool restarting = false;
  std::chrono::milliseconds restart_delay{0};
  bool asked_to_end = false;
};

Supervisor::behavior_type supervisor(Supervisor::stateful_pointer<SupervisorState> self, StageBuilder build,
                                     Inbox* inbox, pipeline::Metrics* metrics, pipeline::RestartPolicy policy);

}  // namespace alluvium::actors
