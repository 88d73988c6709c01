// SPDX-License-Identifier: Apache-2.0
// Kafka brokers inside the test, which fail when they are told to, and members of a group that
// write down what they are given.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "connectors/kafka_reader.hpp"
#include "connectors/kafka_source.hpp"

namespace alluvium::connectors::testing_kafka {

using pipeline::PartitionSlot;
using pipeline::StartAt;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

// Numbers of the Kafka protocol's requests, to fail them on purpose.
inline constexpr std::int16_t fetch_request = 1, offset_commit_request = 8, find_coordinator_request = 10,
                              join_group_request = 11, heartbeat_request = 12, sync_group_request = 14;

/// Brokers in this process, that can be told to fail.
class Cluster {
 public:
  explicit Cluster(int brokers = 1, int partitions = 4) {
    std::array<char, 200> reason{};
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason.data(), reason.size());
    mock_ = rd_kafka_mock_cluster_new(client_, brokers);
    rd_kafka_mock_group_initial_rebalance_delay_ms(mock_, 1);  // 0 would be never.
    rd_kafka_mock_topic_create(mock_, "chat", partitions, 1);
    auto* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap().c_str(), reason.data(), reason.size());
    producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason.data(), reason.size());
  }
  ~Cluster() {
    rd_kafka_destroy(producer_);
    rd_kafka_mock_cluster_destroy(mock_);
    rd_kafka_destroy(client_);
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] std::string bootstrap() const {
    return rd_kafka_mock_cluster_bootstraps(mock_);
  }
  [[nodiscard]] rd_kafka_mock_cluster_t* mock() const {
    return mock_;
  }

  void produce(std::int32_t partition, std::string value, std::string key = "agent") {
    std::array<rd_kafka_vu_t, 7> what{};
    what[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    what[0].u.cstr = "chat";
    what[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    what[1].u.i32 = partition;
    what[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    what[2].u.i = RD_KAFKA_MSG_F_COPY;
    what[3].vtype = RD_KAFKA_VTYPE_VALUE;
    what[3].u.mem = {value.data(), value.size()};
    what[4].vtype = RD_KAFKA_VTYPE_KEY;
    what[4].u.mem = {key.data(), key.size()};
    what[5].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    what[5].u.i64 = 1'767'225'600'000;
    what[6].vtype = RD_KAFKA_VTYPE_HEADER;
    what[6].u.header = {"ce_id", "7", 1};
    auto* error = rd_kafka_produceva(producer_, what.data(), what.size());
    EXPECT_EQ(error, nullptr);
  }
  void produce_many(std::int32_t partition, int count) {
    for (int i = 0; i < count; ++i) {
      produce(partition, "m" + std::to_string(i));
    }
    flush();
  }
  void flush() {
    ASSERT_EQ(rd_kafka_flush(producer_, 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }

 private:
  rd_kafka_t* client_ = nullptr;
  rd_kafka_t* producer_ = nullptr;
  rd_kafka_mock_cluster_t* mock_ = nullptr;
};

/// An engine in miniature: writes down what it is told, and starts what it is given, unless a test
/// wants to do that itself.
class Member final : public pipeline::SourceListener {
 public:
  explicit Member(const Cluster& cluster, std::map<std::string, std::string> properties = {}, bool in_group = true) {
    KafkaSourceOptions options;
    options.brokers = cluster.bootstrap();
    options.topics = {"chat"};
    options.properties = std::move(properties);
    options.properties.try_emplace("heartbeat.interval.ms", "200");
    options.properties.try_emplace("session.timeout.ms", "3000");
    if (options.properties.contains("group.protocol")) {
      options.properties.erase("heartbeat.interval.ms");
      options.properties.erase("session.timeout.ms");
    }
    source = (in_group ? make_kafka_source(options) : make_kafka_reader(options)).value();
    EXPECT_TRUE(source->open(*this));
  }

  void on_assigned(std::span<const PartitionSlot> slots) override {
    owned.insert(slots.begin(), slots.end());
    assigned.insert(assigned.end(), slots.begin(), slots.end());
  }
  void on_revoked(std::span<const PartitionSlot> slots, bool lost) override {
    for (const auto slot : slots) {
      owned.erase(slot);
      revoked.push_back(slot);
      std::erase(assigned, slot);
      ends.erase(slot);
    }
    lost_any = lost_any || lost;
  }
  void on_record(PartitionSlot slot, const pipeline::RecordView& record) override {
    EXPECT_TRUE(owned.contains(slot));
    offsets[slot].push_back(record.offset);
    bytes += record.value.size() + record.key.size();
    last_value = record.value;
    last_key = record.key;
    last_topic = record.topic;
    last_partition = record.partition;
    last_timestamp_ms = record.timestamp_ms;
    last_headers.clear();
    for (const auto& header : record.headers->read()) {
      last_headers += std::string(header.name) + "=" + std::string(header.value) + ";";
    }
    if (during_record) {
      during_record(slot);
    }
  }
  void on_end(PartitionSlot slot, std::int64_t offset) override {
    ends[slot] = offset;
  }
  void on_stalled(PartitionSlot, const std::string& detail) override {
    stalled.push_back(detail);
  }

  /// Polls until `done`; false if that takes too long.
  bool poll_until(const std::function<bool()>& done, std::size_t bytes_max = std::size_t{1} << 20) {
    const auto deadline = Clock::now() + seconds(20);
    while (!done() && Clock::now() < deadline) {
      const auto polled = source->poll(bytes_max, milliseconds(20));
      EXPECT_TRUE(polled) << polled.error().detail;
      if (starts_at) {
        start_all(*starts_at);
      }
      if (releases) {
        release_all();
      }
    }
    return done();
  }
  void start_all(std::int64_t offset) {
    std::vector<StartAt> starts;
    for (const auto slot : std::exchange(assigned, {})) {
      const auto& seen = offsets[slot];
      starts.push_back({slot, seen.empty() ? offset : seen.back() + 1});
    }
    if (!starts.empty()) {
      EXPECT_TRUE(source->start(starts));
    }
  }
  void release_all() {
    if (!revoked.empty()) {
      EXPECT_TRUE(source->release(std::exchange(revoked, {})));
    }
  }
  /// The last end that was told of a partition we own, or -1.
  [[nodiscard]] std::int64_t end_of(std::int32_t partition) const {
    for (const auto& [slot, offset] : ends) {
      if (source->name(slot).partition == partition) {
        return offset;
      }
    }
    return -1;
  }
  [[nodiscard]] std::size_t records() const {
    std::size_t count = 0;
    for (const auto& [slot, seen] : offsets) {
      count += seen.size();
    }
    return count;
  }
  PartitionSlot slot(std::int32_t partition) const {
    for (const auto candidate : owned) {
      if (source->name(candidate).partition == partition) {
        return candidate;
      }
    }
    ADD_FAILURE() << "partition " << partition << " is not ours";
    return 0;
  }

  std::optional<std::int64_t> starts_at = 0;  ///< Empty: the test calls start().
  bool releases = true;                       ///< False: the test calls release().
  std::set<PartitionSlot> owned;
  std::vector<PartitionSlot> assigned, revoked;
  std::map<PartitionSlot, std::vector<std::int64_t>> offsets;
  std::map<PartitionSlot, std::int64_t> ends;
  std::vector<std::string> stalled;
  std::function<void(PartitionSlot)> during_record;
  bool lost_any = false;
  std::size_t bytes = 0;
  std::string last_value, last_key, last_topic, last_headers;
  std::int32_t last_partition = -1;
  std::int64_t last_timestamp_ms = 0;
  std::unique_ptr<pipeline::Source> source;  // The last member: it calls the others until it ends.
};

inline std::vector<std::int64_t> from_to(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> offsets;
  for (auto offset = from; offset < to; ++offset) {
    offsets.push_back(offset);
  }
  return offsets;
}

/// Two members, polled in turn, until `done`.
inline bool poll_both(Member& one, Member& two, const std::function<bool()>& done) {
  const auto deadline = Clock::now() + seconds(30);
  while (!done() && Clock::now() < deadline) {
    for (auto* member : {&one, &two}) {
      member->poll_until([polled = 0]() mutable { return polled++ > 0; });
    }
  }
  return done();
}

}  // namespace alluvium::connectors::testing_kafka
