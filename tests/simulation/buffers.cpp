// SPDX-License-Identifier: Apache-2.0
// Agent buffers and extractors.
#include <algorithm>
#include <utility>

#include "tests/simulation/engine.hpp"

namespace alluvium::simulation {

using pipeline::PartitionSlot;

namespace {

std::string agent_name(int agent) {
  return "agent-" + std::to_string(agent);
}

}  // namespace

void Engine::route(PartitionSlot slot, const Routed& routed) {
  const auto now = around_.now();
  auto buffer = std::find_if(buffers_.begin(), buffers_.end(), [&](const Buffer& each) {
    return each.slot == slot && each.agent == routed.message->agent;
  });
  if (buffer == buffers_.end()) {
    const auto agent = routed.message->agent;
    buffers_.push_back({slot, agent, partitions_[slot].claim, pipeline::Batch{agent_name(agent)}, {}});
    buffer = buffers_.end() - 1;
  }
  if (around_.mutated(Mutation::buffers_mix_claims)) {
    buffer->claim = partitions_[slot].claim;
  }
  pipeline::MessageView message;
  message.id = routed.message->id;
  message.agent_id = buffer->batch.agent_id();
  message.content = routed.message->id;
  message.position = routed.position;
  message.worth = routed.worth;
  if (policy_.must_flush_before(buffer->pending, message.content.size())) {
    check(*buffer, false);
    flush(*buffer);
  }
  if (buffer->pending.messages == 0) {
    buffer->pending.first_at = now;
  }
  buffer->batch.append(message);
  buffer->pending.messages = buffer->batch.size();
  buffer->pending.content_bytes = buffer->batch.content_bytes();
  buffer->pending.last_at = now;
  if (policy_.flush_reason(buffer->pending, now)) {
    check(*buffer, false);
    flush(*buffer);
  }
  check(*buffer, true);
  std::erase_if(buffers_, [](const Buffer& each) { return each.batch.empty(); });
}

/// The flush rule, said once more: a batch leaves for a reason, and does not stay when there is one.
void Engine::check(const Buffer& buffer, bool stays) {
  const auto& options = around_.scenario.buffer;
  const auto& pending = buffer.pending;
  const auto now = around_.now();
  const auto size = buffer.batch.size();
  if (size == 0) {
    return;
  }
  const bool full = size >= options.max_messages || buffer.batch.content_bytes() >= options.max_bytes;
  const bool due = now - pending.first_at >= options.max_hold ||
                   (size >= options.min_messages && now - pending.last_at >= options.idle_timeout);
  if (stays && (full || due)) {
    around_.witness.fault(buffer.batch.agent_id() + ": a batch stays that has to leave");
  }
  // Without room for one more message it leaves as well: ids have 3 to 10 bytes here.
  if (!stays && !full && !due && buffer.batch.content_bytes() + 10 <= options.max_bytes) {
    around_.witness.fault(buffer.batch.agent_id() + ": a batch leaves without a reason");
  }
  if (size > options.max_messages || (size > 1 && buffer.batch.content_bytes() > options.max_bytes)) {
    around_.witness.fault(buffer.batch.agent_id() + ": a batch beyond its limits");
  }
}

void Engine::flush(Buffer& buffer) {
  auto batch = std::exchange(buffer.batch, pipeline::Batch{agent_name(buffer.agent)});
  buffer.pending = {};
  if (stage_up_) {
    // An agent's batches go to the same extractor, so that they reach the writer in order.
    auto to = static_cast<std::size_t>(buffer.agent) % extractors;
    if (around_.mutated(Mutation::any_extractor)) {
      to = around_.random.below(extractors);
    }
    work_[to].push_back({buffer.claim, std::move(batch)});
  }
}

void Engine::flush_all() {
  for (auto& buffer : buffers_) {
    flush(buffer);
  }
  buffers_.clear();
}

void Engine::drop_buffers(PartitionSlot slot) {
  std::erase_if(buffers_, [&](const Buffer& buffer) { return buffer.slot == slot; });
}

/// Buffers that said they are due are woken, and decide for themselves. So are some others: a message that came
/// after the alarm was sent has put them off.
void Engine::sweep() {
  const auto now = around_.now();
  next_sweep_ms_ = around_.now_ms + policy_.sweep_interval().count();
  for (auto& buffer : buffers_) {
    const bool woken = policy_.deadline(buffer.pending) <= now || around_.random.once_in(8);
    if (woken && policy_.flush_reason(buffer.pending, now)) {
      check(buffer, false);
      flush(buffer);
    }
    check(buffer, true);
  }
  std::erase_if(buffers_, [](const Buffer& each) { return each.batch.empty(); });
}

void Engine::extract(std::size_t extractor) {
  auto work = std::move(work_[extractor].front());
  work_[extractor].pop_front();
  const auto& name = work.claim->name;
  pipeline::ExtractedBatch done;
  done.id = pipeline::batch_id(work.batch, name.topic, name.partition);
  done.outcomes.assign(work.batch.size(), pipeline::Outcome::empty);
  const auto& log = around_.stream[index_of(name)];
  for (std::uint32_t i = 0; i < work.batch.size(); ++i) {
    const auto& position = work.batch.position(i);
    const auto* record = log.find(position.offset);
    if (record == nullptr || position.index >= record->count) {
      around_.witness.fault(std::to_string(position.offset) + ": in a batch, and no such message was produced");
      return;
    }
    if (!record->messages[position.index].marked) {
      continue;
    }
    pipeline::Memory memory;
    memory.content = work.batch.content(i);
    memory.rule_id = "marked";
    memory.sources = {i};
    memory.id = around_.mutated(Mutation::random_ids) ? std::to_string(around_.random.next())
                                                      : pipeline::memory_id(work.batch, memory);
    done.memories.push_back(std::move(memory));
    done.outcomes[i] = pipeline::Outcome::extracted;
  }
  done.batch = std::move(work.batch);
  send(Extracted{std::move(work.claim), std::move(done)});
}

}  // namespace alluvium::simulation
