// SPDX-License-Identifier: Apache-2.0
// The workload's chat (bench/workload/) in the forms that the steps of a message's way take.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/batch.hpp"
#include "pipeline/message.hpp"

namespace alluvium::bench {

/// What a full buffer flushes by default.
inline constexpr std::size_t batch_messages = 20;
inline constexpr std::size_t commit_batches = 1024;
inline constexpr auto topic = "chat";

struct Record {
  std::string key;
  std::string value;
};
/// The first records of the workload, with its defaults but for the number of agents, who are equally busy.
[[nodiscard]] std::vector<Record> chat_records(std::size_t count, std::size_t agents);
/// The record at `offset` as a source hands it over; views into `record`.
[[nodiscard]] pipeline::RecordView view_of(const Record& record, std::size_t offset);
/// The message in it, as it is decoded; likewise.
[[nodiscard]] pipeline::MessageView message_of(const Record& record, std::size_t offset);
/// What one commit may hold by default: 1,024 full batches, each of another agent. Their messages take turns at the
/// offsets from 0 on, as in a topic where all agents talk at once.
[[nodiscard]] const std::vector<pipeline::Batch>& chat_batches();

}  // namespace alluvium::bench
