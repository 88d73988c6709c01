// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_source.hpp"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/kafka_config.hpp"
#include "tests/support/kafka_cluster.hpp"

namespace alluvium::connectors {
namespace {

using namespace testing_kafka;
using pipeline::Errc;
using pipeline::TopicPartition;
using testing::HasSubstr;

std::string reason_of(const KafkaSourceOptions& options) {
  const auto made = make_kafka_source(options);
  EXPECT_FALSE(made);
  if (made) {
    return {};
  }
  EXPECT_EQ(made.error().code, Errc::invalid_config);
  return made.error().detail;
}

KafkaSourceOptions some_options() {
  KafkaSourceOptions options;
  options.brokers = "127.0.0.1:1";
  options.topics = {"chat"};
  return options;
}

TEST(KafkaConfig, RefusesWhatWouldBreakTheLedgersPromises) {
  for (const auto* name : {"enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset", "group.id",
                           "bootstrap.servers", "enable.partition.eof"}) {
    auto options = some_options();
    options.properties[name] = std::string(name) == "enable.partition.eof" ? "false" : "true";
    EXPECT_THAT(reason_of(options), HasSubstr(name));
  }
}

TEST(KafkaConfig, AcceptsTheSamePropertyWithTheValueItHasAnyway) {
  auto options = some_options();
  options.properties = {{"enable.auto.commit", "false"}, {"isolation.level", "read_uncommitted"}};
  EXPECT_TRUE(make_kafka_source(options));
}

TEST(KafkaConfig, FollowsALargerMessageLimit) {
  auto options = some_options();
  for (const auto* const bytes : {"2000000", "0x200000", "100000000"}) {
    options.properties["message.max.bytes"] = bytes;
    EXPECT_TRUE(make_kafka_consumer(options, 0)) << bytes;
  }
}

TEST(KafkaConfig, SaysWhyLibrdkafkaRefusesAProperty) {
  auto options = some_options();
  options.properties["no.such.property"] = "1";
  EXPECT_THAT(reason_of(options), HasSubstr("no.such.property"));
  options.properties = {{"session.timeout.ms", "soon"}};
  EXPECT_THAT(reason_of(options), HasSubstr("session.timeout.ms"));
}

TEST(KafkaConfig, RefusesEmptyAndUnusableNames) {
  auto options = some_options();
  options.topics = {};
  EXPECT_THAT(reason_of(options), HasSubstr("topics"));
  options.topics = {"^chat.("};
  EXPECT_THAT(reason_of(options), HasSubstr("^chat.("));
  options = some_options();
  options.brokers.clear();
  EXPECT_THAT(reason_of(options), HasSubstr("brokers"));
  options = some_options();
  options.group.clear();
  EXPECT_THAT(reason_of(options), HasSubstr("group"));
}

TEST(KafkaConfig, DividesThePrefetchBudgetByThePartitions) {
  auto options = some_options();
  options.queue_bytes_max = std::size_t{64} << 20;
  EXPECT_EQ(kafka_queue_kib(options, 0), 1024U) << "nobody knows how many there are";
  EXPECT_EQ(kafka_queue_kib(options, 64), 1024U);
  EXPECT_EQ(kafka_queue_kib(options, 65), 1008U);
  EXPECT_EQ(kafka_queue_kib(options, 1024), 64U);
  EXPECT_EQ(kafka_queue_kib(options, 1025), 64U) << "less would be a fetch for every few records";
  options.queue_bytes_max = std::size_t{1} << 30;
  EXPECT_EQ(kafka_queue_kib(options, 0), 1024U);
  options.queue_bytes_max = std::size_t{8} << 20;
  EXPECT_EQ(kafka_queue_kib(options, 0), 512U);
  EXPECT_EQ(kafka_queue_kib(options, 16), 512U);
}

TEST(KafkaSource, ReadsATopicOfManyPartitions) {
  Cluster cluster(1, 60);
  for (std::int32_t partition = 0; partition < 60; ++partition) {
    cluster.produce_many(partition, 20);
  }
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 60; }));
  EXPECT_EQ(member.records(), 1200U);
}

