// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_group.hpp"

#include <gtest/gtest.h>

#include "tests/support/kafka_cluster.hpp"

namespace alluvium::connectors {
namespace {

using namespace testing_kafka;
using pipeline::Errc;

class KafkaGroupProtocols : public testing::TestWithParam<std::map<std::string, std::string>> {};

TEST_P(KafkaGroupProtocols, ASecondMemberGetsHalfAndGivesItBackWhenItLeaves) {
  Cluster cluster;
  for (std::int32_t partition = 0; partition < 4; ++partition) {
    cluster.produce_many(partition, 100);
  }
  Member first(cluster, GetParam());
  ASSERT_TRUE(first.poll_until([&] { return first.ends.size() == 4; }));
  {
    Member second(cluster, GetParam());
    ASSERT_TRUE(poll_both(first, second, [&] { return first.owned.size() == 2 && second.owned.size() == 2; }));
    for (const auto slot : second.owned) {
      for (const auto other : first.owned) {
        EXPECT_NE(second.source->name(slot), first.source->name(other));
      }
    }
    for (std::int32_t partition = 0; partition < 4; ++partition) {
      cluster.produce_many(partition, 50);
    }
    const auto all_ends = [](const Member& member) {
      return std::count_if(member.ends.begin(), member.ends.end(), [](const auto& end) { return end.second == 150; });
    };
    ASSERT_TRUE(poll_both(first, second, [&] { return all_ends(first) == 2 && all_ends(second) == 2; }));
    for (const auto slot : second.owned) {
      EXPECT_EQ(second.offsets[slot], from_to(0, 150)) << "a member reads what it gets from where it was told";
    }
    second.source->close();
  }
  ASSERT_TRUE(first.poll_until([&] { return first.owned.size() == 4 && first.ends.size() == 4; }));
  for (const auto slot : first.owned) {
    EXPECT_EQ(first.offsets[slot], from_to(0, 150));
  }
}

INSTANTIATE_TEST_SUITE_P(CooperativeAndEager, KafkaGroupProtocols,
                         testing::Values(std::map<std::string, std::string>{},
                                         std::map<std::string, std::string>{
                                             {"partition.assignment.strategy", "range,roundrobin"}}));

TEST(KafkaGroup, WhatIsRevokedBeforeItWasStartedGoesToTheOtherMember) {
  Cluster cluster;
  cluster.produce_many(0, 10);
  Member first(cluster);
  first.starts_at.reset();
  ASSERT_TRUE(first.poll_until([&] { return first.owned.size() == 4; }));
  Member second(cluster);
  ASSERT_TRUE(poll_both(first, second, [&] { return first.owned.size() == 2 && second.owned.size() == 2; }));
  EXPECT_EQ(first.records(), 0U);
  first.start_all(0);
  ASSERT_TRUE(poll_both(first, second, [&] { return first.ends.size() == 2 && second.ends.size() == 2; }));
  EXPECT_EQ(first.records() + second.records(), 10U);
}

TEST(KafkaGroup, TheGroupWaitsUntilARevocationIsReleased) {
  Cluster cluster;
  Member first(cluster);
  ASSERT_TRUE(first.poll_until([&] { return first.ends.size() == 4; }));
  first.releases = false;
  Member second(cluster);
  ASSERT_TRUE(poll_both(first, second, [&] { return first.revoked.size() == 2; }));
  for (int i = 0; i < 10; ++i) {
    poll_both(first, second, [polled = 0]() mutable { return polled++ > 0; });
  }
  EXPECT_TRUE(second.owned.empty());
  const auto given_back = first.revoked;
  ASSERT_TRUE(first.source->release(std::span(given_back).first(1)));
  for (int i = 0; i < 10; ++i) {
    poll_both(first, second, [polled = 0]() mutable { return polled++ > 0; });
  }
  EXPECT_TRUE(second.owned.empty()) << "only half of it was released";
  ASSERT_TRUE(first.source->release(std::span(given_back).last(1)));
  EXPECT_TRUE(poll_both(first, second, [&] { return second.owned.size() == 2; }));
}

TEST(KafkaGroup, ReportsWatermarksAsCommittedOffsets) {
  Cluster cluster;
  cluster.produce_many(0, 10);
  const auto committed = [&] {
    auto* conf = rd_kafka_conf_new();
    std::array<char, 200> reason{};
    rd_kafka_conf_set(conf, "bootstrap.servers", cluster.bootstrap().c_str(), reason.data(), reason.size());
    rd_kafka_conf_set(conf, "group.id", "alluvium", reason.data(), reason.size());
    auto* client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason.data(), reason.size());
    auto* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "chat", 0);
    EXPECT_EQ(rd_kafka_committed(client, list, 5000), RD_KAFKA_RESP_ERR_NO_ERROR);
    const auto offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
    return offset;
  };
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  member.source->report_watermark(member.slot(0), 6);
  ASSERT_TRUE(member.poll_until([&] { return committed() == 6; }));
  member.source->report_watermark(member.slot(0), 9);
  member.source->close();
  EXPECT_EQ(committed(), 9);
}

