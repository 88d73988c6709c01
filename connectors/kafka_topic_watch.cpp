// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_topic_watch.hpp"

#include "connectors/kafka_topics.hpp"

namespace alluvium::connectors {

void KafkaTopicWatch::note(const std::string& topic, const std::string& id) {
  if (!id.empty()) {
    ids_.try_emplace(topic, id);
  }
}

std::vector<std::string> KafkaTopicWatch::changed() {
  std::vector<std::string> changed;
  if (const KafkaEvent event(rd_kafka_queue_poll(answers_.get(), 0)); event) {
    for (auto& [topic, id] : topic_ids(event.get())) {
      if (const auto known = ids_.find(topic); known != ids_.end() && known->second != id) {
        known->second = std::move(id);
        changed.push_back(topic);
      }
    }
  }
  // A question that is not answered ends by itself after kafka_answer_within.
  if (const auto now = Clock::now(); now >= ask_at_ && !ids_.empty()) {
    ask_at_ = now + ask_every;
    std::vector<std::string> names;
    for (const auto& [topic, id] : ids_) {
      names.push_back(topic);
    }
    ask_topic_ids(client_, names, answers_.get());
  }
  return changed;
}

}  // namespace alluvium::connectors