TEST(KafkaSource, SaysThatNoBrokerAnswers) {
  auto options = some_options();
  options.properties["socket.connection.setup.timeout.ms"] = "1000";
  auto source = make_kafka_source(options).value();
  const Cluster cluster;
  Member other(cluster);
  const auto opened = source->open(other);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::unavailable);
  EXPECT_THAT(opened.error().detail, HasSubstr("127.0.0.1:1"));
}

TEST(KafkaSource, DeliversEveryRecordOfEveryPartitionInOrder) {
  Cluster cluster;
  for (std::int32_t partition = 0; partition < 4; ++partition) {
    cluster.produce_many(partition, 3000);  // More than are pulled at once.
  }
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  for (const auto& [slot, seen] : member.offsets) {
    EXPECT_EQ(seen, from_to(0, 3000));
    EXPECT_EQ(member.ends[slot], 3000);
  }
  EXPECT_EQ(member.records(), 12'000U);
}

TEST(KafkaSource, GivesEachRecordWithItsKeyTimeAndHeaders) {
  Cluster cluster;
  cluster.produce(2, "hello", "agent-42");
  cluster.flush();
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.records() == 1; }));
  EXPECT_EQ(member.last_value, "hello");
  EXPECT_EQ(member.last_key, "agent-42");
  EXPECT_EQ(member.last_topic, "chat");
  EXPECT_EQ(member.last_partition, 2);
  EXPECT_EQ(member.last_timestamp_ms, 1'767'225'600'000);
  EXPECT_EQ(member.last_headers, "ce_id=7;");
}

TEST(KafkaSource, DeliversNothingBeforeStart) {
  Cluster cluster;
  cluster.produce_many(0, 10);
  Member member(cluster);
  member.starts_at.reset();
  ASSERT_TRUE(member.poll_until([&] { return member.owned.size() == 4; }));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(member.source->poll(1 << 20, milliseconds(20)));
  }
  EXPECT_EQ(member.records(), 0U);
  member.start_all(0);
  EXPECT_TRUE(member.poll_until([&] { return member.records() == 10; }));
}

TEST(KafkaSource, StartsPartitionsOneByOneEachAtItsOffset) {
  Cluster cluster;
  cluster.produce_many(0, 10);
  cluster.produce_many(1, 10);
  Member member(cluster);
  member.starts_at.reset();
  ASSERT_TRUE(member.poll_until([&] { return member.owned.size() == 4; }));
  const auto zero = member.slot(0);
  const auto one = member.slot(1);
  ASSERT_TRUE(member.source->start(std::array{StartAt{zero, 7}}));
  ASSERT_TRUE(member.poll_until([&] { return member.ends.contains(zero); }));
  EXPECT_EQ(member.offsets[zero], from_to(7, 10));
  EXPECT_TRUE(member.offsets[one].empty());
  ASSERT_TRUE(member.source->start(std::array{StartAt{one, 4}}));
  ASSERT_TRUE(member.poll_until([&] { return member.ends.contains(one); }));
  EXPECT_EQ(member.offsets[one], from_to(4, 10));
  EXPECT_EQ(member.offsets[zero], from_to(7, 10));
}

TEST(KafkaSource, StartingAgainGoesBackAndDropsWhatWasFetched) {
  Cluster cluster;
  cluster.produce_many(0, 5000);
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.records() >= 100; }, 200));
  const auto zero = member.slot(0);
  member.offsets.clear();
  member.ends.clear();
  ASSERT_TRUE(member.source->start(std::array{StartAt{zero, 50}}));
  ASSERT_TRUE(member.poll_until([&] { return member.ends.contains(zero); }));
  EXPECT_EQ(member.offsets[zero], from_to(50, 5000));
}

