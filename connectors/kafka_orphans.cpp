// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_orphans.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "connectors/kafka_topics.hpp"

namespace alluvium::connectors {
namespace {

using Options = std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;

/// What the members have between them; empty unless the group is at rest.
std::set<pipeline::TopicPartition> owned_in(const rd_kafka_ConsumerGroupDescription_t* group) {
  std::set<pipeline::TopicPartition> owned;
  if (rd_kafka_ConsumerGroupDescription_state(group) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE) {
    return owned;
  }
  for (std::size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); ++i) {
    const auto* assignment = rd_kafka_MemberDescription_assignment(rd_kafka_ConsumerGroupDescription_member(group, i));
    const auto* partitions = rd_kafka_MemberAssignment_partitions(assignment);
    for (const auto& one : std::span(partitions->elems, static_cast<std::size_t>(partitions->cnt))) {
      owned.insert({one.topic, one.partition});
    }
  }
  return owned;
}

}  // namespace

KafkaOrphans::KafkaOrphans(rd_kafka_t* consumer, const KafkaSourceOptions& options)
    : consumer_(consumer), group_(options.group), topics_(options.topics), answers_(rd_kafka_queue_new(consumer)) {
  std::array<char, 32> text{};
  auto size = text.size();
  if (rd_kafka_conf_get(rd_kafka_conf(consumer), "topic.metadata.refresh.interval.ms", text.data(), &size) ==
      RD_KAFKA_CONF_OK) {
    interval_ = std::max(std::chrono::milliseconds{1000}, std::chrono::milliseconds{std::atoll(text.data())});
  }
  next_ = Clock::now() + interval_;
}

bool KafkaOrphans::needed(const KafkaSourceOptions& options) {
  const auto protocol = options.properties.find("group.protocol");
  return !options.instance_id.empty() && (protocol == options.properties.end() || protocol->second != "consumer");
}

bool KafkaOrphans::found() {
  if (!asked_) {
    if (Clock::now() >= next_) {
      ask();
    }
    return false;
  }
  const KafkaEvent answer(rd_kafka_queue_poll(answers_.get(), 0));
  if (!answer) {
    return false;
  }
  asked_ = false;
  next_ = Clock::now() + interval_;
  // A member that has only just been given a partition may not be in the answer: one look is not enough.
  const bool some = look(answer.get());
  const bool twice = some && seen_;
  seen_ = some && !twice;
  return twice;
}

void KafkaOrphans::ask() {
  const Options options(rd_kafka_AdminOptions_new(consumer_, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS));
  std::array<const char*, 1> groups{group_.c_str()};
  rd_kafka_DescribeConsumerGroups(consumer_, groups.data(), groups.size(), options.get(), answers_.get());
  asked_ = true;  // There is always an answer, if only that none came.
}

bool KafkaOrphans::look(rd_kafka_event_t* answer) {
  const auto* result = rd_kafka_event_DescribeConsumerGroups_result(answer);
  if (result == nullptr || rd_kafka_event_error(answer) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return false;
  }
  std::size_t count = 0;
  const auto** groups = rd_kafka_DescribeConsumerGroups_result_groups(result, &count);
  const auto owned = count == 1 ? owned_in(groups[0]) : std::set<pipeline::TopicPartition>{};
  if (owned.empty()) {
    return false;
  }
  const auto topics = find_topics(consumer_, topics_);
  return topics && std::any_of(topics->begin(), topics->end(), [&](const KafkaTopic& topic) {
           for (std::int32_t number = 0; number < topic.partitions; ++number) {
             if (!owned.contains({topic.name, number})) {
               return true;
             }
           }
           return false;
         });
}

}  // namespace alluvium::connectors
