// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_topics.hpp"

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

bool reads_committed_only(rd_kafka_t* client) {
  std::array<char, 64> value{};
  auto size = value.size();
  return rd_kafka_conf_get(rd_kafka_conf(client), "isolation.level", value.data(), &size) != RD_KAFKA_CONF_OK ||
         std::string_view(value.data()) == "read_committed";
}

}  // namespace

Result<std::vector<std::string>> subscribed_topics(rd_kafka_t* client, const std::vector<std::string>& topics) {
  std::vector<std::string> names;
  std::vector<std::string> expressions;
  for (const auto& topic : topics) {
    (topic.starts_with('^') ? expressions : names).push_back(topic);
  }
  if (expressions.empty()) {
    return names;
  }
  const rd_kafka_metadata_t* found = nullptr;
  const auto error = rd_kafka_metadata(client, 1, nullptr, &found, static_cast<int>(kafka_answer_within.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(Errc::unavailable, std::string("list of topics: ") + rd_kafka_err2str(error));
  }
  const std::unique_ptr<const rd_kafka_metadata_t, Destroyer<rd_kafka_metadata_destroy>> owner(found);
  for (const auto& expression : expressions) {
    regex_t compiled;
    if (regcomp(&compiled, expression.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
      continue;  // Refused when the source was made.
    }
    for (const auto& topic : std::span(found->topics, static_cast<std::size_t>(found->topic_cnt))) {
      if (regexec(&compiled, topic.topic, 0, nullptr, 0) == 0 &&
          std::find(names.begin(), names.end(), topic.topic) == names.end()) {
        names.emplace_back(topic.topic);
      }
    }
    regfree(&compiled);
  }
  return names;
}

Result<std::vector<KafkaTopic>> describe_topics(rd_kafka_t* client, const std::vector<std::string>& names) {
  std::vector<KafkaTopic> topics;
  if (names.empty()) {
    return topics;
  }
  std::vector<const char*> texts;
  for (const auto& name : names) {
    texts.push_back(name.c_str());
  }
  const Collection wanted(rd_kafka_TopicCollection_of_topic_names(texts.data(), texts.size()));
  const KafkaQueue queue(rd_kafka_queue_new(client));
  const auto options = admin_options(client, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
  rd_kafka_DescribeTopics(client, wanted.get(), options.get(), queue.get());
  const auto event = answer(queue.get(), "description of topics");
  if (!event) {
    return tl::unexpected(event.error());
  }
  std::size_t count = 0;
  const auto* const* described =
      rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event->get()), &count);
  for (const auto* topic : std::span(described, count)) {
    KafkaTopic known{rd_kafka_TopicDescription_name(topic), "", 0};
    if (const auto* error = rd_kafka_TopicDescription_error(topic);
        error != nullptr && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return fail(Errc::unavailable, "topic " + known.name + ": " + rd_kafka_error_string(error));
    }
    const auto* id = rd_kafka_TopicDescription_topic_id(topic);
    if (id != nullptr &&
        (rd_kafka_Uuid_most_significant_bits(id) != 0 || rd_kafka_Uuid_least_significant_bits(id) != 0)) {
      known.id = rd_kafka_Uuid_base64str(id);
    }
    std::size_t partitions = 0;
    rd_kafka_TopicDescription_partitions(topic, &partitions);
    known.partitions = static_cast<std::int32_t>(partitions);
    topics.push_back(std::move(known));
  }
  return topics;
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
  const std::unique_ptr<rd_kafka_error_t, Destroyer<rd_kafka_error_destroy>> refused(
      rd_kafka_AdminOptions_set_isolation_level(options.get(), reads_committed_only(client)
                                                                   ? RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED
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

}  // namespace alluvium::connectors