TEST(KafkaSource, StartingAgainFromInsideARecordDeliversNoMoreOfTheOldOnes) {
  Cluster cluster;
  cluster.produce_many(0, 500);
  Member member(cluster);
  bool again = false;
  member.during_record = [&](PartitionSlot slot) {
    if (!again && member.offsets[slot].size() == 20) {
      again = true;
      EXPECT_TRUE(member.source->start(std::array{StartAt{slot, 400}}));
    }
  };
  ASSERT_TRUE(member.poll_until([&] { return member.end_of(0) >= 0; }));
  auto expected = from_to(0, 20);
  const auto rest = from_to(400, 500);
  expected.insert(expected.end(), rest.begin(), rest.end());
  EXPECT_EQ(member.offsets[member.slot(0)], expected);
}

TEST(KafkaSource, AloneReadsWhatAGroupOfThatNameHasAndTakesNothingFromIt) {
  Cluster cluster;
  for (std::int32_t partition = 0; partition < 4; ++partition) {
    cluster.produce_many(partition, 10);
  }
  Member grouped(cluster);
  ASSERT_TRUE(grouped.poll_until([&] { return grouped.ends.size() == 4; }));
  Member alone(cluster, {}, false);
  alone.starts_at.reset();
  ASSERT_TRUE(alone.poll_until([&] { return alone.owned.size() == 4; }));
  ASSERT_TRUE(alone.source->start(std::array{StartAt{alone.slot(1), 4}}));
  ASSERT_TRUE(alone.source->start(std::array{StartAt{alone.slot(2), 8}}));
  ASSERT_TRUE(alone.poll_until([&] { return alone.ends.size() == 2; }));
  EXPECT_EQ(alone.offsets[alone.slot(1)], from_to(4, 10));
  EXPECT_EQ(alone.offsets[alone.slot(2)], from_to(8, 10));
  EXPECT_EQ(alone.records(), 8U);
  alone.source->close();
  EXPECT_EQ(grouped.owned.size(), 4U);
}

TEST(KafkaSource, StopsAtTheByteLimitAndGoesOnThere) {
  Cluster cluster;
  cluster.produce_many(0, 1000);
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.records() > 0; }, 1));
  for (int i = 0; i < 20; ++i) {
    const auto before = member.bytes;
    ASSERT_TRUE(member.source->poll(100, milliseconds(20)));
    EXPECT_LE(member.bytes - before, 110U) << "one record may come on top";
  }
  ASSERT_TRUE(member.poll_until([&] { return member.end_of(0) >= 0; }));
  EXPECT_EQ(member.offsets[member.slot(0)], from_to(0, 1000));
}

TEST(KafkaSource, WithoutCreditServesTheGroupButNoRecords) {
  Cluster cluster;
  cluster.produce_many(0, 1000);
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.owned.size() == 4; }, 0));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(member.source->poll(0, milliseconds(20)));
  }
  EXPECT_EQ(member.records(), 0U);
  ASSERT_TRUE(member.poll_until([&] { return member.end_of(0) >= 0; }));
  EXPECT_EQ(member.offsets[member.slot(0)], from_to(0, 1000));
}

TEST(KafkaSource, AHeldPartitionWaitsWhileOthersFlowAndLosesNothing) {
  Cluster cluster;
  cluster.produce_many(0, 1000);
  cluster.produce_many(1, 1000);
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.owned.size() == 4; }, 0));
  const auto zero = member.slot(0);
  const auto one = member.slot(1);
  member.during_record = [&](PartitionSlot slot) {
    if (slot == zero) {
      member.source->hold(zero, true);
    }
  };
  ASSERT_TRUE(member.poll_until([&] { return member.ends.contains(one) && !member.offsets[zero].empty(); }));
  EXPECT_EQ(member.offsets[zero].size(), 1U);
  member.during_record = nullptr;
  member.source->hold(zero, false);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.contains(zero); }));
  EXPECT_EQ(member.offsets[zero], from_to(0, 1000));
}

