// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_topics.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include <regex.h>

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::Result;

using Options = std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;
using Metadata = std::unique_ptr<const rd_kafka_metadata_t, Destroyer<rd_kafka_metadata_destroy>>;
using Topic = std::unique_ptr<rd_kafka_topic_t, Destroyer<rd_kafka_topic_destroy>>;
using Collection = std::unique_ptr<rd_kafka_TopicCollection_t, Destroyer<rd_kafka_TopicCollection_destroy>>;

Options admin_options(rd_kafka_t* client, rd_kafka_admin_op_t operation) {
  Options options(rd_kafka_AdminOptions_new(client, operation));
  std::array<char, 256> reason{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(kafka_answer_within.count()), reason.data(),
                                            reason.size());
  return options;
}

/// The answer to the one question that was put to `queue`, or why there is none.
Result<KafkaEvent> answer(rd_kafka_queue_t* queue, const char* question) {
  KafkaEvent event(rd_kafka_queue_poll(queue, static_cast<int>(kafka_answer_within.count()) + 1000));
  if (!event) {
    return fail(Errc::unavailable, std::string("the cluster did not answer: ") + question);
  }
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(Errc::unavailable, std::string(question) + ": " + rd_kafka_event_error_string(event.get()));
  }
  return event;
}

/// Of one topic, or of all.
Result<Metadata> metadata(rd_kafka_t* client, rd_kafka_topic_t* topic) {
  const rd_kafka_metadata_t* found = nullptr;
  const auto error =
      rd_kafka_metadata(client, topic == nullptr ? 1 : 0, topic, &found, static_cast<int>(kafka_answer_within.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(Errc::unavailable, std::string("list of topics: ") + rd_kafka_err2str(error));
  }
  return Metadata(found);
}

void add_once(std::vector<KafkaTopic>& topics, const rd_kafka_metadata_topic_t& found) {
  if (std::none_of(topics.begin(), topics.end(), [&](const auto& topic) { return topic.name == found.topic; })) {
    topics.push_back({found.topic, found.partition_cnt});
  }
}

/// Empty if the cluster has none.
std::string id_of(const rd_kafka_TopicDescription_t* topic) {
  const auto* id = rd_kafka_TopicDescription_topic_id(topic);
  const bool none =
      id == nullptr || (rd_kafka_Uuid_most_significant_bits(id) == 0 && rd_kafka_Uuid_least_significant_bits(id) == 0);
  return none ? std::string() : std::string(rd_kafka_Uuid_base64str(id));
}

bool reads_committed_only(rd_kafka_t* client) {
  std::array<char, 64> value{};
  auto size = value.size();
  return rd_kafka_conf_get(rd_kafka_conf(client), "isolation.level", value.data(), &size) != RD_KAFKA_CONF_OK ||
         std::string_view(value.data()) == "read_committed";
}

}  // namespace

Result<std::vector<KafkaTopic>> find_topics(rd_kafka_t* client, const std::vector<std::string>& subscription) {
  std::vector<KafkaTopic> topics;
  const auto is_expression = [](const std::string& topic) { return topic.starts_with('^'); };
  for (const auto& name : subscription) {
    if (is_expression(name)) {
      continue;
    }
    const Topic topic(rd_kafka_topic_new(client, name.c_str(), nullptr));
    const auto found = metadata(client, topic.get());
    if (!found) {
      return tl::unexpected(found.error());
    }
    for (const auto& known : std::span((*found)->topics, static_cast<std::size_t>((*found)->topic_cnt))) {
      if (known.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(Errc::unavailable, "topic " + name + ": " + rd_kafka_err2str(known.err));
      }
      add_once(topics, known);
    }
  }
  if (std::none_of(subscription.begin(), subscription.end(), is_expression)) {
    return topics;
  }
  const auto all = metadata(client, nullptr);
  if (!all) {
    return tl::unexpected(all.error());
  }
  for (const auto& expression : subscription) {
    regex_t compiled;
    if (!is_expression(expression) || regcomp(&compiled, expression.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
      continue;  // One that does not compile was refused when the source was made.
    }
    for (const auto& known : std::span((*all)->topics, static_cast<std::size_t>((*all)->topic_cnt))) {
      if (regexec(&compiled, known.topic, 0, nullptr, 0) == 0) {
        add_once(topics, known);
      }
    }
    regfree(&compiled);
  }
  return topics;
}

void ask_topic_ids(rd_kafka_t* client, const std::vector<std::string>& names, rd_kafka_queue_t* queue) {
  std::vector<const char*> texts;
  for (const auto& name : names) {
    texts.push_back(name.c_str());
  }
  const Collection wanted(rd_kafka_TopicCollection_of_topic_names(texts.data(), texts.size()));
  const auto options = admin_options(client, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
  rd_kafka_DescribeTopics(client, wanted.get(), options.get(), queue);
}

Result<std::string> topic_id(rd_kafka_t* client, const std::string& name) {
  const KafkaQueue queue(rd_kafka_queue_new(client));
  ask_topic_ids(client, {name}, queue.get());
  const auto event = answer(queue.get(), "id of topic");
  if (!event) {
    return tl::unexpected(event.error());
  }
  std::size_t count = 0;
  const auto* const* described =
      rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event->get()), &count);
  for (const auto* topic : std::span(described, count)) {
    if (const auto* error = rd_kafka_TopicDescription_error(topic);
        error != nullptr && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return fail(Errc::unavailable, "topic " + name + ": " + rd_kafka_error_string(error));
    }
    if (auto id = id_of(topic); !id.empty()) {
      return id;
    }
  }
  return std::string();
}

