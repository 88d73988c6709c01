// SPDX-License-Identifier: Apache-2.0
// Packs messages into a batch and reads them back.
#include "pipeline/batch.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

namespace alluvium::pipeline {
namespace {

/// Doubles at least, so that many small steps stay linear.
template <class Container>
void grow_by(Container& container, std::size_t more) {
  if (const auto wanted = container.size() + more; wanted > container.capacity()) {
    container.reserve(std::max(wanted, 2 * container.capacity()));
  }
}

std::uint32_t end_of(const std::string& text) {
  assert(text.size() <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(text.size());
}

}  // namespace

void Batch::reserve_more(std::size_t messages, std::size_t content_bytes, std::size_t id_bytes) {
  grow_by(entries_, messages);
  grow_by(contents_, content_bytes);
  grow_by(ids_, id_bytes);
}

void Batch::append(const MessageView& message) {
  assert(message.agent_id == agent_id_);
  const auto party = party_of(message);
  contents_.append(message.content);
  ids_.append(message.id);
  entries_.push_back(Entry{.position = message.position,
                           .timestamp_ms = message.timestamp_ms,
                           .content_end = end_of(contents_),
                           .id_end = end_of(ids_),
                           .party = party,
                           .role = message.role,
                           .worth = message.worth});
}

bool Batch::is_of(const MessageView& message, std::uint32_t party) const {
  if (party == 0) {
    return message.session_id.empty() && message.user_id.empty() && message.org_id.empty();
  }
  const auto& known = parties_[party - 1];
  return text(known.begin, known.session_end) == message.session_id &&
         text(known.session_end, known.user_end) == message.user_id &&
         text(known.user_end, known.org_end) == message.org_id;
}

/// Neighbours nearly always share session, user and organisation: then the one before serves both.
std::uint32_t Batch::party_of(const MessageView& message) {
  const auto before = entries_.empty() ? 0 : entries_.back().party;
  for (const auto party : {before, std::uint32_t{0}}) {
    if (is_of(message, party)) {
      return party;
    }
  }
  Party party{.begin = end_of(texts_)};
  party.session_end = end_of(texts_.append(message.session_id));
  party.user_end = end_of(texts_.append(message.user_id));
  party.org_end = end_of(texts_.append(message.org_id));
  parties_.push_back(party);
  return static_cast<std::uint32_t>(parties_.size());
}

MessageView Batch::operator[](std::size_t i) const {
  const auto& entry = entries_[i];
  const auto party = entry.party == 0 ? Party{} : parties_[entry.party - 1];
  return MessageView{.id = id(i),
                     .agent_id = agent_id_,
                     .session_id = text(party.begin, party.session_end),
                     .user_id = text(party.session_end, party.user_end),
                     .org_id = text(party.user_end, party.org_end),
                     .content = content(i),
                     .role = entry.role,
                     .timestamp_ms = entry.timestamp_ms,
                     .position = entry.position,
                     .worth = entry.worth};
}

}  // namespace alluvium::pipeline
