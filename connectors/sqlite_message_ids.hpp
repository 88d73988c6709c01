// SPDX-License-Identifier: Apache-2.0
// What a batch row says of its messages in short: their ids and their outcomes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/batch.hpp"
#include "pipeline/memory.hpp"

namespace alluvium::connectors {

/// topic/partition/offset, in a bundle /index after it: the id of a message that brought none.
[[nodiscard]] std::string default_message_id(const pipeline::TopicPartition& partition,
                                             const pipeline::Position& position);

/// The ids, joined by line feeds (the decoder lets no control character into an id). False, and nothing
/// of use in `joined`, if each is the default: the row then stores NULL.
bool join_message_ids(const pipeline::Batch& batch, const pipeline::TopicPartition& partition, std::string& joined);

/// The way back; `joined` is nothing for NULL.
[[nodiscard]] std::vector<std::string> split_message_ids(std::optional<std::string_view> joined,
                                                         const pipeline::TopicPartition& partition,
                                                         std::span<const pipeline::Position> positions);

/// x extracted, e empty, s skipped, n noise, d dead (its dead letter names the batch), p pending.
[[nodiscard]] char outcome_letter(pipeline::Outcome outcome);
[[nodiscard]] std::string outcome_letters(const std::vector<pipeline::Outcome>& outcomes);
/// The batch's own outcome, from its messages' letters: extracted | pending | skipped | empty.
[[nodiscard]] std::string_view outcome_word(std::string_view letters);
[[nodiscard]] std::optional<pipeline::Outcome> outcome_of_letter(char letter);

}  // namespace alluvium::connectors