TEST(KafkaSource, WakeEndsAPollThatWaitsAndOneThatIsAboutTo) {
  Cluster cluster;
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  const auto began = Clock::now();
  member.source->wake();
  ASSERT_TRUE(member.source->poll(1 << 20, seconds(30)));
  auto waiting = std::async(std::launch::async, [&] { return member.source->poll(1 << 20, seconds(30)).has_value(); });
  member.source->wake();
  EXPECT_TRUE(waiting.get());
  EXPECT_LT(Clock::now() - began, seconds(15));
}

TEST(KafkaSource, ARecordEndsAPollThatWaits) {
  Cluster cluster;
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  const auto began = Clock::now();
  cluster.produce_many(3, 1);
  while (member.records() == 0 && Clock::now() - began < seconds(20)) {
    ASSERT_TRUE(member.source->poll(1 << 20, seconds(30)));
  }
  EXPECT_EQ(member.records(), 1U);
  EXPECT_LT(Clock::now() - began, seconds(15));
}

TEST(KafkaSource, KnowsRangeAndEnds) {
  Cluster cluster;
  cluster.produce_many(1, 12);
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.owned.size() == 4; }));
  const auto range = member.source->range(member.slot(1));
  ASSERT_TRUE(range) << range.error().detail;
  EXPECT_EQ(range->first, 0);
  EXPECT_EQ(range->end, 12);
  auto ends = member.source->ends();
  ASSERT_TRUE(ends) << ends.error().detail;
  std::sort(ends->begin(), ends->end());
  EXPECT_EQ(*ends, (std::vector<std::pair<TopicPartition, std::int64_t>>{
                       {{"chat", 0}, 0}, {{"chat", 1}, 12}, {{"chat", 2}, 0}, {{"chat", 3}, 0}}));
}

TEST(KafkaSource, HasNoEndsForATopicThatDoesNotExist) {
  const Cluster cluster;
  KafkaSourceOptions options;
  options.brokers = cluster.bootstrap();
  options.topics = {"misspelt"};
  const auto ends = make_kafka_source(options).value()->ends();
  ASSERT_FALSE(ends);
  EXPECT_EQ(ends.error().code, Errc::unavailable);
  EXPECT_THAT(ends.error().detail, HasSubstr("misspelt"));
}

TEST(KafkaSource, AnExpressionMeansTheTopicsThatMatchIt) {
  const Cluster cluster;
  rd_kafka_mock_topic_create(cluster.mock(), "chat.eu", 2, 1);
  rd_kafka_mock_topic_create(cluster.mock(), "orders", 1, 1);
  KafkaSourceOptions options;
  options.brokers = cluster.bootstrap();
  options.topics = {"^chat", "chat.eu"};
  const auto ends = make_kafka_source(options).value()->ends();
  ASSERT_TRUE(ends) << ends.error().detail;
  EXPECT_EQ(ends->size(), 6U);
}

TEST(KafkaSource, StallsWhereTheLogDoesNotReachAndStartsAnewOnDemand) {
  Cluster cluster;
  cluster.produce_many(0, 10);
  Member member(cluster);
  member.starts_at.reset();
  ASSERT_TRUE(member.poll_until([&] { return member.owned.size() == 4; }));
  const auto zero = member.slot(0);
  ASSERT_TRUE(member.source->start(std::array{StartAt{zero, 5000}}));
  ASSERT_TRUE(member.poll_until([&] { return !member.stalled.empty(); }));
  EXPECT_THAT(member.stalled.front(), HasSubstr("chat/0"));
  EXPECT_EQ(member.records(), 0U);
  ASSERT_TRUE(member.source->start(std::array{StartAt{zero, 8}}));
  ASSERT_TRUE(member.poll_until([&] { return member.ends.contains(zero); }));
  EXPECT_EQ(member.offsets[zero], from_to(8, 10));
}

}  // namespace
}  // namespace alluvium::connectors
