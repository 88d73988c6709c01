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
/// costs little beyond its own bytes (about 40 bytes).
class Batch {
 public:
  Batch() = default;
  explicit Batch(std::string agent_id) : agent_id_{std::move(agent_id)} {}

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

 private:
  struct Entry {
    std::uint32_t content_end;
    std::uint32_t id_end;
    Position position;
    std::int64_t timestamp_ms;
    std::uint32_t speaker;
    Role role;
  };
  struct Speaker {
    std::string session_id, user_id, org_id;
  };
  std::uint32_t speaker(const MessageView& message);

  std::string agent_id_;
  std::string contents_;  ///< One after the other. At most 4 GiB, which max_bytes keeps far away.
  std::string ids_;
  std::vector<Entry> entries_;
  std::vector<Speaker> speakers_;  ///< Nearly always one or two; never more than messages.
};

}  // namespace alluvium::pipeline
