// SPDX-License-Identifier: Apache-2.0
// Packs messages into a batch and reads them back.
#include "pipeline/batch.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

namespace alluvium::pipeline {

namespace {

// Looking further back would cost more than it saves, and a batch of strangers would cost the
// square of its length.
constexpr std::size_t speakers_looked_at = 8;

}  // namespace

void Batch::append(const MessageView& message) {
  assert(message.agent_id == agent_id_);
  contents_.append(message.content);
  ids_.append(message.id);
  assert(contents_.size() <= std::numeric_limits<std::uint32_t>::max());
  entries_.push_back(Entry{.content_end = static_cast<std::uint32_t>(contents_.size()),
                           .id_end = static_cast<std::uint32_t>(ids_.size()),
                           .position = message.position,
                           .timestamp_ms = message.timestamp_ms,
                           .speaker = speaker(message),
                           .role = message.role});
}

std::uint32_t Batch::speaker(const MessageView& message) {
  const auto last = speakers_.size();
  for (auto i = last; i > last - std::min(last, speakers_looked_at); --i) {
    const auto& known = speakers_[i - 1];
    if (known.session_id == message.session_id && known.user_id == message.user_id && known.org_id == message.org_id) {
      return static_cast<std::uint32_t>(i - 1);
    }
  }
  speakers_.push_back(
      Speaker{std::string{message.session_id}, std::string{message.user_id}, std::string{message.org_id}});
  return static_cast<std::uint32_t>(last);
}

MessageView Batch::operator[](std::size_t i) const {
  const auto& entry = entries_[i];
  const auto content_begin = i == 0 ? 0 : entries_[i - 1].content_end;
  const auto id_begin = i == 0 ? 0 : entries_[i - 1].id_end;
  const auto& known = speakers_[entry.speaker];
  return MessageView{.id = std::string_view{ids_}.substr(id_begin, entry.id_end - id_begin),
                     .agent_id = agent_id_,
                     .session_id = known.session_id,
                     .user_id = known.user_id,
                     .org_id = known.org_id,
                     .content = std::string_view{contents_}.substr(content_begin, entry.content_end - content_begin),
                     .role = entry.role,
                     .timestamp_ms = entry.timestamp_ms,
                     .position = entry.position};
}

}  // namespace alluvium::pipeline
