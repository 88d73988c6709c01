// SPDX-License-Identifier: Apache-2.0
#include "actors/light_actor.hpp"

#include <exception>
#include <utility>

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>
#include <spdlog/spdlog.h>

namespace alluvium::actors {

void LightActor::enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) {
  if (inbox_.push_front(std::move(element)) == caf::intrusive::inbox_result::unblocked_reader) {
    caf::intrusive_ptr_add_ref(ctrl());  // The scheduler's.
    if (unit != nullptr) {
      unit->exec_later(this);
    } else {
      home_system().scheduler().enqueue(this);
    }
  }
}

caf::resumable::resume_result LightActor::resume(caf::execution_unit* unit, std::size_t messages_max) {
  if (getf(is_terminated_flag)) {
    return done;
  }
  for (std::size_t taken = 0; taken < messages_max;) {
    const auto element = next();
    if (!element) {
      if (inbox_.try_block()) {
        return awaiting_message;
      }
      continue;  // One has come just now.
    }
    ++taken;
    if (!take(*element, unit)) {
      return done;
    }
  }
  return backlog_ == nullptr && inbox_.try_block() ? awaiting_message : resume_later;
}

caf::mailbox_element_ptr LightActor::next() {
  if (backlog_ == nullptr) {
    for (auto* newest = inbox_.take_head(); newest != nullptr;) {
      auto* older = static_cast<caf::mailbox_element*>(newest->next);
      newest->next = backlog_;
      backlog_ = newest;
      newest = older;
    }
  }
  return backlog_ == nullptr ? caf::mailbox_element_ptr{} : take_first();
}

caf::mailbox_element_ptr LightActor::take_first() {
  return caf::mailbox_element_ptr{std::exchange(backlog_, static_cast<caf::mailbox_element*>(backlog_->next))};
}

bool LightActor::take(caf::mailbox_element& element, caf::execution_unit* unit) {
  const auto& message = element.content();
  if (message.size() == 1 && message.match_element<caf::exit_msg>(0)) {
    cleanup(caf::error{message.get_as<caf::exit_msg>(0).reason}, unit);
    return false;
  }
  try {
    receive(message);
  } catch (const std::exception& thrown) {
    spdlog::error("{}: {}", name(), thrown.what());
    cleanup(caf::make_error(caf::sec::runtime_error), unit);
    return false;
  }
  if (quits_) {
    cleanup(caf::error{}, unit);
  }
  return !quits_;
}

bool LightActor::cleanup(caf::error&& reason, caf::execution_unit* unit) {
  if (!monitorable_actor::cleanup(std::move(reason), unit)) {
    return false;
  }
  if (!inbox_.closed()) {
    inbox_.close();
  }
  while (backlog_ != nullptr) {
    const auto dropped = take_first();
  }
  on_end();
  unregister_from_system();
  return true;
}

void LightActor::on_destroy() {
  cleanup(caf::make_error(caf::exit_reason::unreachable), nullptr);
  monitorable_actor::on_destroy();
}

void LightActor::intrusive_ptr_add_ref_impl() {
  caf::intrusive_ptr_add_ref(ctrl());
}

void LightActor::intrusive_ptr_release_impl() {
  caf::intrusive_ptr_release(ctrl());
}

}  // namespace alluvium::actors
