// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_group.hpp"

#include <utility>

#include "connectors/kafka_topics.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::PartitionSlot;
using pipeline::Result;
using State = KafkaPartition::State;

KafkaPartitions partition_list(std::size_t size) {
  return KafkaPartitions(rd_kafka_topic_partition_list_new(static_cast<int>(size)));
}

void add(const KafkaPartitions& list, const KafkaPartition& partition) {
  const auto& [topic, number] = partition.name();
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), number)->offset = partition.next_offset();
}

Result<void> refused(const rd_kafka_error_t* error) {
  return fail(rd_kafka_error_is_fatal(error) != 0 ? Errc::unsafe_to_go_on : Errc::unavailable,
              std::string("assignment: ") + rd_kafka_error_string(error));
}

}  // namespace

void KafkaGroup::on_rebalance(rd_kafka_resp_err_t what, const rd_kafka_topic_partition_list_t& list,
                              pipeline::SourceListener& listener) {
  Slots slots;
  for (const auto& partition : std::span(list.elems, static_cast<std::size_t>(list.cnt))) {
    slots.push_back(slot_of({partition.topic, partition.partition}));
  }
  if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    on_assigned(slots, listener);
  } else if (what == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
    on_revoked(slots, listener);
  } else {
    spdlog::warn("kafka: rebalance: {}", rd_kafka_err2str(what));
    rd_kafka_assign(consumer_, nullptr);
  }
}

Result<void> KafkaGroup::take_all(const std::vector<std::string>& topics, pipeline::SourceListener& listener) {
  const auto found = find_topics(consumer_, topics);
  if (!found) {
    return tl::unexpected(found.error());
  }
  alone_ = true;
  Slots slots;
  for (const auto& topic : *found) {
    for (std::int32_t number = 0; number < topic.partitions; ++number) {
      slots.push_back(slot_of({topic.name, number}));
    }
  }
  on_assigned(slots, listener);
  return {};
}

PartitionSlot KafkaGroup::slot_of(pipeline::TopicPartition name) {
  const auto next = static_cast<PartitionSlot>(partitions_.size());
  const auto [known, fresh] = slots_.try_emplace(name, next);
  if (fresh) {
    partitions_.emplace_back(next, std::move(name));
  }
  return known->second;
}

void KafkaGroup::on_assigned(const Slots& slots, pipeline::SourceListener& listener) {
  const auto nothing = partition_list(0);
  if (cooperative()) {
    const KafkaError ignored(rd_kafka_incremental_assign(consumer_, nothing.get()));  // The library logs it.
  } else {
    rd_kafka_assign(consumer_, nothing.get());
  }
  for (const auto slot : slots) {
    auto& partition = partitions_[slot];
    partition.stop(State::assigned);
    partition.hold(false);
    partition.in_assignment = false;
    partition.watermark = partition.committed = -1;
  }
  if (!slots.empty()) {
    listener.on_assigned(slots);
  }
}

void KafkaGroup::on_revoked(const Slots& slots, pipeline::SourceListener& listener) {
  const auto lost = rd_kafka_assignment_lost(consumer_) != 0;
  for (const auto slot : slots) {
    partitions_[slot].stop(State::revoked);
    partitions_[slot].lost = lost;
    revoking_.insert(slot);
  }
  if (revoking_.empty()) {
    acknowledge_revocation();
  } else if (!slots.empty()) {
    listener.on_revoked(slots, lost);
  }
}

void KafkaGroup::release(std::span<const PartitionSlot> slots) {
  bool released = false;
  for (const auto slot : slots) {
    // What is not revoked was released before, or assigned to us again since.
    if (revoking_.erase(slot) > 0) {
      to_unassign_.push_back(slot);
      released = true;
    }
  }
  if (released && revoking_.empty()) {
    acknowledge_revocation();
  }
}

void KafkaGroup::acknowledge_revocation() {
  const auto list = partition_list(to_unassign_.size());
  for (const auto slot : to_unassign_) {
    auto& partition = partitions_[slot];
    if (std::exchange(partition.in_assignment, false)) {
      add(list, partition);
    }
    partition.stop(State::foreign);
  }
  to_unassign_.clear();
  if (cooperative()) {
    const KafkaError ignored(rd_kafka_incremental_unassign(consumer_, list.get()));  // The library logs it.
  } else {
    rd_kafka_assign(consumer_, nullptr);
  }
}

Result<void> KafkaGroup::start(std::span<const pipeline::StartAt> starts) {
  Slots slots;
  for (const auto& [slot, offset] : starts) {
    auto& partition = partitions_[slot];
    if (partition.state() == State::foreign || partition.state() == State::revoked) {
      continue;  // Taken away meanwhile: the listener knows, or will be told.
    }
    if (!partition.run_from(consumer_, wake_fd_, offset)) {
      return fail(Errc::unavailable, "no queue for " + partition.name().topic);
    }
    slots.push_back(slot);
  }
  if (slots.empty()) {
    return {};
  }
  return cooperative() ? assign_cooperatively(slots) : assign_all_running();
}

Result<void> KafkaGroup::assign_cooperatively(const Slots& slots) {
  const auto again = partition_list(slots.size());
  const auto wanted = partition_list(slots.size());
  for (const auto slot : slots) {
    auto& partition = partitions_[slot];
    if (std::exchange(partition.in_assignment, true)) {
      add(again, partition);
    }
    add(wanted, partition);
  }
  KafkaError error;
  // Taking it out and in again also drops what was fetched, and works on a partition that stalled,
  // on which a seek does not.
  if (again->cnt > 0) {
    error.reset(rd_kafka_incremental_unassign(consumer_, again.get()));
  }
  if (!error) {
    error.reset(rd_kafka_incremental_assign(consumer_, wanted.get()));
  }
  if (!error) {
    return {};
  }
  for (const auto slot : slots) {
    partitions_[slot].stop(State::assigned);
    partitions_[slot].in_assignment = false;
  }
  return refused(error.get());
}

/// Under the eager protocol only whole assignments count, so that every running partition begins
/// again where it is.
Result<void> KafkaGroup::assign_all_running() {
  const auto wanted = partition_list(partitions_.size());
  for (auto& partition : partitions_) {
    if (partition.state() == State::running && partition.run_from(consumer_, wake_fd_, partition.next_offset())) {
      partition.in_assignment = true;
      add(wanted, partition);
    }
  }
  const auto error = rd_kafka_assign(consumer_, wanted.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    return {};
  }
  return refused(KafkaError(rd_kafka_error_new(error, "%s", rd_kafka_err2str(error))).get());
}

/// Without a group there is no protocol, and partitions can be added and taken away one by one.
bool KafkaGroup::cooperative() const {
  if (alone_) {
    return true;
  }
  const auto* protocol = rd_kafka_rebalance_protocol(consumer_);
  return protocol != nullptr && std::string_view(protocol) == "COOPERATIVE";
}

pipeline::Backlog KafkaGroup::backlog() const {
  pipeline::Backlog sum;
  for (const auto& partition : partitions_) {
    const auto one = partition.backlog();
    sum.records += one.records;
    sum.bytes += one.bytes;
  }
  return sum;
}

void KafkaGroup::stop_all() {
  for (auto& partition : partitions_) {
    partition.stop(State::foreign);
  }
}

}  // namespace alluvium::connectors
