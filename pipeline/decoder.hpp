// SPDX-License-Identifier: Apache-2.0
// Turns the bytes of a record into chat messages, in all the shapes that chat platforms produce.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/dead_letter.hpp"
#include "pipeline/error.hpp"
#include "pipeline/message.hpp"

namespace alluvium::pipeline {

/// Where to find a field in other shapes: JSON pointers (RFC 6901) into the record's object, e.g.
/// "/payload/body/text". Empty: the usual names. `messages` points to a list; the other pointers
/// then start at each of its elements.
struct FieldMapping {
  std::string messages;
  std::string id, agent_id, session_id, user_id, org_id, role, content, timestamp;
};

/// Accepts (docs/messages.md has examples of each):
/// - flat objects: id, agent_id|agentId, session_id|sessionId|conversation_id|conversationId,
///   user_id|userId, org_id|orgId, role, content|text, timestamp|created_at|createdAt;
/// - content as text, or as a list of parts (text, or {"type":"text","text":...}), joined by "\n";
/// - times as ISO 8601, or epoch seconds or milliseconds, as number or text;
/// - bundles {"messages":[...]}, whose other fields are defaults for each message;
/// - CloudEvents, structured (specversion + data) and binary (ce_* headers);
/// - the 5-byte Confluent prefix before JSON.
/// Defaults: agent = the record's key, else "default"; id = topic/partition/offset, in a bundle
/// /index after it; time = the record's; role = user.
/// Of a field that stands twice, also under two of its names, the first that is not null counts.
///
/// Not thread-safe: one decoder per thread, it re-uses its buffers.
class Decoder {
 public:
  struct Options {
    std::size_t message_bytes_max = std::size_t{1} << 20;  ///< Of a record; what is larger is a dead letter.
    std::size_t depth_max = 64;                            ///< Of nesting.
    std::size_t bundle_messages_max = 10'000;
    std::size_t id_bytes_max = 512;  ///< Of message, agent, session, user and org ids.
    FieldMapping fields;
  };

  /// Fails with `invalid_config` if a limit is 0 or beyond 1 GiB, 1024 levels, 1,000,000 messages or
  /// 64 KiB, or if a pointer is not a JSON pointer of at most 1024 bytes.
  [[nodiscard]] static Result<Decoder> make(Options options);
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  /// Adds the record's messages to `out` (their bytes copied) under `slot`, and what can't be a
  /// message to `dead`. Together they cover each position of the record exactly once. In a bundle
  /// one bad message does not harm the others.
  void decode(const RecordView& record, std::uint32_t slot, MessageChunk& out, std::vector<DeadLetter>& dead);

 private:
  struct State;
  explicit Decoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace alluvium::pipeline
