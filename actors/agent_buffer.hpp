// SPDX-License-Identifier: Apache-2.0
// The actor that holds one agent's pending messages.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/protocol.hpp"

namespace alluvium::actors {

/// Shared by an agent's buffer and the router. The counter makes the end of a buffer safe without a
/// handshake: the router adds before it sends, the buffer subtracts after it flushed; the buffer
/// that brings it to 0 ends, and a router that finds it at 0 starts another.
struct AgentSlot {
  std::atomic<std::uint32_t> pending{0};    ///< Messages sent to the buffer and not flushed yet.
  std::atomic<std::int64_t> due_ns{0};      ///< When time makes it flush (clock of TimePoint); 0: never.
  std::atomic<std::int64_t> held_bytes{0};  ///< Charged for its pending messages.
  std::atomic<bool> abandoned{false};       ///< Dropped on purpose: its end is no crash.
};

/// What all buffers of a stage have in common.
struct BufferContext {
  pipeline::BatchPolicy policy;
  pipeline::Credit* credit = nullptr;
  const std::atomic<std::size_t>* batch_messages_max = nullptr;  ///< Lower under memory pressure.
  std::shared_ptr<const Stage> stage;
  Supervisor supervisor;
  std::shared_ptr<std::atomic<std::int64_t>> held_bytes;  ///< Sum of all buffers' (Router).
};

/// What the engine holds for a buffer beside its messages: the actor, its slot and its place in the
/// router's map.
inline constexpr std::int64_t buffer_overhead_bytes = 2048;
/// And for each pending message beside its bytes.
inline constexpr std::int64_t message_overhead_bytes = 64;

struct AgentBufferState {
  static constexpr const char* name = "agent_buffer";

  /// If it goes with messages in it, and nobody wanted that, the supervisor hears of it.
  ~AgentBufferState();

  std::shared_ptr<const BufferContext> context;
  ClaimPtr claim;
  std::shared_ptr<AgentSlot> slot;
  const Stage::Desk* desk = nullptr;  ///< Of the context's stage.

  pipeline::Batch batch;
  pipeline::Pending pending;
  pipeline::Charge charge;
  bool ended = false;
};

/// `desk` gets its batches. `overhead`: buffer_overhead_bytes, charged before it is spawned, since many can wait
/// for their first turn. Ends when it has flushed all that was sent to it.
AgentBuffer::behavior_type agent_buffer(AgentBuffer::stateful_pointer<AgentBufferState> self,
                                        std::shared_ptr<const BufferContext> context, ClaimPtr claim,
                                        std::shared_ptr<AgentSlot> slot, const Stage::Desk* desk, std::string agent_id,
                                        const std::shared_ptr<pipeline::Charge>& overhead);

}  // namespace alluvium::actors
