// SPDX-License-Identifier: Apache-2.0
// Packs messages into a batch and reads them back.
#include "pipeline/batch.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
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

void Batch::reserve_more(std::size_t messages, std::size_t text_bytes) {
  grow_by(entries_, messages);
  grow_by(texts_, text_bytes);
}

void Batch::append(const MessageView& message) {
  assert(message.agent_id == agent_id_);
  Entry entry;
  entry.party = place_of({message.session_id, message.user_id, message.org_id});
  entry.begin = end_of(texts_);
  texts_.append(message.id);
  entry.id_end = end_of(texts_);
  texts_.append(message.content);
  entry.content_end = end_of(texts_);
  entry.position = message.position;
  entry.timestamp_ms = message.timestamp_ms;
  entry.role = message.role;
  entry.worth = message.worth;
  content_bytes_ += message.content.size();
  entries_.push_back(entry);
}

/// A party is kept as the lengths of its three texts, then these.
Batch::Party Batch::party_at(std::uint32_t place) const {
  if (place == 0) {
    return {};
  }
  const char* next = texts_.data() + place - 1;
  std::array<std::uint32_t, 3> lengths;
  std::memcpy(lengths.data(), next, sizeof lengths);
  next += sizeof lengths;
  const auto take = [&next](std::uint32_t length) {
    const std::string_view text{next, length};
    next += length;
    return text;
  };
  Party party;
  party.session_id = take(lengths[0]);
  party.user_id = take(lengths[1]);
  party.org_id = take(lengths[2]);
  return party;
}

/// Neighbours nearly always share session, user and organisation: then the one before serves both.
std::uint32_t Batch::place_of(const Party& party) {
  if (party == Party{}) {
    return 0;
  }
  if (const auto before = entries_.empty() ? 0 : entries_.back().party; before != 0 && party == party_at(before)) {
    return before;
  }
  const auto place = end_of(texts_) + 1;
  const auto length = [](std::string_view text) { return static_cast<std::uint32_t>(text.size()); };
  const std::array lengths = {length(party.session_id), length(party.user_id), length(party.org_id)};
  std::array<char, sizeof lengths> bytes;
  static_assert(sizeof bytes == text_overhead_bytes);
  std::memcpy(bytes.data(), lengths.data(), sizeof lengths);
  texts_.append(bytes.data(), bytes.size());
  for (const auto text : {party.session_id, party.user_id, party.org_id}) {
    if (!text.empty()) {
      texts_.append(text);
    }
  }
  return place;
}

MessageView Batch::operator[](std::size_t i) const {
  const auto& entry = entries_[i];
  const auto party = party_at(entry.party);
  return MessageView{.id = id(i),
                     .agent_id = agent_id_,
                     .session_id = party.session_id,
                     .user_id = party.user_id,
                     .org_id = party.org_id,
                     .content = content(i),
                     .role = entry.role,
                     .timestamp_ms = entry.timestamp_ms,
                     .position = entry.position,
                     .worth = entry.worth};
}

}  // namespace alluvium::pipeline
