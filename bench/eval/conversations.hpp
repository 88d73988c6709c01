// SPDX-License-Identifier: Apache-2.0
// Labelled conversations: messages as the engine decodes them, and which of them somebody asked for later.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/error.hpp"
#include "pipeline/message.hpp"

namespace alluvium::bench {

/// The messages of some files, in the order of their times; equal times keep the order of files and lines.
struct Conversations {
  pipeline::MessageChunk chunk;  ///< Owns the bytes.
  std::vector<pipeline::MessageView> messages;
  std::size_t undecodable = 0;  ///< Lines that became no message.
};

/// Reads NDJSON, plain or gzipped, through the engine's decoder. Everything is held in memory.
[[nodiscard]] pipeline::Result<Conversations> read_conversations(const std::vector<std::string>& paths);

/// The messages that a question, a fact or a label rests on, as indices into Conversations::messages.
struct Labels {
  std::vector<std::vector<std::size_t>> items;  ///< Each ascending, not empty.
  std::vector<std::size_t> evidence;            ///< All of them: distinct, ascending.
  std::size_t without_evidence = 0;             ///< Items none of whose evidence is in the messages: left out.
};

/// Reads NDJSON labels; each line is one of:
///   {"question"|"fact": ..., "evidence": [message ids], "category": n}   category 5 (adversarial) is left out
///   {"question": ..., "conversation": agent, "evidence_sessions": [ids]}    the user's messages in those sessions
///   {"id": message id, "memory_worthy": true|false}
/// Ids that no message has are left out.
[[nodiscard]] pipeline::Result<Labels> read_labels(const std::vector<std::string>& paths,
                                                   const Conversations& conversations);

}  // namespace alluvium::bench
