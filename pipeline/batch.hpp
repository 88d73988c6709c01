// SPDX-License-Identifier: Apache-2.0
// Messages of one agent from one partition, oldest first: what a buffer holds and what it flushes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/message.hpp"
#include "pipeline/prefetch.hpp"

namespace alluvium::pipeline {

/// A plain value, cheap to move. All texts are kept in one string, so a pending message costs little beyond its own
/// bytes (48 bytes), and what is done to one touches few places in memory: there can be a million batches.
class Batch {
 public:
  Batch() = default;
  explicit Batch(std::string agent_id) : agent_id_{std::move(agent_id)} {}

  /// Room for that many more, so that append() need not grow: each growth copies what is there.
  void reserve_more(std::size_t messages, std::size_t text_bytes);
  /// For whoever will append() soon: with many batches, where the next message goes is out of the caches, and so is
  /// what place_of() compares it with.
  void fetch_ahead() const {
    prefetch_to_write(texts_.data() + texts_.size());
    prefetch_to_write(entries_.data() + entries_.size());
    if (!entries_.empty()) {
      prefetch(&entries_.back());
      prefetch(texts_.data());
    }
  }
  /// For whoever will read it soon.
  void fetch_all_ahead() const {
    fetch_ahead(entries_.data(), entries_.size() * sizeof(Entry));
    fetch_ahead(texts_.data(), texts_.size());
  }
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
    return content_bytes_;
  }
  /// Bytes of all texts that it holds.
  [[nodiscard]] std::size_t text_bytes() const {
    return texts_.size();
  }
  /// At most so many text_bytes() does a message need beyond its own texts.
  static constexpr std::size_t text_overhead_bytes = 3 * sizeof(std::uint32_t);
  /// The message at `i`, its views into this batch: they end with it, or with the next append().
  [[nodiscard]] MessageView operator[](std::size_t i) const;
  // Parts of it, for those who need no more.
  [[nodiscard]] std::string_view content(std::size_t i) const {
    return text(entries_[i].id_end, entries_[i].content_end);
  }
  [[nodiscard]] std::string_view id(std::size_t i) const {
    return text(entries_[i].begin, entries_[i].id_end);
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
  /// A session, a user and an organisation.
  struct Party {
    std::string_view session_id, user_id, org_id;
    bool operator==(const Party&) const = default;
  };
  struct Entry {
    Position position;
    std::int64_t timestamp_ms;
    std::uint32_t begin;  ///< In texts_, like the others: its id, then its content.
    std::uint32_t id_end;
    std::uint32_t content_end;
    std::uint32_t party;  ///< Where its party is, plus 1; 0: none is known.
    Role role;
    Worth worth = {};
  };
  [[nodiscard]] std::string_view text(std::uint32_t begin, std::uint32_t end) const {
    return {texts_.data() + begin, end - begin};
  }
  /// The first KiB: what lies behind, the processor sees coming.
  static void fetch_ahead(const void* from, std::size_t bytes) {
    constexpr std::size_t line = 64;
    for (std::size_t at = 0; at < std::min(bytes, 16 * line); at += line) {
      prefetch(static_cast<const char*>(from) + at);
    }
  }
  [[nodiscard]] Party party_at(std::uint32_t place) const;
  [[nodiscard]] std::uint32_t place_of(const Party& party);

  std::string agent_id_;
  std::string texts_;  ///< Of messages and, before the first message that has it, of each party. At most 4 GiB.
  std::size_t content_bytes_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace alluvium::pipeline
