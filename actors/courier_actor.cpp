// SPDX-License-Identifier: Apache-2.0
#include "actors/courier_actor.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Self = CourierActor::stateful_pointer<CourierState>;

constexpr milliseconds rest_min = 10ms;  // Between two rounds.
constexpr milliseconds store_delay_first = 100ms;
constexpr milliseconds store_delay_max = 5000ms;

void round(Self self, Inbox* inbox, const ModelLoad* load, pipeline::WallClock clock) {
  if (load->draining.load(std::memory_order_acquire)) {
    return;
  }
  auto& delay = self->state.store_delay;
  const auto next_ms = self->state.courier->step();
  if (next_ms) {
    delay = 0ms;
    self->state.store_outage.over(self->clock().now());
    self->delayed_send(self, std::max(rest_min, milliseconds{*next_ms - clock()}), Tick::value);
    return;
  }
  if (next_ms.error().code != pipeline::Errc::unavailable) {
    inbox->push(Fatal{next_ms.error()});
    return;
  }
  if (self->state.store_outage.failed(self->clock().now())) {
    spdlog::warn("store: batch jobs have to wait: {}", next_ms.error().detail);
  }
  delay = delay == 0ms ? store_delay_first : std::min(delay * 2, store_delay_max);
  self->delayed_send(self, delay, Tick::value);
}

}  // namespace

CourierState::~CourierState() {
  if (courier) {
    // If that fails, the leases end by themselves.
    static_cast<void>(courier->release_leases());
  }
}

CourierActor::behavior_type courier_actor(Self self, CourierOptions options, ModelLoad* load, Inbox* inbox,
                                          pipeline::Metrics* metrics, pipeline::WallClock clock) {
  self->state.courier = std::make_unique<Courier>(std::move(options), *metrics, clock, load->draining);
  self->delayed_send(self, 1ms, Tick::value);
  return {
      [self, inbox, load, clock](Tick) { round(self, inbox, load, clock); },
  };
}

}  // namespace alluvium::actors
