// SPDX-License-Identifier: Apache-2.0
#include "bench/micro/chat.hpp"

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "bench/micro/measurement.hpp"
#include "bench/workload/messages.hpp"
#include "pipeline/decoder.hpp"

namespace alluvium::bench {

std::vector<Record> chat_records(std::size_t count, std::size_t agents) {
  Messages messages{{.messages = count, .agents = agents}};
  std::vector<Record> records;
  records.reserve(count);
  while (messages.next()) {
    records.push_back({std::string{messages.key()}, std::string{messages.value()}});
  }
  return records;
}

pipeline::RecordView view_of(const Record& record, std::size_t offset) {
  return {.topic = topic,
          .offset = static_cast<std::int64_t>(offset),
          .key = record.key,
          .value = record.value,
          .timestamp_ms = 1'767'225'600'000 + static_cast<std::int64_t>(offset),
          .headers = {}};
}

pipeline::MessageChunk chat_chunk(std::span<const Record> records) {
  auto decoder = pipeline::Decoder::make({}).value();
  pipeline::MessageChunk chunk;
  std::vector<pipeline::DeadLetter> dead;
  for (std::size_t i = 0; i < records.size(); ++i) {
    decoder.decode(view_of(records[i], i), 0, chunk, dead);
  }
  return chunk;
}

namespace {

std::vector<pipeline::Batch> make_batches() {
  const auto chunk = chat_chunk(chat_records(commit_batches * batch_messages, commit_batches));
  std::vector<pipeline::Batch> batches;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const auto& [message, slot] : chunk.entries()) {
    const auto [place, is_new] = places.try_emplace(message.agent_id, batches.size());
    if (is_new) {
      batches.emplace_back(std::string{message.agent_id});
    }
    batches[place->second].append(message);
  }
  demand(batches.size() == commit_batches, "not as many agents as batches");
  for (const auto& batch : batches) {
    demand(batch.size() == batch_messages, "a batch is not full");
  }
  return batches;
}

}  // namespace

const std::vector<pipeline::Batch>& chat_batches() {
  static const auto batches = make_batches();
  return batches;
}

}  // namespace alluvium::bench
