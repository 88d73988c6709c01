// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_message_ids.hpp"

namespace alluvium::connectors {
namespace {

constexpr std::string_view letters = "xesndp";
static_assert(letters.size() == pipeline::outcome_count);

}  // namespace

std::string default_message_id(const pipeline::TopicPartition& partition, const pipeline::Position& position) {
  auto id = partition.topic + "/" + std::to_string(partition.partition) + "/" + std::to_string(position.offset);
  if (position.count > 1) {
    id += "/" + std::to_string(position.index);
  }
  return id;
}

bool join_message_ids(const pipeline::Batch& batch, const pipeline::TopicPartition& partition, std::string& joined) {
  joined.clear();
  bool all_default = true;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto id = batch.id(i);
    all_default = all_default && id.starts_with(partition.topic) &&  // Cheaper than to make the other.
                  id == default_message_id(partition, batch.position(i));
    if (i > 0) {
      joined += '\n';
    }
    joined += id;
  }
  return !all_default;
}

std::vector<std::string> split_message_ids(std::optional<std::string_view> joined,
                                           const pipeline::TopicPartition& partition,
                                           std::span<const pipeline::Position> positions) {
  std::vector<std::string> ids;
  ids.reserve(positions.size());
  if (!joined) {
    for (const auto& position : positions) {
      ids.push_back(default_message_id(partition, position));
    }
    return ids;
  }
  for (auto rest = *joined;;) {
    const auto end = rest.find('\n');
    ids.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) {
      return ids;
    }
    rest.remove_prefix(end + 1);
  }
}

char outcome_letter(pipeline::Outcome outcome) {
  return letters[static_cast<std::size_t>(outcome)];
}

std::string outcome_letters(const std::vector<pipeline::Outcome>& outcomes) {
  std::string text;
  for (const auto outcome : outcomes) {
    text += outcome_letter(outcome);
  }
  return text;
}

std::string_view outcome_word(std::string_view of_messages) {
  const auto has = [&](pipeline::Outcome outcome) {
    return of_messages.find(outcome_letter(outcome)) != std::string_view::npos;
  };
  if (has(pipeline::Outcome::extracted)) {
    return "extracted";
  }
  if (has(pipeline::Outcome::pending)) {
    return "pending";
  }
  return has(pipeline::Outcome::skipped) && !has(pipeline::Outcome::empty) ? "skipped" : "empty";
}

std::optional<pipeline::Outcome> outcome_of_letter(char letter) {
  const auto place = letters.find(letter);
  return place == std::string_view::npos ? std::nullopt : std::optional{static_cast<pipeline::Outcome>(place)};
}

}  // namespace alluvium::connectors