TEST(KafkaGroup, GoesOnAfterFetchErrorsAndLeaderChanges) {
  Cluster cluster(3);
  cluster.produce_many(0, 2000);
  Member member(cluster);
  rd_kafka_mock_push_request_errors(cluster.mock(), fetch_request, 4, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                    RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_UNKNOWN,
                                    RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
  ASSERT_TRUE(member.poll_until([&] { return member.records() >= 500; }, 4000));
  rd_kafka_mock_partition_set_leader(cluster.mock(), "chat", 0, 2);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  rd_kafka_mock_partition_set_leader(cluster.mock(), "chat", 0, 3);
  cluster.produce_many(0, 100);
  ASSERT_TRUE(member.poll_until([&] { return member.end_of(0) == 2100; }));
  EXPECT_EQ(member.offsets[member.slot(0)], from_to(0, 2100));
}

TEST(KafkaGroup, JoinsThoughTheCoordinatorMovesAndFails) {
  Cluster cluster(3);
  cluster.produce_many(0, 100);
  rd_kafka_mock_coordinator_set(cluster.mock(), "group", "alluvium", 1);
  rd_kafka_mock_push_request_errors(cluster.mock(), find_coordinator_request, 1,
                                    RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
  rd_kafka_mock_push_request_errors(cluster.mock(), join_group_request, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
  rd_kafka_mock_push_request_errors(cluster.mock(), sync_group_request, 1, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  rd_kafka_mock_coordinator_set(cluster.mock(), "group", "alluvium", 2);
  rd_kafka_mock_push_request_errors(cluster.mock(), heartbeat_request, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
  cluster.produce_many(0, 100);
  ASSERT_TRUE(member.poll_until([&] { return member.end_of(0) == 200; }));
  EXPECT_EQ(member.offsets[member.slot(0)], from_to(0, 200));
}

TEST(KafkaGroup, SaysWhenPartitionsWereLostAndGetsThemAgain) {
  Cluster cluster;
  cluster.produce_many(0, 100);
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  rd_kafka_mock_push_request_errors(cluster.mock(), heartbeat_request, 1, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
  ASSERT_TRUE(member.poll_until([&] { return member.lost_any; }));
  ASSERT_TRUE(member.poll_until([&] { return member.owned.size() == 4 && member.ends.size() == 4; }));
  cluster.produce_many(0, 100);
  ASSERT_TRUE(member.poll_until([&] { return member.end_of(0) == 200; }));
  EXPECT_EQ(member.offsets[member.slot(0)], from_to(0, 200));
}

TEST(KafkaGroup, ACommitThatFailsIsOfNoConsequence) {
  Cluster cluster;
  cluster.produce_many(0, 10);
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  rd_kafka_mock_push_request_errors(cluster.mock(), offset_commit_request, 1, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
  member.source->report_watermark(member.slot(0), 5);
  cluster.produce_many(0, 10);
  ASSERT_TRUE(member.poll_until([&] { return member.end_of(0) == 20; }));
  EXPECT_EQ(member.offsets[member.slot(0)], from_to(0, 20));
}

TEST(KafkaGroup, SurvivesABrokerThatIsAwayForAWhile) {
  Cluster cluster;
  cluster.produce_many(0, 10);
  Member member(cluster, {{"reconnect.backoff.max.ms", "200"}});
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  rd_kafka_mock_broker_set_down(cluster.mock(), -1);
  EXPECT_EQ(member.source->range(member.slot(0)).error().code, Errc::unavailable);
  rd_kafka_mock_broker_set_up(cluster.mock(), -1);
  cluster.produce_many(0, 10);
  ASSERT_TRUE(member.poll_until([&] { return member.end_of(0) == 20; }));
  EXPECT_EQ(member.offsets[member.slot(0)], from_to(0, 20));
}

TEST(KafkaGroup, DeliversLateRatherThanNotAtAllFromASlowBroker) {
  Cluster cluster;
  cluster.produce_many(0, 100);
  rd_kafka_mock_broker_set_rtt(cluster.mock(), -1, 100);
  Member member(cluster);
  ASSERT_TRUE(member.poll_until([&] { return member.ends.size() == 4; }));
  EXPECT_EQ(member.offsets[member.slot(0)], from_to(0, 100));
}

TEST(KafkaGroup, LeavesTheGroupOnCloseAndMayBeClosedTwice) {
  Cluster cluster;
  Member first(cluster);
  ASSERT_TRUE(first.poll_until([&] { return first.owned.size() == 4; }));
  first.source->close();
  first.source->close();
  Member second(cluster);
  EXPECT_TRUE(second.poll_until([&] { return second.owned.size() == 4; })) << "without waiting for a session to end";
}

}  // namespace
}  // namespace alluvium::connectors
