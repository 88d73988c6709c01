// SPDX-License-Identifier: Apache-2.0
// Messages of one agent from one partition, oldest first: what a buffer holds and what it flushes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/message.hpp"

namespace alluvium::pipeline {

/// A plain value, cheap to move. Contents and ids are kept in one string each, so a pending message
/// costs little beyond its own bytes (40 bytes).
class Batch {
 public:
  Batch() = default;
  explicit Batch(std::string agent_id) : agent_id_{std::move(agent_id)} {}

  /// Room for that many more, so that append() need not grow: each growth copies what is there.
  void reserve_more(std::size_t messages, std::size_t content_bytes, std::size_t id_bytes);
  /// Copies what `message` points to. Its agent must be this batch's.
  void append(const MessageView& message);

  [[nodiscard]] const std::string& agent_id() const {
    return agent_id_;
  }
  [[nodiscard]] std::size_t size() const {
    return entries_.size();
  }
  [[nodiscard]] bool empty() const {
    return entries_.empty();
  }
  /// Bytes of content, which is what `max_bytes` limits.
  [[nodiscard]] std::size_t content_bytes() const {
    return contents_.size();
  }
  /// The message at `i`, its views into this batch: they end with it, or with the next append().
  [[nodiscard]] MessageView operator[](std::size_t i) const;
  // Parts of it, for those who need no more.
  [[nodiscard]] std::string_view content(std::size_t i) const {
    const auto begin = i == 0 ? 0 : entries_[i - 1].content_end;
    return {contents_.data() + begin, entries_[i].content_end - begin};
  }
  [[nodiscard]] std::string_view id(std::size_t i) const {
    const auto begin = i == 0 ? 0 : entries_[i - 1].id_end;
    return {ids_.data() + begin, entries_[i].id_end - begin};
  }
  [[nodiscard]] const Position& position(std::size_t i) const {
    return entries_[i].position;
  }
  [[nodiscard]] Worth worth(std::size_t i) const {
    return entries_[i].worth;
  }
  /// Where the message at `i` stands, for a batch that was put together from what the store keeps.
  void place(std::size_t i, const Position& position) {
    entries_[i].position = position;
  }

 private:
  /// A session, a user and an organisation, one after the other in texts_.
  struct Party {
    std::uint32_t begin = 0;
    std::uint32_t session_end = 0, user_end = 0, org_end = 0;
  };
  struct Entry {
    Position position;
    std::int64_t timestamp_ms;
    std::uint32_t content_end;
    std::uint32_t id_end;
    std::uint32_t party;  ///< Place in parties_, from 1; 0: none is known.
    Role role;
    Worth worth = {};
  };
  [[nodiscard]] std::string_view text(std::uint32_t begin, std::uint32_t end) const {
    return {texts_.data() + begin, end - begin};
  }
  [[nodiscard]] bool is_of(const MessageView& message, std::uint32_t party) const;
  [[nodiscard]] std::uint32_t party_of(const MessageView& message);

  std::string agent_id_;
  std::string contents_;  ///< One after the other. At most 4 GiB, which max_bytes keeps far away.
  std::string ids_;       ///< Of messages, likewise.
  std::string texts_;     ///< Of parties.
  std::vector<Party> parties_;
  std::vector<Entry> entries_;
};

}  // namespace alluvium::pipeline
