// SPDX-License-Identifier: Apache-2.0
// An actor of which there can be a million.
#pragma once

#include <cstddef>

#include <caf/actor_config.hpp>
#include <caf/intrusive/lifo_inbox.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/monitorable_actor.hpp>
#include <caf/resumable.hpp>
#include <caf/type_erased_tuple.hpp>

namespace alluvium::actors {

/// A mailbox and turns, on CAF's own base for actors that can be sent to, linked and monitored. CAF's event_based_actor
/// has four queues, handlers for streams, requests and time-outs, and a behavior made at its first turn: 1,040 bytes
/// and five allocations each, where this has 216 bytes and one (docs/benchmarks.md has what it saves). It answers no
/// requests, takes no time-outs, skips no messages, and is monitored or linked to, but does not do so itself.
///
/// Messages of one sender arrive in order. receive() and on_end() run in turns: never two at once.
class LightActor : public caf::monitorable_actor, public caf::resumable {
 public:
  explicit LightActor(caf::actor_config& config) : monitorable_actor{config} {}

  /// Counts it among those the system waits for. Once, before the first message.
  void start() {
    register_at_system();
    inbox_.try_block();
  }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override;
  resume_result resume(caf::execution_unit* unit, std::size_t messages_max) override;
  void intrusive_ptr_add_ref_impl() override;
  void intrusive_ptr_release_impl() override;
  /// Ends it in its turn, or when nobody has it any more.
  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override;
  void on_destroy() override;

 protected:
  /// A message that is no wish that it ends. What it throws ends the actor.
  virtual void receive(const caf::type_erased_tuple& message) = 0;
  /// Called once, after the last message.
  virtual void on_end() {}
  /// Ends it after the message at hand; what else waits is dropped.
  void quit() {
    quits_ = true;
  }

 private:
  struct InboxPolicy {
    using mapped_type = caf::mailbox_element;
    using unique_pointer = caf::mailbox_element_ptr;
  };

  /// The message that came first, or null.
  [[nodiscard]] caf::mailbox_element_ptr next();
  [[nodiscard]] caf::mailbox_element_ptr take_first();
  /// False: it has ended.
  [[nodiscard]] bool take(caf::mailbox_element& element, caf::execution_unit* unit);

  caf::intrusive::lifo_inbox<InboxPolicy> inbox_;
  caf::mailbox_element* backlog_ = nullptr;  ///< Taken from the inbox, oldest first.
  bool quits_ = false;
};

}  // namespace alluvium::actors
