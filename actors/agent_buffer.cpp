// SPDX-License-Identifier: Apache-2.0
#include "actors/agent_buffer.hpp"

#include <utility>

namespace alluvium::actors {
namespace {

using Self = AgentBuffer::stateful_pointer<AgentBufferState>;

/// Hands the batch over whole and starts an empty one, so that nothing in it is processed twice.
void flush(AgentBufferState& state) {
  const auto count = static_cast<std::uint32_t>(state.batch.size());
  auto work = std::make_shared<Work>(
      Work{state.claim, std::exchange(state.batch, pipeline::Batch{state.agent_id}), std::move(state.charge)});
  state.charge = pipeline::Charge{*state.context->credit};
  state.pending = {};
  state.slot->held_bytes.store(0, std::memory_order_relaxed);
  caf::anon_send(state.extractor, std::move(work));
  // Only now: whoever finds 0 may start another buffer, whose batches must come after this one.
  state.ended = state.slot->pending.fetch_sub(count, std::memory_order_acq_rel) == count;
}

void append(AgentBufferState& state, const pipeline::MessageView& message, pipeline::TimePoint now) {
  if (state.context->policy.must_flush_before(state.pending, message.content.size())) {
    flush(state);
  }
  if (state.pending.messages == 0) {
    state.pending.first_at = now;
    if (state.charge.bytes() == 0) {  // Its first batch is charged already.
      state.charge.add(buffer_overhead_bytes);
    }
  }
  state.batch.append(message);
  state.charge.add(static_cast<std::int64_t>(message.content.size() + message.id.size()) + message_overhead_bytes);
  state.pending.messages = state.batch.size();
  state.pending.content_bytes = state.batch.content_bytes();
  state.pending.last_at = now;
}

bool is_due(const AgentBufferState& state, pipeline::TimePoint now) {
  const auto& context = *state.context;
  return context.policy.flush_reason(state.pending, now, context.batch_messages_max->load(std::memory_order_relaxed))
      .has_value();
}

void settle(Self self) {
  auto& state = self->state;
  if (state.ended) {
    self->quit();
  } else if (state.pending.messages > 0) {
    state.slot->held_bytes.store(state.charge.bytes(), std::memory_order_relaxed);
    state.slot->due_ns.store(state.context->policy.deadline(state.pending).time_since_epoch().count(),
                             std::memory_order_relaxed);
  } else {
    state.slot->due_ns.store(0, std::memory_order_relaxed);
  }
}

}  // namespace

AgentBufferState::~AgentBufferState() {
  if (slot && !ended && !slot->abandoned.load(std::memory_order_acquire)) {
    caf::anon_send(context->supervisor, Crashed::value, "the buffer of an agent ended with messages pending");
  }
}

AgentBuffer::behavior_type agent_buffer(Self self, std::shared_ptr<const BufferContext> context, ClaimPtr claim,
                                        std::shared_ptr<AgentSlot> slot, Extractor extractor, std::string agent_id,
                                        const std::shared_ptr<pipeline::Charge>& overhead) {
  auto& state = self->state;
  state.charge = std::move(*overhead);
  state.batch = pipeline::Batch{agent_id};
  state.context = std::move(context);
  state.claim = std::move(claim);
  state.slot = std::move(slot);
  state.extractor = std::move(extractor);
  state.agent_id = std::move(agent_id);
  return {
      [self](const Slice& slice) {
        auto& here = self->state;
        const auto now = self->clock().now();  // Not steady_clock: tests turn this clock by hand.
        for (auto i = slice.begin; i < slice.end; ++i) {
          append(here, slice.chunk->messages.entries()[slice.chunk->order[i]].message, now);
          if (is_due(here, now)) {
            flush(here);
          }
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
