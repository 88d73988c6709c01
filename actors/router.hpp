// SPDX-License-Identifier: Apache-2.0
// Brings each message to the buffer of its agent, and keeps the buffers' time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actors/agent_buffer.hpp"
#include "actors/protocol.hpp"
#include "actors/route_table.hpp"

namespace alluvium::actors {

/// Groups what was read in one round by agent, so that in catch-up a buffer gets one mailbox message for
/// many chat messages. Not an actor: the source's thread owns it.
///
/// It also keeps the buffers' alarms. A timer per buffer would keep its ended buffer in memory until
/// it fires (an hour, by default): at 100,000 messages a second that is gigabytes. Instead each
/// buffer writes when it is due into its slot, and sweep() looks at the slots, which it has to visit
/// anyway to forget the agents that have gone.
class Router {
 public:
  explicit Router(caf::actor_system& system) : system_{system} {}

  /// Buffers made from now on belong to this stage.
  void use(std::shared_ptr<const BufferContext> context) {
    context_ = std::move(context);
  }
  /// Sends every message to its buffer. `claims[slot]` is the claim under which it came. Returns of how many agents
  /// they are.
  std::size_t route(RoutedChunkPtr chunk, const std::vector<ClaimPtr>& claims);
  /// Wakes the buffers that are due at `now` and forgets those that have ended. Looks at them only if one can be due,
  /// or many may have ended: there can be a million.
  void sweep(pipeline::TimePoint now);
  /// Makes every buffer hand on what it has.
  void flush();
  /// Of which partitions: `quiet` are those that the last chunk had nothing of. While a backlog is read one partition
  /// at a time (connectors/reading_turns), these get no more for a while.
  enum class Among { all, quiet, others };
  /// The same for the fullest ones of these, until about `bytes` are on their way: what is, is taken from `bytes`.
  /// Returns how many. Of these partitions those that have ended are forgotten in passing.
  std::size_t flush_fullest(std::int64_t& bytes, Among among, pipeline::TimePoint now);
  /// Ends a partition's buffers without a flush: someone will read their messages again.
  void drop(pipeline::PartitionSlot slot);
  void drop_all();
  /// Ends a buffer as a crash would. For tests and drills.
  void crash_a_buffer();

  /// Agents that have pending messages, or had when those that have ended were last forgotten.
  [[nodiscard]] std::size_t size() const;
  /// Charged for messages that wait in buffers.
  [[nodiscard]] std::int64_t held_bytes() const {
    return held_bytes_->value();
  }
  /// Where buffers count it: for their context.
  [[nodiscard]] const std::shared_ptr<pipeline::StripedSum>& held_bytes_of_all() const {
    return held_bytes_;
  }

 private:
  void start_buffer(Route& route, AgentBufferActor::Options options);
  [[nodiscard]] bool is_among(pipeline::PartitionSlot slot, Among among) const;

  caf::actor_system& system_;
  std::shared_ptr<const BufferContext> context_;
  std::vector<RouteTable> routes_;         ///< By partition slot. Bounded by the credit: each has pending bytes.
  std::vector<std::uint64_t> last_chunk_;  ///< By partition slot: the number of the last chunk with messages of it.
  std::uint64_t chunks_ = 0;
  std::vector<std::size_t> hashes_;  ///< Of the chunk's agents.
  std::vector<std::uint32_t> next_;
  bool may_flush_ = false;         ///< Something was routed since the last flush of all.
  pipeline::TimePoint due_at_;     ///< Before, none is due.
  pipeline::TimePoint forget_at_;  ///< By then those that were told to flush are looked for.
  std::size_t kept_ = 0;           ///< Routes that were left when those that have ended were last forgotten.
  std::shared_ptr<pipeline::StripedSum> held_bytes_ = std::make_shared<pipeline::StripedSum>();
};

}  // namespace alluvium::actors
