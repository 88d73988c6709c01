// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_partition.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::connectors {
namespace {

std::string_view view(const void* bytes, std::size_t size) {
  return bytes == nullptr ? std::string_view{} : std::string_view(static_cast<const char*>(bytes), size);
}

/// Errors after which librdkafka reads no further, or would leave records out: the partition has to
/// be looked at anew.
bool stalls(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:  // A record format that librdkafka can't read.
      return true;
    default:
      return false;
  }
}

class KafkaHeaders final : public pipeline::HeaderReader {
 public:
  KafkaHeaders(const rd_kafka_message_t& message, std::vector<pipeline::HeaderView>& room)
      : message_{message}, room_{room} {}

  std::span<const pipeline::HeaderView> read() override {
    room_.clear();
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message_, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return {};
    }
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      room_.push_back({name, view(value, size)});
    }
    return room_;
  }

 private:
  const rd_kafka_message_t& message_;
  std::vector<pipeline::HeaderView>& room_;
};

}  // namespace

KafkaPartition::KafkaPartition(pipeline::PartitionSlot slot, pipeline::TopicPartition name)
    : slot_(slot), name_(std::move(name)) {}

KafkaPartition::~KafkaPartition() {
  stop(State::foreign);
}

bool KafkaPartition::run_from(rd_kafka_t* consumer, int wake_fd, std::int64_t offset) {
  stop(State::assigned);
  queue_.reset(rd_kafka_queue_get_partition(consumer, name_.topic.c_str(), name_.partition));
  if (!queue_) {
    return false;
  }
  rd_kafka_queue_forward(queue_.get(), nullptr);
  constexpr std::uint64_t one = 1;
  rd_kafka_queue_io_event_enable(queue_.get(), wake_fd, &one, sizeof one);
  consumer_ = consumer;
  next_offset_ = offset;
  beyond_end_ = 0;
  behind_ = false;
  state_ = State::running;
  return true;
}

void KafkaPartition::stop(State state) {
  state_ = state;
  drop_pulled();
  if (queue_) {
    // The library's queue outlives this handle: it must not write to a descriptor that is gone.
    rd_kafka_queue_io_event_enable(queue_.get(), -1, nullptr, 0);
    queue_.reset();
  }
}

void KafkaPartition::drop_pulled() {
  for (; pulled_next_ < pulled_.size(); ++pulled_next_) {
    rd_kafka_message_destroy(pulled_[pulled_next_]);
  }
  pulled_.clear();
  pulled_next_ = 0;
}

void KafkaPartition::pull(std::size_t bytes_max) {
  // What is pulled no longer counts in librdkafka's bound: no more than what is delivered at once.
  pulled_.resize(std::clamp<std::size_t>(bytes_max / mean_bytes_, 1, pull_max));
  pulled_next_ = 0;
  const auto count = rd_kafka_consume_batch_queue(queue_.get(), 0, pulled_.data(), pulled_.size());
  pulled_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
}

KafkaPartition::Progress KafkaPartition::read(pipeline::SourceListener& listener, std::size_t bytes_max,
                                              Complaints& complaints) {
  Progress progress;
  while (readable() && progress.bytes < bytes_max) {
    if (pulled_next_ == pulled_.size()) {
      pull(bytes_max - progress.bytes);
      if (pulled_.empty()) {
        break;
      }
    }
    // Owned here: the listener may call stop(), which drops all that is left.
    const KafkaMessage message(std::exchange(pulled_[pulled_next_], nullptr));
    ++pulled_next_;
    const auto bytes = message->len + message->key_len + pipeline::record_overhead_bytes;
    progress.bytes += bytes;
    mean_bytes_ = (7 * mean_bytes_ + bytes) / 8;
    if (deliver(*message, listener, complaints)) {
      ++progress.calls;
    }
  }
  return progress;
}

std::size_t KafkaPartition::fetched() const {
  return queue_ ? rd_kafka_queue_length(queue_.get()) + pulled_.size() - pulled_next_ : 0;
}

pipeline::Backlog KafkaPartition::backlog() const {
  pipeline::Backlog backlog;
  if (state_ == State::running && queue_) {
    backlog.bytes = static_cast<std::int64_t>(fetched() * mean_bytes_);
    std::int64_t low = 0;
    std::int64_t high = 0;  // As of the last fetch: nobody is asked.
    if (!held_ && rd_kafka_get_watermark_offsets(consumer_, name_.topic.c_str(), name_.partition, &low, &high) ==
                      RD_KAFKA_RESP_ERR_NO_ERROR) {
      backlog.records = std::max<std::int64_t>(0, high - next_offset_ - beyond_end_);
    }
  }
  return backlog;
}

ReadingTurns::Queue KafkaPartition::queue() {
  const auto ready = fetched();
  if (behind_ || ready >= behind_ready_min) {  // Else nobody is asked: it takes locks, and there can be thousands.
    const auto ahead = backlog().records - static_cast<std::int64_t>(ready);
    behind_ = ahead >= (behind_ ? behind_until : behind_from);
  }
  return {ready, behind_};
}

bool KafkaPartition::deliver(const rd_kafka_message_t& message, pipeline::SourceListener& listener,
                             Complaints& complaints) {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return deliver_error(message, listener, complaints);
  }
  if (message.offset < next_offset_) {
    return false;  // The promise is that offsets ascend, whatever the library does after a pause.
  }
  next_offset_ = message.offset + 1;
  KafkaHeaders headers{message, headers_};
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const auto timestamp = rd_kafka_message_timestamp(&message, &type);
  pipeline::RecordView record;
  record.topic = name_.topic;
  record.partition = name_.partition;
  record.offset = message.offset;
  record.key = view(message.key, message.key_len);
  record.value = view(message.payload, message.len);
  record.tombstone = message.payload == nullptr;
  record.timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || timestamp < 0 ? 0 : timestamp;
  record.headers = &headers;
  listener.on_record(slot_, record);
  return true;
}

bool KafkaPartition::deliver_error(const rd_kafka_message_t& message, pipeline::SourceListener& listener,
                                   Complaints& complaints) {
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    next_offset_ = std::max(next_offset_, message.offset);  // What is below and did not come is a gap.
    beyond_end_ = 0;
    beyond_end_ = backlog().records;
    listener.on_end(slot_, message.offset);
    return true;
  }
  const auto text = name_.topic + "/" + std::to_string(name_.partition) + ": " + rd_kafka_message_errstr(&message);
  if (stalls(message.err)) {
    stop(State::stalled);
    listener.on_stalled(slot_, text);
    return true;
  }
  complaints.warn(text);  // librdkafka goes on trying.
  return false;
}

}  // namespace alluvium::connectors
