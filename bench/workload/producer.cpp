// SPDX-License-Identifier: Apache-2.0
#include "bench/workload/producer.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <thread>

#include <librdkafka/rdkafka.h>

namespace alluvium::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Text = std::array<char, 512>;

constexpr int flush_ms = 60'000;
constexpr std::uint64_t poll_every = 1024;

struct Deliveries {
  std::uint64_t done = 0;
  std::string fault;
};

void delivered(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
  auto& deliveries = *static_cast<Deliveries*>(opaque);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    deliveries.fault = rd_kafka_err2str(message->err);
  } else {
    ++deliveries.done;
  }
}

using Client = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;

tl::expected<Client, std::string> connect(const ProducerOptions& options, Deliveries& deliveries) {
  Text text{};
  auto* config = rd_kafka_conf_new();
  const std::array<std::array<const char*, 2>, 6> settings{{{"bootstrap.servers", options.brokers.c_str()},
                                                            {"compression.type", options.compression.c_str()},
                                                            // The Java client's, as most producers have it.
                                                            {"partitioner", "murmur2_random"},
                                                            // The order of an agent's messages, also when resent.
                                                            {"enable.idempotence", "true"},
                                                            {"queue.buffering.max.messages", "200000"},
                                                            {"linger.ms", options.rate > 0 ? "1" : "20"}}};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(config, name, value, text.data(), text.size()) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(config);
      return tl::unexpected{std::string{text.data()}};
    }
  }
  rd_kafka_conf_set_opaque(config, &deliveries);
  rd_kafka_conf_set_dr_msg_cb(config, delivered);
  Client client{rd_kafka_new(RD_KAFKA_PRODUCER, config, text.data(), text.size()), rd_kafka_destroy};
  if (!client) {
    rd_kafka_conf_destroy(config);
    return tl::unexpected{std::string{text.data()}};
  }
  return client;
}

/// Sleeps until message `number` is due, if that is worth a sleep.
void keep_to(double rate, std::uint64_t number, Clock::time_point start) {
  const std::chrono::duration<double> due{static_cast<double>(number) / rate};
  if (due - (Clock::now() - start) > std::chrono::microseconds{500}) {
    std::this_thread::sleep_until(start + std::chrono::duration_cast<Clock::duration>(due));
  }
}

}  // namespace

tl::expected<std::uint64_t, std::string> produce(Messages& messages, const ProducerOptions& options) {
  Deliveries deliveries;
  const auto client = connect(options, deliveries);
  if (!client) {
    return tl::unexpected{client.error()};
  }
  auto* handle = client->get();
  auto* topic = rd_kafka_topic_new(handle, options.topic.c_str(), nullptr);
  const auto start = Clock::now();
  std::uint64_t made = 0;
  while (deliveries.fault.empty() && messages.next()) {
    if (options.rate > 0) {
      keep_to(options.rate, made, start);
    }
    // The library copies both, but its interface asks for a payload that may be written to.
    auto* payload = const_cast<char*>(messages.value().data());
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload, messages.value().size(),
                            messages.key().data(), messages.key().size(), nullptr) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        deliveries.fault = rd_kafka_err2str(rd_kafka_last_error());
        break;
      }
      rd_kafka_poll(handle, 10);
    }
    if (++made % poll_every == 0) {
      rd_kafka_poll(handle, 0);
    }
  }
  rd_kafka_flush(handle, flush_ms);
  rd_kafka_topic_destroy(topic);
  if (deliveries.fault.empty() && deliveries.done != made) {
    deliveries.fault = std::to_string(made - deliveries.done) + " messages were not acknowledged";
  }
  if (!deliveries.fault.empty()) {
    return tl::unexpected{deliveries.fault};
  }
  return made;
}

}  // namespace alluvium::bench
