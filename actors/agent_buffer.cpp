// SPDX-License-Identifier: Apache-2.0
#include "actors/agent_buffer.hpp"

#include <algorithm>
#include <utility>

#include <caf/actor_clock.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

namespace alluvium::actors {

AgentBufferActor::AgentBufferActor(caf::actor_config& config, Options options)
    : LightActor{config},
      context_{std::move(options.context)},
      claim_{std::move(options.claim)},
      desk_{options.desk},
      charge_{*context_->credit},
      batch_{std::move(options.agent_id)} {
  slot_.pending.store(options.pending, std::memory_order_relaxed);
  charge_.add(buffer_overhead_bytes);
}

void AgentBufferActor::receive(const caf::type_erased_tuple& message) {
  if (slot_.abandoned.load(std::memory_order_acquire)) {
    return;  // It is told to end soon.
  }
  if (message.match_element<Slice>(0)) {
    take(message.get_as<Slice>(0));
  } else if (message.match_element<Flush>(0)) {
    if (pending_.messages > 0) {
      flush();
    }
  } else if (is_due(now())) {  // Tick
    flush();
  }
  settle();
}

void AgentBufferActor::on_end() {
  hold(0);
  if (!ended_ && !slot_.abandoned.load(std::memory_order_acquire)) {
    caf::anon_send(context_->supervisor, Crashed::value, "the buffer of an agent ended with messages pending");
  }
  // The router may have its handle for a while yet.
  charge_ = {};
  batch_ = {};
  claim_ = nullptr;
  context_ = nullptr;
}

void AgentBufferActor::take(const Slice& slice) {
  batch_.fetch_ahead();
  const auto at = now();
  std::int64_t bytes = 0;
  const auto charge = [&] {
    // A buffer's first batch is charged for the buffer already. Once a slice: every thread counts there.
    charge_.add(std::exchange(bytes, 0) + (charge_.bytes() == 0 ? buffer_overhead_bytes : 0));
  };
  make_room(slice, slice.begin);
  for (auto i = slice.begin; i < slice.end; ++i) {
    const auto message = slice.chunk->read(i).message();
    if (context_->policy.must_flush_before(pending_, message.content.size())) {
      charge();
      flush();
      make_room(slice, i);
    }
    bytes += append(message, at);
    if (is_due(at)) {
      charge();
      flush();
      if (i + 1 < slice.end) {
        make_room(slice, i + 1);
      }
    }
  }
  if (bytes > 0) {
    charge();
  }
}

/// For what is still to be appended of a slice, as far as the batch will take it: one growth instead of several.
void AgentBufferActor::make_room(const Slice& slice, std::uint32_t from) {
  const auto batch_max = std::max<std::size_t>(1, context_->batch_messages_max->load(std::memory_order_relaxed));
  const auto held = batch_.size();
  const auto count = std::min<std::size_t>(slice.end - from, held < batch_max ? batch_max - held : 1);
  std::size_t content_bytes = 0;
  std::size_t text_bytes = 0;
  std::uint32_t taken = 0;
  for (; taken < count; ++taken) {
    const auto& entry = slice.chunk->messages.entries()[slice.chunk->order[from + taken]];
    pipeline::Pending pending;
    pending.messages = held + taken;
    pending.content_bytes = batch_.content_bytes() + content_bytes;
    if (context_->policy.must_flush_before(pending, entry.content_bytes())) {
      break;
    }
    content_bytes += entry.content_bytes();
    text_bytes += entry.text_bytes() + pipeline::Batch::text_overhead_bytes;
  }
  batch_.reserve_more(taken, text_bytes);
}

/// Returns the bytes to be charged for it.
std::int64_t AgentBufferActor::append(const pipeline::MessageView& message, pipeline::TimePoint now) {
  const auto before = batch_.text_bytes();
  batch_.append(message);
  if (pending_.messages == 0) {
    pending_.first_at = now;
  }
  pending_.messages = batch_.size();
  pending_.content_bytes = batch_.content_bytes();
  pending_.last_at = now;
  return static_cast<std::int64_t>(batch_.text_bytes() - before) + message_overhead_bytes;
}

bool AgentBufferActor::is_due(pipeline::TimePoint now) const {
  return context_->policy.flush_reason(pending_, now, context_->batch_messages_max->load(std::memory_order_relaxed))
      .has_value();
}

pipeline::TimePoint AgentBufferActor::now() const {
  return home_system().clock().now();  // Not steady_clock: tests turn this clock by hand.
}

/// Hands the batch over whole and starts an empty one, so that nothing in it is processed twice.
void AgentBufferActor::flush() {
  const auto count = static_cast<std::uint32_t>(batch_.size());
  Work work{claim_, std::exchange(batch_, pipeline::Batch{batch_.agent_id()}), std::move(charge_)};
  charge_ = pipeline::Charge{*context_->credit};
  pending_ = {};
  if (desk_->works->put(std::move(work))) {
    caf::anon_send(desk_->extractor, Arrived::value);
  }
  // Only now: whoever finds 0 may start another buffer, whose batches must come after this one.
  ended_ = slot_.pending.fetch_sub(count, std::memory_order_acq_rel) == count;
}

/// Only this buffer writes to its slot's figure.
void AgentBufferActor::hold(std::int64_t bytes) {
  const auto before = slot_.held_bytes.load(std::memory_order_relaxed);
  if (bytes != before) {
    slot_.held_bytes.store(bytes, std::memory_order_relaxed);
    if (bytes > before) {
      context_->held_bytes->add(bytes - before);
    } else {
      context_->held_bytes->take(before - bytes);
    }
  }
}

void AgentBufferActor::settle() {
  hold(pending_.messages > 0 ? charge_.bytes() : 0);
  if (ended_) {
    quit();
  } else {
    slot_.due_ns.store(pending_.messages > 0 ? context_->policy.deadline(pending_).time_since_epoch().count() : 0,
                       std::memory_order_relaxed);
  }
}

}  // namespace alluvium::actors
