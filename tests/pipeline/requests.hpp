// SPDX-License-Identifier: Apache-2.0
// Requests to models, made in one line.
#pragma once

#include <string>
#include <vector>

#include "pipeline/model_ports.hpp"

namespace alluvium::pipeline {

/// A batch of agent a-1 with these messages; ids m-1, m-2, ...
inline Batch batch_of(const std::vector<std::string>& contents) {
  Batch batch{"a-1"};
  int number = 0;
  for (const auto& content : contents) {
    const auto id = "m-" + std::to_string(++number);
    MessageView message;
    message.id = id;
    message.agent_id = "a-1";
    message.content = content;
    message.timestamp_ms = 1'767'225'600'000 + number;
    message.position = {number, 0, 1};
    batch.append(message);
  }
  return batch;
}

inline StoredRequest stored_request(const std::vector<std::string>& contents, Tier tier = Tier::small) {
  StoredRequest stored;
  stored.id = 7;
  stored.agent_id = "a-1";
  std::vector<std::uint32_t> places(contents.size());
  for (std::uint32_t i = 0; i < places.size(); ++i) {
    places[i] = i;
  }
  stored.request = make_request(tier, batch_of(contents), places);
  stored.attempts = 1;
  return stored;
}

/// A request about so many pairs.
inline StoredRequest stored_pairs(std::size_t count) {
  StoredRequest stored;
  stored.id = 8;
  stored.agent_id = "a-1";
  stored.request = {.tier = Tier::small, .messages = Batch{"a-1"}, .places = {}, .batches = {}};
  for (std::size_t i = 0; i < count; ++i) {
    stored.request.pairs.push_back({"earlier " + std::to_string(i), "later " + std::to_string(i)});
  }
  stored.attempts = 1;
  return stored;
}

}  // namespace alluvium::pipeline
