// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_watermarks.hpp"

namespace alluvium::connectors {
namespace {

using State = KafkaPartition::State;

constexpr std::chrono::seconds every{1};
constexpr std::chrono::milliseconds last_answer_within{2000};
constexpr std::chrono::seconds silence{1};     // Polls come ten times a second.
constexpr std::chrono::seconds quiet_for{10};  // Longer than joining takes.

KafkaPartitions empty_list() {
  return KafkaPartitions(rd_kafka_topic_partition_list_new(8));
}

void add_if_moved(const KafkaPartitions& list, KafkaPartition& partition) {
  const auto ours = partition.state() != State::foreign && !(partition.state() == State::revoked && partition.lost);
  if (ours && partition.watermark > partition.committed) {
    partition.committed = partition.watermark;
    const auto& [topic, number] = partition.name();
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), number)->offset = partition.watermark;
  }
}

bool send(rd_kafka_t* consumer, const KafkaPartitions& list, const KafkaQueue& answers) {
  return list->cnt > 0 &&
         rd_kafka_commit_queue(consumer, list.get(), answers.get(), nullptr, nullptr) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void note(const KafkaEvent& answer) {
  if (!answer) {
    spdlog::debug("kafka: commit of watermarks: no answer in time");
  } else if (rd_kafka_event_error(answer.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    spdlog::debug("kafka: commit of watermarks: {}", rd_kafka_event_error_string(answer.get()));
  }
}

}  // namespace

void KafkaWatermarks::beat() {
  const auto now = std::chrono::steady_clock::now();
  if (now - beat_ > silence) {
    quiet_until_ = now + quiet_for;
  }
  beat_ = now;
}

void KafkaWatermarks::commit(std::deque<KafkaPartition>& partitions) {
  if (in_flight_) {
    const KafkaEvent answer(rd_kafka_queue_poll(answers_.get(), 0));
    if (!answer) {
      return;
    }
    in_flight_ = false;
    note(answer);
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < every || now < quiet_until_) {
    return;
  }
  last_ = now;
  const auto list = empty_list();
  for (auto& partition : partitions) {
    add_if_moved(list, partition);
  }
  in_flight_ = send(consumer_, list, answers_);
}

void KafkaWatermarks::commit_and_wait(std::deque<KafkaPartition>& partitions,
                                      std::span<const pipeline::PartitionSlot> slots) {
  beat();
  if (beat_ < quiet_until_) {
    return;
  }
  const auto list = empty_list();
  for (const auto slot : slots) {
    add_if_moved(list, partitions[slot]);
  }
  const KafkaQueue answers(rd_kafka_queue_new(consumer_));
  if (send(consumer_, list, answers)) {
    note(KafkaEvent(rd_kafka_queue_poll(answers.get(), static_cast<int>(last_answer_within.count()))));
  }
}

}  // namespace alluvium::connectors
