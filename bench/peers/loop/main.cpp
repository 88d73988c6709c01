// SPDX-License-Identifier: Apache-2.0
// loop: what an engineer would write by hand for the same job. One thread, librdkafka, simdjson, RE2, no guarantees:
// when it dies, what is in its buffers is lost, and after a restart memories come twice.
//
//   loop BROKERS TOPIC OUTPUT_TOPIC GROUP PATTERNS_FILE      ends at the end of the topic, as of when it gets there
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include <librdkafka/rdkafka.h>

#include "bench/peers/loop/job.hpp"

namespace {

using Client = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;
using Text = std::array<char, 512>;

constexpr int poll_ms = 1000;
constexpr int metadata_ms = 10'000;
constexpr int flush_ms = 60'000;

template <std::size_t n>
Client connect(rd_kafka_type_t type, const std::array<std::array<const char*, 2>, n>& settings) {
  Text text{};
  auto* config = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(config, name, value, text.data(), text.size()) != RD_KAFKA_CONF_OK) {
      std::fprintf(stderr, "loop: %s\n", text.data());
    }
  }
  Client client{rd_kafka_new(type, config, text.data(), text.size()), rd_kafka_destroy};
  if (!client) {
    std::fprintf(stderr, "loop: %s\n", text.data());
    rd_kafka_conf_destroy(config);
  }
  return client;
}

int partitions_of(rd_kafka_t* client, const char* topic) {
  auto* handle = rd_kafka_topic_new(client, topic, nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  int count = 0;
  if (rd_kafka_metadata(client, 0, handle, &metadata, metadata_ms) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
  }
  rd_kafka_topic_destroy(handle);
  return count;
}

class Producer {
 public:
  Producer(Client client, const char* topic)
      : client_{std::move(client)}, topic_{rd_kafka_topic_new(client_.get(), topic, nullptr), rd_kafka_topic_destroy} {}

  void produce(std::string_view key, std::string_view value) {
    auto* payload = const_cast<char*>(value.data());
    while (rd_kafka_produce(topic_.get(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload, value.size(), key.data(),
                            key.size(), nullptr) != 0 &&
           rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_poll(client_.get(), 10);
    }
    rd_kafka_poll(client_.get(), 0);
  }

  bool flush() {
    return rd_kafka_flush(client_.get(), flush_ms) == RD_KAFKA_RESP_ERR_NO_ERROR;
  }

 private:
  Client client_;
  std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)> topic_;
};

/// Feeds the job until all partitions have been read to their ends.
void consume(rd_kafka_t* consumer, int partitions, alluvium::bench::Job& job) {
  std::unordered_set<int> ended;
  while (static_cast<int>(ended.size()) < partitions) {
    auto* message = rd_kafka_consumer_poll(consumer, poll_ms);
    if (message == nullptr) {
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      job.take({static_cast<const char*>(message->payload), message->len});
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ended.insert(message->partition);
    } else {
      std::fprintf(stderr, "loop: %s\n", rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: loop BROKERS TOPIC OUTPUT_TOPIC GROUP PATTERNS_FILE\n", stderr);
    return 2;
  }
  const char* const brokers = argv[1];
  const char* const topic = argv[2];
  auto patterns = alluvium::bench::Patterns::read(argv[5]);
  if (!patterns) {
    std::fprintf(stderr, "loop: %s\n", patterns.error().c_str());
    return 2;
  }
  using Pair = std::array<const char*, 2>;
  auto consumer = connect(RD_KAFKA_CONSUMER,
                          std::array<Pair, 5>{{{"bootstrap.servers", brokers},
                                               {"group.id", argv[4]},
                                               {"auto.offset.reset", "earliest"},
                                               {"enable.partition.eof", "true"},
                                               // Else a partition whose queue was full is left alone for a second.
                                               {"fetch.queue.backoff.ms", "20"}}});
  auto client = connect(RD_KAFKA_PRODUCER, std::array<Pair, 4>{{{"bootstrap.servers", brokers},
                                                                {"partitioner", "murmur2_random"},
                                                                {"linger.ms", "20"},
                                                                {"queue.buffering.max.messages", "100000"}}});
  if (!consumer || !client) {
    return 1;
  }
  rd_kafka_poll_set_consumer(consumer.get());
  const int partitions = partitions_of(consumer.get(), topic);
  auto* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(consumer.get(), topics);
  rd_kafka_topic_partition_list_destroy(topics);

  Producer output{std::move(client), argv[3]};
  alluvium::bench::Job job{std::move(*patterns), [&output](std::string_view agent, std::string_view memory) {
                             output.produce(agent, memory);
                           }};
  consume(consumer.get(), partitions, job);
  job.finish();
  const bool flushed = output.flush();
  rd_kafka_consumer_close(consumer.get());
  std::fprintf(stderr, "loop: %zu memories\n", job.memories());
  return flushed && partitions > 0 ? 0 : 1;
}
