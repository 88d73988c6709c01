// SPDX-License-Identifier: Apache-2.0
// Packs messages into a batch and reads them back.
#include "pipeline/batch.hpp"

#include <cassert>
#include <limits>

namespace alluvium::pipeline {

void Batch::append(const MessageView& message) {
  assert(message.agent_id == agent_id_);
  contents_.append(message.content);
  assert(contents_.size() <= std::numeric_limits<std::uint32_t>::max());
  const auto before = entries_.empty() ? Entry{} : entries_.back();
  entries_.push_back(Entry{.content_end = static_cast<std::uint32_t>(contents_.size()),
                           .id = keep(message.id, before.id),
                           .session_id = keep(message.session_id, before.session_id),
                           .user_id = keep(message.user_id, before.user_id),
                           .org_id = keep(message.org_id, before.org_id),
                           .position = message.position,
                           .timestamp_ms = message.timestamp_ms,
                           .role = message.role,
                           .worth = message.worth});
}

/// Neighbours nearly always share session, user and org: then `before` serves both.
Batch::Piece Batch::keep(std::string_view text_to_keep, Piece before) {
  if (text(before) == text_to_keep) {
    return before;
  }
  const auto begin = static_cast<std::uint32_t>(texts_.size());
  texts_.append(text_to_keep);
  assert(texts_.size() <= std::numeric_limits<std::uint32_t>::max());
  return {begin, static_cast<std::uint32_t>(text_to_keep.size())};
}

MessageView Batch::operator[](std::size_t i) const {
  const auto& entry = entries_[i];
  return MessageView{.id = id(i),
                     .agent_id = agent_id_,
                     .session_id = text(entry.session_id),
                     .user_id = text(entry.user_id),
                     .org_id = text(entry.org_id),
                     .content = content(i),
                     .role = entry.role,
                     .timestamp_ms = entry.timestamp_ms,
                     .position = entry.position,
                     .worth = entry.worth};
}

}  // namespace alluvium::pipeline
