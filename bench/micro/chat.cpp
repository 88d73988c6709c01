// SPDX-License-Identifier: Apache-2.0
#include "bench/micro/chat.hpp"

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "bench/micro/measurement.hpp"
#include "bench/workload/messages.hpp"

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
          .headers = nullptr};
}

pipeline::MessageView message_of(const Record& record, std::size_t offset) {
  // The workload writes the fields in one order and needs no escapes.
  const auto between = [&](std::string_view before, std::string_view after) {
    const std::string_view value{record.value};
    const auto begin = value.find(before) + before.size();
    return value.substr(begin, value.find(after, begin) - begin);
  };
  return {.id = between(R"("id":")", R"(",")"),
          .agent_id = record.key,
          .session_id = {},
          .user_id = {},
          .org_id = {},
          .content = between(R"("content":")", R"("})"),
          .timestamp_ms = view_of(record, offset).timestamp_ms,
          .position = {.offset = static_cast<std::int64_t>(offset)}};
}

namespace {

std::vector<pipeline::Batch> make_batches() {
  const auto records = chat_records(commit_batches * batch_messages, commit_batches);
  std::vector<pipeline::Batch> batches;
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto [place, is_new] = places.try_emplace(records[i].key, batches.size());
    if (is_new) {
      batches.emplace_back(records[i].key);
    }
    batches[place->second].append(message_of(records[i], i));
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
