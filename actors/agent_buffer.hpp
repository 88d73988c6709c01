// SPDX-License-Identifier: Apache-2.0
// The actor that holds one agent's pending messages.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/light_actor.hpp"
#include "actors/protocol.hpp"
#include "pipeline/prefetch.hpp"

namespace alluvium::actors {

/// What an agent's buffer shares with the router. The counter makes the end of a buffer safe without a
/// handshake: the router adds before it sends, the buffer subtracts after it flushed; the buffer
/// that brings it to 0 ends, and a router that finds it at 0 starts another.
struct AgentSlot {
  std::atomic<std::int64_t> due_ns{0};      ///< When time makes it flush (clock of TimePoint); 0: never.
  std::atomic<std::int64_t> held_bytes{0};  ///< Charged for its pending messages.
  std::atomic<std::uint32_t> pending{0};    ///< Messages sent to the buffer and not flushed yet.
  std::atomic<bool> abandoned{false};       ///< Dropped on purpose: its end is no crash.
};

/// What all buffers of a stage have in common.
struct BufferContext {
  pipeline::BatchPolicy policy;
  pipeline::Credit* credit = nullptr;
  const std::atomic<std::size_t>* batch_messages_max = nullptr;  ///< Lower under memory pressure.
  std::shared_ptr<const Stage> stage;
  Supervisor supervisor;
  std::shared_ptr<pipeline::StripedSum> held_bytes;  ///< Of all buffers (Router).
};

/// What the engine holds for a buffer beside its messages: the actor and its place in the router's map.
inline constexpr std::int64_t buffer_overhead_bytes = 640;
/// And for each pending message beside its bytes.
inline constexpr std::int64_t message_overhead_bytes = 64;

/// Ends when it has flushed all that was sent to it. If it ends otherwise with messages in it, and nobody wanted that,
/// the supervisor hears of it.
class AgentBufferActor final : public LightActor {
 public:
  struct Options {
    std::shared_ptr<const BufferContext> context;
    ClaimPtr claim;
    const Stage::Desk* desk = nullptr;  ///< Gets its batches. Of the context's stage.
    std::string agent_id;
    std::uint32_t pending = 0;  ///< Messages that will be sent at once.
  };

  /// Charges buffer_overhead_bytes now: many can wait for their first turn.
  AgentBufferActor(caf::actor_config& config, Options options);

  [[nodiscard]] AgentSlot& slot() {
    return slot_;
  }
  /// For whoever will send to it soon: what that writes to lies before the slot, down to the count of references.
  static void announce(const AgentSlot* slot) {
    constexpr std::ptrdiff_t line = 64;
    for (auto offset = 0 * line; slot != nullptr && offset < 4 * line; offset += line) {
      pipeline::prefetch_to_write(reinterpret_cast<const char*>(slot) - offset);
    }
  }
  [[nodiscard]] const char* name() const override {
    return "agent_buffer";
  }

 protected:
  void receive(const caf::type_erased_tuple& message) override;
  void on_end() override;

 private:
  void take(const Slice& slice);
  void make_room(const Slice& slice, std::uint32_t from);
  [[nodiscard]] std::int64_t append(const pipeline::MessageView& message, pipeline::TimePoint now);
  [[nodiscard]] bool is_due(pipeline::TimePoint now) const;
  [[nodiscard]] pipeline::TimePoint now() const;
  void flush();
  void hold(std::int64_t bytes);
  void settle();

  AgentSlot slot_;  // Beside the mailbox: the router touches both.
  bool ended_ = false;
  std::shared_ptr<const BufferContext> context_;
  ClaimPtr claim_;
  const Stage::Desk* desk_;
  pipeline::Charge charge_;
  pipeline::Pending pending_;
  pipeline::Batch batch_;
};

}  // namespace alluvium::actors
