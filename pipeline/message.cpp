// SPDX-License-Identifier: Apache-2.0
// Keeps the bytes of a chunk's messages in blocks that never move.
#include "pipeline/message.hpp"

#include <cassert>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <limits>

namespace alluvium::pipeline {

namespace {

// Large enough that allocation costs nothing per message, small enough that the last block of a
// small chunk wastes little.
constexpr std::size_t block_bytes = std::size_t{64} << 10;

}  // namespace

MessageView MessageChunk::Entry::message() const {
  const char* next = texts_;
  const auto take = [&next](std::uint32_t bytes) {
    const std::string_view text{next, bytes};
    next += bytes;
    return text;
  };
  MessageView message;
  message.agent_id = take(agent_bytes_);
  message.id = take(id_bytes_);
  message.session_id = take(session_bytes_);
  message.user_id = take(user_bytes_);
  message.org_id = take(org_bytes_);
  message.content = take(content_bytes_);
  message.role = role_;
  message.timestamp_ms = timestamp_ms_;
  message.position = position_;
  message.worth = worth_;
  return message;
}

void MessageChunk::add(const MessageView& message, std::uint32_t slot) {
  const auto bytes = message.agent_id.size() + message.id.size() + message.session_id.size() + message.user_id.size() +
                     message.org_id.size() + message.content.size();
  auto* next = room_for(bytes);
  Entry entry;
  entry.texts_ = next;
  const auto keep = [&next](std::string_view text) {
    if (!text.empty()) {
      std::memcpy(next, text.data(), text.size());
      next += text.size();
    }
    assert(text.size() <= std::numeric_limits<std::uint32_t>::max());
    return static_cast<std::uint32_t>(text.size());
  };
  entry.agent_bytes_ = keep(message.agent_id);
  entry.id_bytes_ = keep(message.id);
  entry.session_bytes_ = keep(message.session_id);
  entry.user_bytes_ = keep(message.user_id);
  entry.org_bytes_ = keep(message.org_id);
  entry.content_bytes_ = keep(message.content);
  entry.position_ = message.position;
  entry.timestamp_ms_ = message.timestamp_ms;
  entry.slot_ = slot;
  entry.role_ = message.role;
  entry.worth_ = message.worth;
  entries_.push_back(entry);
  bytes_ += bytes;
}

char* MessageChunk::room_for(std::size_t bytes) {
  if (blocks_.empty()) {  // Also after this chunk was moved from.
    block_used_ = block_size_ = 0;
  }
  if (bytes > block_size_ - block_used_) {
    if (bytes > block_bytes / 4) {
      // A block of its own, put before the last one, so that the rest of that one stays in use.
      const auto place = blocks_.empty() ? blocks_.end() : std::prev(blocks_.end());
      const auto own = blocks_.insert(place, std::make_unique_for_overwrite<char[]>(bytes));
      if (blocks_.size() == 1) {
        block_used_ = block_size_ = bytes;
      }
      return own->get();
    }
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_bytes));
    block_used_ = 0;
    block_size_ = block_bytes;
  }
  auto* room = blocks_.empty() ? nullptr : blocks_.back().get() + block_used_;
  block_used_ += bytes;
  return room;
}

}  // namespace alluvium::pipeline
