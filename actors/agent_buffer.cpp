// SPDX-License-Identifier: Apache-2.0
#include "actors/agent_buffer.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::actors {
namespace {

using Self = AgentBuffer::stateful_pointer<AgentBufferState>;

/// Hands the batch over whole and starts an empty one, so that nothing in it is processed twice.
void flush(AgentBufferState& state) {
  const auto count = static_cast<std::uint32_t>(state.batch.size());
  Work work{state.claim, std::exchange(state.batch, pipeline::Batch{state.batch.agent_id()}), std::move(state.charge)};
  state.charge = pipeline::Charge{*state.context->credit};
  state.pending = {};
  if (state.desk->works->put(std::move(work))) {
    caf::anon_send(state.desk->extractor, Arrived::value);
  }
  // Only now: whoever finds 0 may start another buffer, whose batches must come after this one.
  state.ended = state.slot->pending.fetch_sub(count, std::memory_order_acq_rel) == count;
}

/// What is still to be appended of a slice, as far as the batch will take it: one growth instead of several.
void make_room(AgentBufferState& state, const Slice& slice, std::uint32_t from) {
  const auto batch_max = std::max<std::size_t>(1, state.context->batch_messages_max->load(std::memory_order_relaxed));
  const auto held = state.batch.size();
  const auto count = std::min<std::size_t>(slice.end - from, held < batch_max ? batch_max - held : 1);
  std::size_t content_bytes = 0;
  std::size_t text_bytes = 0;
  std::uint32_t taken = 0;
  for (; taken < count; ++taken) {
    const auto& entry = slice.chunk->messages.entries()[slice.chunk->order[from + taken]];
    pipeline::Pending pending;
    pending.messages = held + taken;
    pending.content_bytes = state.batch.content_bytes() + content_bytes;
    if (state.context->policy.must_flush_before(pending, entry.content_bytes())) {
      break;
    }
    content_bytes += entry.content_bytes();
    text_bytes += entry.text_bytes() + pipeline::Batch::text_overhead_bytes;
  }
  state.batch.reserve_more(taken, text_bytes);
}

/// Returns the bytes to be charged for it.
std::int64_t append(AgentBufferState& state, const pipeline::MessageView& message, pipeline::TimePoint now) {
  const auto before = state.batch.text_bytes();
  state.batch.append(message);
  if (state.pending.messages == 0) {
    state.pending.first_at = now;
  }
  state.pending.messages = state.batch.size();
  state.pending.content_bytes = state.batch.content_bytes();
  state.pending.last_at = now;
  return static_cast<std::int64_t>(state.batch.text_bytes() - before) + message_overhead_bytes;
}

bool is_due(const AgentBufferState& state, pipeline::TimePoint now) {
  const auto& context = *state.context;
  return context.policy.flush_reason(state.pending, now, context.batch_messages_max->load(std::memory_order_relaxed))
      .has_value();
}

/// Only this buffer writes to its slot's figure.
void hold(AgentBufferState& state, std::int64_t bytes) {
  const auto more = bytes - state.slot->held_bytes.load(std::memory_order_relaxed);
  if (more != 0) {
    state.slot->held_bytes.store(bytes, std::memory_order_relaxed);
    state.context->held_bytes->fetch_add(more, std::memory_order_relaxed);
  }
}

void settle(Self self) {
  auto& state = self->state;
  hold(state, state.pending.messages > 0 ? state.charge.bytes() : 0);
  if (state.ended) {
    self->quit();
  } else if (state.pending.messages > 0) {
    state.slot->due_ns.store(state.context->policy.deadline(state.pending).time_since_epoch().count(),
                             std::memory_order_relaxed);
  } else {
    state.slot->due_ns.store(0, std::memory_order_relaxed);
  }
}

}  // namespace

AgentBufferState::~AgentBufferState() {
  if (slot) {
    hold(*this, 0);
  }
  if (slot && !ended && !slot->abandoned.load(std::memory_order_acquire)) {
    caf::anon_send(context->supervisor, Crashed::value, "the buffer of an agent ended with messages pending");
  }
}

AgentBuffer::behavior_type agent_buffer(Self self, std::shared_ptr<const BufferContext> context, ClaimPtr claim,
                                        std::shared_ptr<AgentSlot> slot, const Stage::Desk* desk, std::string agent_id,
                                        const std::shared_ptr<pipeline::Charge>& overhead) {
  auto& state = self->state;
  state.charge = std::move(*overhead);
  state.batch = pipeline::Batch{std::move(agent_id)};
  state.context = std::move(context);
  state.claim = std::move(claim);
  state.slot = std::move(slot);
  state.desk = desk;
  return {
      [self](const Slice& slice) {
        auto& here = self->state;
        const auto now = self->clock().now();  // Not steady_clock: tests turn this clock by hand.
        std::int64_t bytes = 0;
        const auto charge = [&] {
          // A buffer's first batch is charged for the buffer already. Once a slice: every thread counts there.
          here.charge.add(std::exchange(bytes, 0) + (here.charge.bytes() == 0 ? buffer_overhead_bytes : 0));
        };
        make_room(here, slice, slice.begin);
        for (auto i = slice.begin; i < slice.end; ++i) {
          const auto message = slice.chunk->messages.entries()[slice.chunk->order[i]].message();
          if (here.context->policy.must_flush_before(here.pending, message.content.size())) {
            charge();
            flush(here);
            make_room(here, slice, i);
          }
          bytes += append(here, message, now);
          if (is_due(here, now)) {
            charge();
            flush(here);
            if (i + 1 < slice.end) {
              make_room(here, slice, i + 1);
            }
          }
        }
        if (bytes > 0) {
          charge();
        }
        settle(self);
      },
      [self](Flush) {
        if (self->state.pending.messages > 0) {
          flush(self->state);
        }
        settle(self);
      },
      [self](Tick) {
        if (is_due(self->state, self->clock().now())) {
          flush(self->state);
        }
        settle(self);
      },
  };
}

}  // namespace alluvium::actors
