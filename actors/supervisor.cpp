// SPDX-License-Identifier: Apache-2.0
#include "actors/supervisor.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace alluvium::actors {
namespace {

using Self = Supervisor::stateful_pointer<SupervisorState>;

void launch(Self self) {
  auto& state = self->state;
  state.restarting = false;
  state.stage = state.build(state.caller, state.courier);
  const auto watch = [&](const auto& actor) {
    self->monitor(actor);
    state.alive.push_back(caf::actor_cast<caf::actor_addr>(actor));
  };
  watch(state.stage->writer);
  if (state.stage->caller && !state.caller) {
    self->monitor(state.stage->caller);
  }
  if (state.stage->courier && !state.courier) {
    self->monitor(state.stage->courier);
  }
  state.caller = state.stage->caller;
  state.courier = state.stage->courier;
  for (const auto& desk : state.stage->desks) {
    watch(desk.extractor);
  }
  state.inbox->push(StageReady{state.stage});
}

void launch_when_gone(Self self) {
  if (self->state.restarting && self->state.alive.empty()) {
    self->delayed_send(self, self->state.restart_delay, Launch::value);
  }
}

void crashed(Self self, const std::string& what) {
  auto& state = self->state;
  if (state.restarting || !state.stage) {
    return;  // It is going down already: what falls with it is no further crash.
  }
  const auto delay = state.policy.crashed(self->clock().now());
  if (!delay) {
    state.inbox->push(Fatal{{pipeline::Errc::unsafe_to_go_on, "crashed too often, giving up: " + what}});
    return;
  }
  spdlog::error("{}; everything between source and store starts again in {} ms", what, delay->count());
  state.metrics->restarts.fetch_add(1, std::memory_order_relaxed);
  state.restarting = true;
  state.restart_delay = *delay;
  state.inbox->push(StageDown{});
  state.end_stage();
  launch_when_gone(self);
}

}  // namespace

SupervisorState::~SupervisorState() {
  end_stage();
  if (caller) {
    caf::anon_send_exit(caller, caf::exit_reason::kill);
  }
  if (courier) {
    caf::anon_send_exit(courier, caf::exit_reason::kill);
  }
  if (inbox != nullptr && !asked_to_end) {
    inbox->push(Fatal{{pipeline::Errc::unsafe_to_go_on, "the supervisor ended unexpectedly"}});
  }
}

void SupervisorState::end_stage() {
  if (!stage) {
    return;
  }
  caf::anon_send_exit(stage->writer, caf::exit_reason::kill);
  for (const auto& desk : stage->desks) {
    caf::anon_send_exit(desk.extractor, caf::exit_reason::kill);
  }
  stage.reset();
}

Supervisor::behavior_type supervisor(Self self, StageBuilder build, Inbox* inbox, pipeline::Metrics* metrics,
                                     pipeline::RestartPolicy policy) {
  self->state.build = std::move(build);
  self->state.inbox = inbox;
  self->state.metrics = metrics;
  self->state.policy = std::move(policy);
  self->set_down_handler([self](caf::down_msg& down) {
    auto& state = self->state;
    std::erase(state.alive, down.source);
    if (state.caller && state.caller.address() == down.source) {
      state.caller = Caller{};
    }
    if (state.courier && state.courier.address() == down.source) {
      state.courier = CourierActor{};
    }
    crashed(self, "a stage actor crashed (" + self->system().render(down.reason) + ")");
    launch_when_gone(self);
  });
  self->set_exit_handler([self](caf::exit_msg& exit) {
    self->state.asked_to_end = true;
    self->quit(exit.reason);
  });
  return {
      [self](Launch) { launch(self); },
      [self](Crashed, const std::string& what) { crashed(self, what); },
  };
}

}  // namespace alluvium::actors
