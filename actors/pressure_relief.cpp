// SPDX-License-Identifier: Apache-2.0
#include "actors/pressure_relief.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using pipeline::Pressure;
using pipeline::TimePoint;

constexpr auto look_interval = 50ms;
constexpr auto relief_interval = 50ms;  // Between two flushes for lack of credit, and between two to prevent it.
constexpr auto return_max = 250ms;      // Without any credit for that long, what is on its way is not relied on.
constexpr auto alert_interval = 10s;    // Between two alerts, however often the line is crossed.

std::int64_t calls_max(const EngineOptions& options) {
  std::int64_t sum = 0;
  if (options.models) {
    for (const auto& tier : options.models->tiers) {
      sum += tier.model != nullptr ? static_cast<std::int64_t>(tier.gate.concurrent_max) : 0;
    }
  }
  return sum;
}

pipeline::Governor::Options governor_options(const EngineOptions& options) {
  return {.limit = options.memory_limit,
          .credit = static_cast<std::int64_t>(options.credit_bytes),
          .batch_messages_max = options.buffer.max_messages,
          .calls_max = calls_max(options),
          .delay_max = options.pressure_delay_max};
}

void raise(std::atomic<std::int64_t>& peak, std::int64_t value) {
  if (value > peak.load(std::memory_order_relaxed)) {  // One thread writes it.
    peak.store(value, std::memory_order_relaxed);
  }
}

}  // namespace

PressureRelief::PressureRelief(const EngineOptions& options, const pipeline::Source& source, Router& router,
                               pipeline::Credit& credit, pipeline::Credit& results, ModelLoad& load,
                               pipeline::Metrics& metrics)
    : options_{options},
      source_{source},
      router_{router},
      credit_{credit},
      results_{results},
      load_{load},
      metrics_{metrics},
      governor_{governor_options(options)},
      batch_messages_max_{options.buffer.max_messages} {}

std::size_t PressureRelief::allowance(TimePoint now, std::int64_t gathered) {
  if (now >= next_look_) {
    next_look_ = now + look_interval;
    look(now);
  }
  if (now < not_before_) {
    return 0;
  }
  relieve_credit(now, gathered);
  const auto available = std::min(credit_.available() - gathered, orders_.poll_bytes_max);
  return available > 0 ? static_cast<std::size_t>(available) : 0;
}

void PressureRelief::relieve_credit(TimePoint now, std::int64_t gathered) {
  const auto part = credit_.limit() / 4;
  const auto held = credit_.held();
  const auto in_buffers = std::min(router_.held_bytes(), held);
  const bool is_used_up = held >= credit_.limit();
  if (!is_used_up) {
    had_credit_at_ = now;
  }
  // What has left the buffers gives its credit back by itself.
  const auto returning = now < had_credit_at_ + return_max ? held - in_buffers : 0;
  if (is_used_up && in_buffers > 2 * part && returning <= part / 2 && now >= next_relief_) {
    // The credit is in the buffers, which wait for more: that would be for ever. (For less than half of a part it is
    // not worth to look at them all.)
    next_relief_ = now + relief_interval;
    relieve_buffers(part - returning, now);
  } else if (in_backlog_ && in_buffers + gathered > 3 * part && now >= next_quiet_) {
    // Before it comes to that, so that reading goes on meanwhile.
    next_quiet_ = now + relief_interval;
    auto bytes = part;
    count_flushed(router_.flush_fullest(bytes, Router::Among::quiet, now));
  }
}

void PressureRelief::look(TimePoint now) {
  const auto reading = options_.read_memory ? options_.read_memory() : pipeline::MemoryReading{};
  const auto ahead = source_.backlog();
  in_backlog_ = ahead.records >= long_backlog;
  const pipeline::HeldBytes held{
      .prefetched = ahead.bytes, .messages = credit_.held(), .memories = results_.held(), .calls = load_.calls.held()};
  orders_ = governor_.observe(reading, held, now);
  batch_messages_max_.store(orders_.batch_messages_max, std::memory_order_relaxed);
  load_.in_flight_max.store(std::max<std::int64_t>(orders_.calls_max, 1), std::memory_order_relaxed);
  if (orders_.level != Pressure::none) {
    relieve_buffers(router_.held_bytes() - orders_.buffered_bytes_max, now);
  }
  if (orders_.release_unused && options_.release_unused) {
    options_.release_unused();
  }
  report(reading, held, now);
}

void PressureRelief::relieve_buffers(std::int64_t bytes, TimePoint now) {
  using Among = Router::Among;
  if (bytes > 0 && in_backlog_) {
    count_flushed(router_.flush_fullest(bytes, Among::quiet, now));
  }
  if (bytes > 0) {
    count_flushed(router_.flush_fullest(bytes, in_backlog_ ? Among::others : Among::all, now));
  }
}

void PressureRelief::count_flushed(std::size_t buffers) {
  metrics_.pressure_flushes.fetch_add(static_cast<std::int64_t>(buffers), std::memory_order_relaxed);
}

void PressureRelief::report(const pipeline::MemoryReading& reading, const pipeline::HeldBytes& held, TimePoint now) {
  auto& memory = metrics_.memory;
  memory.limit.store(options_.memory_limit, std::memory_order_relaxed);
  memory.resident.store(reading.resident, std::memory_order_relaxed);
  memory.held.store(held.sum(), std::memory_order_relaxed);
  memory.level.store(static_cast<std::int64_t>(orders_.level), std::memory_order_relaxed);
  memory.delay_ms.store(orders_.delay.count(), std::memory_order_relaxed);
  raise(memory.resident_peak, reading.resident);
  raise(memory.held_peak, held.sum());
  raise(memory.delay_ms_peak, orders_.delay.count());
  if (orders_.alert && now >= next_alert_) {
    next_alert_ = now + alert_interval;
    spdlog::warn("{}", *orders_.alert);
  }
  const bool pressed = orders_.level != Pressure::none;
  if (pressed && pressed_since_ == TimePoint{}) {
    pressed_since_ = now;
    memory.episodes.fetch_add(1, std::memory_order_relaxed);
  } else if (!pressed && pressed_since_ != TimePoint{}) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - pressed_since_);
    pressed_since_ = {};
    memory.episodes_ms.fetch_add(took.count(), std::memory_order_relaxed);
    spdlog::debug("memory: pressure is over after {} ms", took.count());
  }
  // tools/plot_pressure.py reads this line.
  spdlog::debug(
      "memory: level={} utilization={:.3f} resident={} held={} prefetched={} messages={} memories={} calls={} "
      "delay_ms={} batch_max={}"
      " records={} done={}",
      pipeline::name(orders_.level), orders_.utilization, reading.resident, held.sum(), held.prefetched, held.messages,
      held.memories, held.calls, orders_.delay.count(), orders_.batch_messages_max,
      metrics_.records.load(std::memory_order_relaxed), metrics_.messages_done());
}

}  // namespace alluvium::actors
