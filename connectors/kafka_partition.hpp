// SPDX-License-Identifier: Apache-2.0
// One partition: its own librdkafka queue, which is simply not read when nobody may take records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/kafka_handles.hpp"
#include "connectors/reading_turns.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

class KafkaPartition {
 public:
  enum class State : std::uint8_t {
    foreign,   ///< Not ours.
    assigned,  ///< Ours, waits for start().
    running,
    stalled,  ///< librdkafka has given up reading it: it waits for start().
    revoked,  ///< To be given back; nothing is delivered any more.
  };

  KafkaPartition(pipeline::PartitionSlot slot, pipeline::TopicPartition name);
  ~KafkaPartition();
  KafkaPartition(const KafkaPartition&) = delete;
  KafkaPartition& operator=(const KafkaPartition&) = delete;

  [[nodiscard]] const pipeline::TopicPartition& name() const {
    return name_;
  }
  [[nodiscard]] State state() const {
    return state_;
  }
  [[nodiscard]] bool readable() const {
    return state_ == State::running && !held_;
  }
  /// Where reading goes on.
  [[nodiscard]] std::int64_t next_offset() const {
    return next_offset_;
  }
  void hold(bool held) {
    held_ = held;
  }

  /// Cuts the partition's queue off the consumer's, from which librdkafka would deliver otherwise,
  /// and lets `wake_fd` know when something comes. Before the partition is given to
  /// rd_kafka_assign(), so that nothing slips by. False if librdkafka has no queue for it.
  bool run_from(rd_kafka_t* consumer, int wake_fd, std::int64_t offset);
  /// Ends reading, with what was fetched and not delivered.
  void stop(State state);

  struct Progress {
    std::size_t bytes = 0;
    std::size_t calls = 0;  ///< Of the listener.
  };
  /// Delivers what this partition has, up to about `bytes_max`: deep, so that what is grouped by agent
  /// afterwards comes in large groups. The listener may stop or restart the
  /// partition meanwhile.
  Progress read(pipeline::SourceListener& listener, std::size_t bytes_max, Complaints& complaints);

  /// Messages and events that wait to be delivered.
  [[nodiscard]] std::size_t fetched() const;
  [[nodiscard]] pipeline::Backlog backlog() const;
  /// It gets behind when a thousand messages are fetched and fifty thousand offsets are still with the broker,
  /// and stops being so when these are less than a thousand: it is not by a hiccup that a partition falls behind. With
  /// queues so small that they never have a thousand, none is.
  [[nodiscard]] ReadingTurns::Queue queue();
  static constexpr std::int64_t behind_from = 50'000;
  static constexpr std::int64_t behind_until = 1'000;
  static constexpr std::size_t behind_ready_min = 1'000;

  // What the source keeps about it.
  bool in_assignment = false;  ///< librdkafka was told to read it.
  bool lost = false;           ///< Revoked, and somebody else may own it already.
  std::int64_t watermark = -1;
  std::int64_t committed = -1;  ///< The watermark that was last sent to Kafka.

 private:
  void pull(std::size_t bytes_max);
  void drop_pulled();
  bool deliver(const rd_kafka_message_t& message, pipeline::SourceListener& listener, Complaints& complaints);
  bool deliver_error(const rd_kafka_message_t& message, pipeline::SourceListener& listener, Complaints& complaints);

  static constexpr std::size_t pull_max = 2000;  // Messages; and about as many bytes as read() may deliver.

  pipeline::PartitionSlot slot_;
  pipeline::TopicPartition name_;
  State state_ = State::foreign;
  bool held_ = false;
  std::int64_t next_offset_ = 0;
  std::int64_t beyond_end_ = 0;  ///< Offsets above the last end that was seen: of open transactions.
  bool behind_ = false;
  rd_kafka_t* consumer_ = nullptr;  ///< As given to run_from().
  KafkaQueue queue_;
  std::vector<rd_kafka_message_t*> pulled_;  ///< Taken from the queue; null where delivered.
  std::size_t pulled_next_ = 0;
  std::size_t mean_bytes_ = 256;               ///< Of a message, lately.
  std::vector<pipeline::HeaderView> headers_;  ///< Of the record that is delivered, if it was asked for them.
};

}  // namespace alluvium::connectors