std::map<std::string, std::string> topic_ids(rd_kafka_event_t* answer) {
  std::map<std::string, std::string> ids;
  const auto* result = rd_kafka_event_DescribeTopics_result(answer);
  std::size_t count = 0;
  const auto* const* described = result == nullptr ? nullptr : rd_kafka_DescribeTopics_result_topics(result, &count);
  for (const auto* topic : std::span(described, count)) {
    const auto* error = rd_kafka_TopicDescription_error(topic);
    if (error != nullptr && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      continue;
    }
    if (auto id = id_of(topic); !id.empty()) {
      ids.emplace(rd_kafka_TopicDescription_name(topic), std::move(id));
    }
  }
  return ids;
}

Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> end_offsets(
    rd_kafka_t* client, const std::vector<KafkaTopic>& topics) {
  std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> ends;
  const KafkaPartitions wanted(rd_kafka_topic_partition_list_new(16));
  for (const auto& topic : topics) {
    for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
      rd_kafka_topic_partition_list_add(wanted.get(), topic.name.c_str(), partition)->offset =
          RD_KAFKA_OFFSET_SPEC_LATEST;
    }
  }
  if (wanted->cnt == 0) {
    return ends;
  }
  const auto options = admin_options(client, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
  const KafkaError refused(rd_kafka_AdminOptions_set_isolation_level(
      options.get(), reads_committed_only(client) ? RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED
                                                  : RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED));
  const KafkaQueue queue(rd_kafka_queue_new(client));
  rd_kafka_ListOffsets(client, wanted.get(), options.get(), queue.get());
  const auto event = answer(queue.get(), "ends of the partitions");
  if (!event) {
    return tl::unexpected(event.error());
  }
  std::size_t count = 0;
  const auto* const* infos = rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event->get()), &count);
  for (const auto* info : std::span(infos, count)) {
    const auto* partition = rd_kafka_ListOffsetsResultInfo_topic_partition(info);
    if (partition->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return fail(Errc::unavailable, std::string("end of ") + partition->topic + "/" +
                                         std::to_string(partition->partition) + ": " +
                                         rd_kafka_err2str(partition->err));
    }
    ends.emplace_back(pipeline::TopicPartition{partition->topic, partition->partition}, partition->offset);
  }
  return ends;
}

Result<void> subscribe_to(rd_kafka_t* consumer, const std::vector<std::string>& subscription) {
  const KafkaPartitions topics(rd_kafka_topic_partition_list_new(static_cast<int>(subscription.size())));
  for (const auto& topic : subscription) {
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  if (const auto error = rd_kafka_subscribe(consumer, topics.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(Errc::invalid_config, std::string("topics: ") + rd_kafka_err2str(error));
  }
  return {};
}

Result<pipeline::OffsetRange> offset_range(rd_kafka_t* client, const pipeline::TopicPartition& partition) {
  pipeline::OffsetRange range;
  const auto error =
      rd_kafka_query_watermark_offsets(client, partition.topic.c_str(), partition.partition, &range.first, &range.end,
                                       static_cast<int>(kafka_answer_within.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(Errc::unavailable, "range of " + partition.topic + "/" + std::to_string(partition.partition) + ": " +
                                       rd_kafka_err2str(error));
  }
  return range;
}

}  // namespace alluvium::connectors
