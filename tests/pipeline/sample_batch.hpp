// SPDX-License-Identifier: Apache-2.0
// Makes batches for tests: one agent, ids m-0, m-1, ..., offsets from 0.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/batch.hpp"

namespace alluvium::pipeline {

/// Views of what it is given, which must outlive it.
inline MessageView sample_message(std::string_view agent, std::string_view id, std::string_view content,
                                  std::int64_t offset) {
  MessageView message;
  message.id = id;
  message.agent_id = agent;
  message.content = content;
  message.timestamp_ms = 1'767'225'600'000 + offset;
  message.position.offset = offset;
  return message;
}

inline Batch sample_batch(const std::vector<std::string>& contents, const std::string& agent = "ada") {
  Batch batch{agent};
  for (std::size_t i = 0; i < contents.size(); ++i) {
    batch.append(sample_message(agent, "m-" + std::to_string(i), contents[i], static_cast<std::int64_t>(i)));
  }
  return batch;
}

}  // namespace alluvium::pipeline
