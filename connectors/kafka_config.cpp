// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_config.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include <regex.h>

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::Result;

/// A property that is not the user's to change, and why.
struct Fixed {
  std::string_view name;
  std::string_view value;  ///< The only one that is accepted; empty: none at all.
  std::string_view reason;
};

constexpr std::array fixed_properties{
    Fixed{"enable.auto.commit", "false", "the ledger in the store decides what is done, not Kafka's committed offset"},
    Fixed{"auto.commit.enable", "false", "the ledger in the store decides what is done, not Kafka's committed offset"},
    Fixed{"enable.auto.offset.store", "false", "the committed offset follows the ledger's watermark"},
    Fixed{"auto.offset.reset", "error", "the ledger says where to read; for a new topic use source.kafka.start"},
    Fixed{"enable.partition.eof", "true", "the engine has to know where a partition ends"},
    Fixed{"group.id", "", "use source.kafka.group"},
    Fixed{"group.instance.id", "", "use source.kafka.instance_id"},
    Fixed{"bootstrap.servers", "", "use source.kafka.brokers"},
    Fixed{"metadata.broker.list", "", "use source.kafka.brokers"},
};

constexpr std::size_t mib = std::size_t{1} << 20;

/// syslog's numbers, as librdkafka gives them. Failed connections come as events as well, which say
/// it once.
void log(const rd_kafka_t*, int level, const char* facility, const char* text) {
  constexpr int warning = 4, debug = 7;
  if (level <= warning && std::string_view(facility) != "FAIL") {
    spdlog::warn("kafka: {} ({})", text, facility);
  } else if (level < debug) {
    spdlog::debug("kafka: {} ({})", text, facility);
  } else {
    spdlog::trace("kafka: {} ({})", text, facility);
  }
}

/// Compiled the way librdkafka does, so that a bad one is found before anything connects.
Result<void> check_topic(const std::string& topic) {
  if (topic.empty()) {
    return fail(Errc::invalid_config, "topics: a topic's name is empty");
  }
  if (topic.front() != '^') {
    return {};
  }
  regex_t compiled;
  const auto error = regcomp(&compiled, topic.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error != 0) {
    std::array<char, 200> text{};
    regerror(error, &compiled, text.data(), text.size());
    return fail(Errc::invalid_config, "topics: " + topic + ": " + text.data());
  }
  regfree(&compiled);
  return {};
}

Result<void> check(const KafkaSourceOptions& options) {
  if (options.brokers.empty()) {
    return fail(Errc::invalid_config, "brokers: at least one host:port is needed");
  }
  if (options.group.empty()) {
    return fail(Errc::invalid_config, "group: must not be empty");
  }
  if (options.topics.empty()) {
    return fail(Errc::invalid_config, "topics: at least one is needed");
  }
  for (const auto& topic : options.topics) {
    if (auto checked = check_topic(topic); !checked) {
      return checked;
    }
  }
  for (const auto& fixed : fixed_properties) {
    const auto found = options.properties.find(std::string(fixed.name));
    if (found != options.properties.end() && (fixed.value.empty() || found->second != fixed.value)) {
      return fail(Errc::invalid_config, "properties: " + found->first + " can't be set: " + std::string(fixed.reason));
    }
  }
  return {};
}

std::map<std::string, std::string> all_properties(const KafkaSourceOptions& options, std::size_t partitions) {
  const auto queue_kib = kafka_queue_kib(options, partitions);
  // A fetch is asked for while the queue is below its bound, so one may come on top of it.
  const auto fetch_bytes = std::min(mib, queue_kib * 1024);
  std::map<std::string, std::string> properties{
      {"bootstrap.servers", options.brokers},
      {"group.id", options.group},
      {"client.id", "alluvium"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},
      {"isolation.level", "read_committed"},
      {"enable.partition.eof", "true"},
      // These two bound a partition's queue, since each partition has one of its own.
      {"queued.min.messages", "10000"},
      {"queued.max.messages.kbytes", std::to_string(queue_kib)},
      {"fetch.message.max.bytes", std::to_string(fetch_bytes)},
      // How long a partition whose queue was full is left alone: the default is a second.
      {"fetch.queue.backoff.ms", "5"},
      // How long a broker sits on an empty answer. Meanwhile librdkafka asks it for nothing else: neither are ends seen
      // nor is a partition read whose queue was full when it asked.
      {"fetch.wait.max.ms", "10"},
      // New topics and partitions are noticed within this time; the default is five minutes.
      {"topic.metadata.refresh.interval.ms", "30000"},
  };
  // An answer stays whole in memory until all its records are read: the smaller, the fewer bytes wait beside those that
  // are read. librdkafka wants it to be no less than message.max.bytes.
  const auto largest = options.properties.find("message.max.bytes");
  const auto least = largest == options.properties.end() ? 0 : std::strtoull(largest->second.c_str(), nullptr, 0);
  properties["fetch.max.bytes"] = std::to_string(std::max<std::size_t>(mib, least));
  if (!options.instance_id.empty()) {
    properties["group.instance.id"] = options.instance_id;
  }
  const auto protocol = options.properties.find("group.protocol");
  if (protocol == options.properties.end() || protocol->second != "consumer") {
    // The new protocol has its own, on the broker.
    properties["partition.assignment.strategy"] = "cooperative-sticky";
    properties["heartbeat.interval.ms"] = "1000";  // A member hears with it that the group changes.
    if (options.instance_id.empty() && !options.properties.contains("heartbeat.interval.ms")) {
      // A member that died without a word is missed after this; a static one keeps its seat for Kafka's 45 s.
      properties["session.timeout.ms"] = "10000";
    }
  }
  for (const auto& [name, value] : options.properties) {
    properties[name] = value;
  }
  return properties;
}

}  // namespace

std::size_t kafka_queue_kib(const KafkaSourceOptions& options, std::size_t partitions) {
  constexpr std::size_t usual = 16;  // Partitions that one engine reads, if nobody knows yet.
  const auto bytes = options.queue_bytes_max / std::max(partitions, usual);
  return std::clamp(bytes, std::size_t{64} << 10, mib) / 1024;
}

Result<KafkaConsumer> make_kafka_consumer(const KafkaSourceOptions& options, std::size_t partitions) {
  if (auto checked = check(options); !checked) {
    return tl::unexpected(checked.error());
  }
  KafkaConf conf(rd_kafka_conf_new());
  std::array<char, 512> reason{};
  for (const auto& [name, value] : all_properties(options, partitions)) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), reason.data(), reason.size()) != RD_KAFKA_CONF_OK) {
      return fail(Errc::invalid_config, "properties: " + name + ": " + reason.data());
    }
  }
  rd_kafka_conf_set_log_cb(conf.get(), log);
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_OFFSET_COMMIT);
  KafkaConsumer consumer(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), reason.data(), reason.size()));
  if (!consumer) {
    return fail(Errc::invalid_config, std::string("properties: ") + reason.data());
  }
  conf.release();  // NOLINT(bugprone-unused-return-value): the consumer owns it now.
  rd_kafka_poll_set_consumer(consumer.get());
  return consumer;
}

}  // namespace alluvium::connectors
