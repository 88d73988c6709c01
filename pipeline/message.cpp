// SPDX-License-Identifier: Apache-2.0
// Keeps the bytes of a chunk's messages in blocks that never move.
#include "pipeline/message.hpp"

#include <cstddef>
#include <cstring>
#include <iterator>

namespace alluvium::pipeline {

namespace {

// Large enough that allocation costs nothing per message, small enough that the last block of a
// small chunk wastes little.
constexpr std::size_t block_bytes = std::size_t{64} << 10;

}  // namespace

void MessageChunk::add(const MessageView& message, std::uint32_t slot) {
  Entry entry{message, slot};
  entry.message.id = keep(message.id);
  entry.message.agent_id = keep(message.agent_id);
  entry.message.session_id = keep(message.session_id);
  entry.message.user_id = keep(message.user_id);
  entry.message.org_id = keep(message.org_id);
  entry.message.content = keep(message.content);
  entries_.push_back(entry);
}

std::string_view MessageChunk::keep(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  if (blocks_.empty()) {  // Also after this chunk was moved from.
    block_used_ = block_size_ = 0;
  }
  bytes_ += text.size();
  if (text.size() > block_size_ - block_used_) {
    if (text.size() > block_bytes / 4) {
      // A block of its own, put before the last one, so that the rest of that one stays in use.
      const auto place = blocks_.empty() ? blocks_.end() : std::prev(blocks_.end());
      const auto own = blocks_.insert(place, std::make_unique_for_overwrite<char[]>(text.size()));
      if (blocks_.size() == 1) {
        block_used_ = block_size_ = text.size();
      }
      std::memcpy(own->get(), text.data(), text.size());
      return {own->get(), text.size()};
    }
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_bytes));
    block_used_ = 0;
    block_size_ = block_bytes;
  }
  char* kept = blocks_.back().get() + block_used_;
  std::memcpy(kept, text.data(), text.size());
  block_used_ += text.size();
  return {kept, text.size()};
}

}  // namespace alluvium::pipeline
