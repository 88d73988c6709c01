// SPDX-License-Identifier: Apache-2.0
// A record as a source delivers it, and the chat messages in it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/prefetch.hpp"

namespace alluvium::pipeline {

/// A stream's name and one of its partitions. A file is a topic (its path) with partition 0.
struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

/// Where a message stands in its partition. A record is one message, or a bundle of `count`.
struct Position {
  std::int64_t offset = 0;  ///< Kafka's offset, or the line number of a file, from 1.
  std::uint32_t index = 0;  ///< Place in its bundle, from 0.
  std::uint32_t count = 1;  ///< Messages in the record.
  auto operator<=>(const Position&) const = default;
};

struct HeaderView {
  std::string_view name;
  std::string_view value;
};

/// The headers of a record, taken apart only when somebody asks: few records need theirs.
class HeaderReader {
 public:
  /// The views live as long as the record's.
  [[nodiscard]] virtual std::span<const HeaderView> read() = 0;

 protected:
  ~HeaderReader() = default;
};

/// What a source hands over. The views live only as long as the call that brings them.
struct RecordView {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string_view key;    ///< Empty if the record has none.
  std::string_view value;  ///< Empty for a tombstone, which `tombstone` tells apart.
  bool tombstone = false;
  std::int64_t timestamp_ms = 0;    ///< Of the record, UTC; 0 if the source has none.
  HeaderReader* headers = nullptr;  ///< Null if it has none.
};

enum class Role : std::uint8_t { user, assistant, system, tool, other };

/// What selection by value says of a message (value_selector.hpp): steps of the density scale.
struct Worth {
  static constexpr std::uint8_t never = 255;  ///< A threshold that no score reaches: of noise.
  std::uint8_t score = 0;
  std::uint8_t threshold = never;  ///< Of its moment in its partition.
  [[nodiscard]] bool is_chosen() const {
    return score >= threshold;
  }
  [[nodiscard]] bool is_noise() const {
    return threshold == never;
  }
};

/// One chat message. Who owns the bytes behind the views says the place that hands it over.
struct MessageView {
  std::string_view id;
  std::string_view agent_id;
  std::string_view session_id;  ///< Empty if unknown, like user_id and org_id.
  std::string_view user_id;
  std::string_view org_id;
  std::string_view content;  ///< Valid UTF-8, never empty.
  Role role = Role::user;
  std::int64_t timestamp_ms = 0;
  Position position;
  Worth worth = {};  ///< Only where messages are selected by value.
};

/// The messages that a source brought in one round, and the bytes they point to. Filled by one
/// thread, then shared read-only.
class MessageChunk {
 public:
  /// A message, packed: it is written by one thread and read by another, so what it spares is time.
  class Entry {
   public:
    /// The views end with the chunk.
    [[nodiscard]] MessageView message() const;
    // Parts of it, for those who need no more.
    [[nodiscard]] std::string_view agent_id() const {
      return {texts_, agent_bytes_};
    }
    /// Of all its texts but the agent.
    [[nodiscard]] std::size_t text_bytes() const {
      return std::size_t{id_bytes_} + session_bytes_ + user_bytes_ + org_bytes_ + content_bytes_;
    }
    [[nodiscard]] std::size_t content_bytes() const {
      return content_bytes_;
    }
    /// For whoever will read its texts soon.
    void fetch_ahead() const {
      for (std::uint32_t at = 0; at < 3 * 64; at += 64) {  // Most have no more.
        prefetch(texts_ + at);
      }
    }
    /// The partition it came from (ports.hpp, PartitionSlot).
    [[nodiscard]] std::uint32_t slot() const {
      return slot_;
    }

   private:
    friend class MessageChunk;
    const char* texts_;  ///< One after the other: agent, id, session, user, organisation, content.
    std::uint32_t agent_bytes_, id_bytes_, session_bytes_, user_bytes_, org_bytes_, content_bytes_;
    Position position_;
    std::int64_t timestamp_ms_;
    std::uint32_t slot_;
    Role role_;
    Worth worth_;
  };
  static_assert(sizeof(Entry) == 64, "a cache line");

  /// Copies the bytes of `message`, each text at most 4 GiB; the views in entries() point to the copies.
  void add(const MessageView& message, std::uint32_t slot);

  [[nodiscard]] const std::vector<Entry>& entries() const {
    return entries_;
  }
  [[nodiscard]] std::size_t bytes() const {
    return bytes_;
  }
  /// What was found out about entries()[i].
  void judge(std::size_t i, Worth worth) {
    entries_[i].worth_ = worth;
  }

 private:
  char* room_for(std::size_t bytes);

  std::vector<Entry> entries_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_used_ = 0;
  std::size_t block_size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace alluvium::pipeline
