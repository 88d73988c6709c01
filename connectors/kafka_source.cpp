// SPDX-License-Identifier: Apache-2.0
#include "connectors/kafka_source.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

#include "connectors/kafka_config.hpp"
#include "connectors/kafka_group.hpp"
#include "connectors/kafka_orphans.hpp"
#include "connectors/kafka_reader.hpp"
#include "connectors/kafka_topic_watch.hpp"
#include "connectors/kafka_topics.hpp"
#include "connectors/kafka_watermarks.hpp"
#include "connectors/reading_turns.hpp"
#include "connectors/wake_event.hpp"
#include "pipeline/failpoint.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::PartitionSlot;
using pipeline::Result;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds leave_within{10};
constexpr std::chrono::seconds join_interval{1};
constexpr int events_per_poll_max = 1000;

class KafkaSource final : public pipeline::Source {
 public:
  KafkaSource(KafkaSourceOptions options, KafkaConsumer consumer, bool in_group)
      : options_(std::move(options)), in_group_(in_group) {
    adopt(std::move(consumer));
  }
  ~KafkaSource() override {
    close();
  }

  Result<void> open(pipeline::SourceListener& listener) override;
  Result<void> poll(std::size_t bytes_max, std::chrono::milliseconds wait) override;
  const pipeline::TopicPartition& name(PartitionSlot slot) const override {
    return group_->partitions()[slot].name();
  }
  Result<std::string> identity(PartitionSlot slot) override;
  Result<pipeline::OffsetRange> range(PartitionSlot slot) override {
    return offset_range(consumer_.get(), name(slot));
  }
  Result<void> start(std::span<const pipeline::StartAt> starts) override {
    return group_->start(starts);
  }
  Result<void> release(std::span<const PartitionSlot> slots) override;
  void hold(PartitionSlot slot, bool held) override {
    group_->partitions()[slot].hold(held);
  }
  pipeline::Backlog backlog() const override {
    return group_->backlog();
  }
  void report_watermark(PartitionSlot slot, std::int64_t watermark) override {
    if (in_group_) {
      group_->partitions()[slot].watermark = watermark;
    }
  }
  Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> ends() override;
  void wake() override {
    event_.signal();
  }
  void close() override;

 private:
  void adopt(KafkaConsumer consumer);
  Result<void> fit_queues();
  Result<void> subscribe();
  bool serve_group();
  Result<void> wait_for_seat(std::chrono::milliseconds wait);
  void look_at_topics();
  bool read(std::size_t bytes_max);
  void on_error(rd_kafka_resp_err_t error, const std::string& text);
  void leave();

  KafkaSourceOptions options_;
  bool in_group_;
  WakeEvent event_;
  KafkaConsumer consumer_;
  // What uses the consumer comes after it, so that it ends before it.
  KafkaQueue events_;
  std::optional<KafkaGroup> group_;
  std::optional<KafkaWatermarks> watermarks_;
  std::optional<KafkaOrphans> orphans_;
  std::optional<KafkaTopicWatch> watch_;
  pipeline::SourceListener* listener_ = nullptr;
  ReadingTurns turns_;
  std::map<std::string, std::string> ids_;  ///< Of topics, until the next rebalance.
  /// A broker that does not know topic ids never answers: then it is done without.
  static constexpr int id_tries_max = 5;
  std::map<std::string, int> id_failures_;
  bool subscribed_ = false;
  Complaints complaints_;
  std::string last_error_;  ///< Of the connections, for open().
  bool not_let_in_ = false;
  bool seat_taken_ = false;
  Clock::time_point join_at_;
  std::string fatal_;
};

// Connecting ------------------------------------------------------------------------------------

void KafkaSource::adopt(KafkaConsumer consumer) {
  orphans_.reset();
  watch_.reset();
  watermarks_.reset();
  group_.reset();
  events_.reset();
  consumer_ = std::move(consumer);
  events_.reset(rd_kafka_queue_get_consumer(consumer_.get()));
  constexpr std::uint64_t one = 1;
  rd_kafka_queue_io_event_enable(events_.get(), event_.fd(), &one, sizeof one);
  group_.emplace(consumer_.get(), event_.fd());
  watermarks_.emplace(consumer_.get());
  if (in_group_ && KafkaOrphans::needed(options_)) {
    orphans_.emplace(consumer_.get(), options_);
  }
  watch_.emplace(consumer_.get());
}

Result<void> KafkaSource::open(pipeline::SourceListener& listener) {
  listener_ = &listener;
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error =
      rd_kafka_metadata(consumer_.get(), 0, nullptr, &metadata, static_cast<int>(kafka_answer_within.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    serve_group();  // Brings the reasons.
    const auto reason = last_error_.empty() ? std::string(rd_kafka_err2str(error)) : last_error_;
    return not_let_in_ ? fail(Errc::invalid_config, reason)
                       : fail(Errc::unavailable, "no broker answers at " + options_.brokers + ": " + reason);
  }
  rd_kafka_metadata_destroy(metadata);
  return subscribed_ ? Result<void>{} : fit_queues().and_then([this] { return subscribe(); });
}

/// librdkafka bounds each partition's queue, we promise a bound for all of them: with many
/// partitions the consumer is made again with smaller queues.
Result<void> KafkaSource::fit_queues() {
  const auto topics = find_topics(consumer_.get(), options_.topics);
  if (!topics) {
    return {};  // Not created yet, or not ours to describe: what was said before still serves.
  }
  std::size_t count = 0;
  for (const auto& topic : *topics) {
    count += static_cast<std::size_t>(topic.partitions);
  }
  if (kafka_queue_kib(options_, count) < kafka_queue_kib(options_, 0)) {
    auto consumer = make_kafka_consumer(options_, count);
    if (!consumer) {
      return tl::unexpected(consumer.error());
    }
    adopt(std::move(*consumer));
  }
  return {};
}

Result<void> KafkaSource::subscribe() {
  subscribed_ = true;
  return !in_group_ ? Result<void>{} : subscribe_to(consumer_.get(), options_.topics);
}

// Reading ---------------------------------------------------------------------------------------

Result<void> KafkaSource::poll(std::size_t bytes_max, std::chrono::milliseconds wait) {
  if (seat_taken_) {
    return wait_for_seat(wait);
  }
  watermarks_->beat();
  event_.drain();  // Before looking, so that what comes after the look makes it ready again.
  auto busy = serve_group();
  look_at_topics();
  if (!in_group_ && group_->partitions().empty()) {
    if (auto taken = group_->take_all(options_.topics, *listener_); !taken) {
      return taken;
    }
  }
  busy = read(bytes_max) || busy;
  if (!busy && fatal_.empty()) {
    event_.wait(turns_.waits() ? std::min(wait, ReadingTurns::patience) : wait);
    event_.drain();
    serve_group();
    read(bytes_max);
  }
  if (!group_->revoking()) {  // release() sends the last ones.
    watermarks_->commit(group_->partitions());
  }
  if (!fatal_.empty()) {
    return fail(Errc::unsafe_to_go_on, fatal_);
  }
  if (orphans_ && orphans_->found()) {
    spdlog::warn("kafka: some partitions are given to nobody; joining group {} anew", options_.group);
    rd_kafka_unsubscribe(consumer_.get());
    return subscribe();
  }
  return {};
}

/// The new protocol turns a static member away as long as the one before it under the same id counts as alive: after a
/// kill, until its session ends.
Result<void> KafkaSource::wait_for_seat(std::chrono::milliseconds wait) {
  if (Clock::now() < join_at_) {
    event_.wait(wait);
    event_.drain();
    return {};
  }
  join_at_ = Clock::now() + join_interval;
  seat_taken_ = false;
  auto consumer = make_kafka_consumer(options_, 0);
  if (!consumer) {
    return tl::unexpected(consumer.error());
  }
  rd_kafka_queue_io_event_enable(events_.get(), -1, nullptr, 0);
  leave();
  adopt(std::move(*consumer));
  return fit_queues().and_then([this] { return subscribe(); });
}

/// True if the listener was called.
bool KafkaSource::read(std::size_t bytes_max) {
  if (bytes_max == 0) {
    return false;  // Without room, nobody is passed over.
  }
  bool called = false;
  auto& partitions = group_->partitions();
  const auto queue_of = [&](std::size_t i) {
    return partitions[i].readable() ? partitions[i].queue() : ReadingTurns::Queue{};
  };
  for (const auto slot : turns_.order(partitions.size(), queue_of, Clock::now())) {
    auto& partition = partitions[slot];
    if (bytes_max > 0 && partition.readable()) {
      const auto progress = partition.read(*listener_, bytes_max, complaints_);
      bytes_max -= std::min(bytes_max, progress.bytes);
      called |= progress.calls > 0;
      turns_.read(slot, Clock::now());
    }
  }
  return called;
}

// The group -------------------------------------------------------------------------------------

/// True if something happened.
bool KafkaSource::serve_group() {
  bool happened = false;
  for (int i = 0; i < events_per_poll_max; ++i) {
    const KafkaEvent event(rd_kafka_queue_poll(events_.get(), 0));
    if (!event) {
      break;
    }
    switch (rd_kafka_event_type(event.get())) {
      case RD_KAFKA_EVENT_REBALANCE:
        ids_.clear();
        group_->on_rebalance(rd_kafka_event_error(event.get()), *rd_kafka_event_topic_partition_list(event.get()),
                             *listener_);
        happened = true;
        break;
      case RD_KAFKA_EVENT_ERROR:
        on_error(rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()));
        break;
    }
  }
  return happened;
}

/// Nothing more is read of a topic that is another one now. Whoever claims its partitions anew will hear of it.
void KafkaSource::look_at_topics() {
  for (const auto& topic : watch_->changed()) {
    ids_.clear();
    auto& partitions = group_->partitions();
    for (PartitionSlot slot = 0; slot < partitions.size(); ++slot) {
      if (auto& partition = partitions[slot];
          partition.name().topic == topic && partition.state() == KafkaPartition::State::running) {
        partition.stop(KafkaPartition::State::stalled);
        listener_->on_stalled(slot, "the topic was deleted and made anew");
      }
    }
  }
}

void KafkaSource::on_error(rd_kafka_resp_err_t error, const std::string& text) {
  std::array<char, 512> reason{};
  const auto fatal = rd_kafka_fatal_error(consumer_.get(), reason.data(), reason.size());
  if (fatal == RD_KAFKA_RESP_ERR_UNRELEASED_INSTANCE_ID && group_->partitions().empty()) {
    complaints_.warn("instance id " + options_.instance_id +
                     " still counts as another member's; waiting until it does not");
    seat_taken_ = true;
    return;
  }
  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
    fatal_ = fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
                 ? "another member of group " + options_.group + " has taken over this instance id"
                 : std::string(reason.data());
    return;
  }
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    complaints_.warn("no broker can be reached; trying on");
    return;
  }
  if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
    complaints_.warn(text + "; waiting for it to be created");
    return;
  }
  not_let_in_ = not_let_in_ || error == RD_KAFKA_RESP_ERR__AUTHENTICATION;
  last_error_ = text;
  complaints_.warn(text);
}

// What the engine asks ---------------------------------------------------------------------------

Result<std::string> KafkaSource::identity(PartitionSlot slot) {
  const auto& topic = name(slot).topic;
  // If it has stalled, perhaps because the topic was deleted and made again.
  const bool stalled = group_->partitions()[slot].state() == KafkaPartition::State::stalled;
  if (const auto known = ids_.find(topic); known != ids_.end() && !stalled) {
    return known->second;
  }
  auto id = topic_id(consumer_.get(), topic);
  if (!id && ++id_failures_[topic] < id_tries_max) {
    return id;
  }
  if (!id) {
    spdlog::warn("kafka: {}; a topic made anew under the same name can't be told", id.error().detail);
  }
  id_failures_.erase(topic);
  watch_->note(topic, id.value_or(""));
  return ids_[topic] = id.value_or("");
}

Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> KafkaSource::ends() {
  const auto topics = find_topics(consumer_.get(), options_.topics);
  if (!topics) {
    return tl::unexpected(topics.error());
  }
  return end_offsets(consumer_.get(), *topics);
}

Result<void> KafkaSource::release(std::span<const PartitionSlot> slots) {
  watermarks_->commit_and_wait(group_->partitions(), slots);
  pipeline::failpoint("kafka.release");
  group_->release(slots);
  return {};
}

void KafkaSource::close() {
  if (!consumer_) {
    return;
  }
  if (subscribed_) {
    std::vector<PartitionSlot> all(group_->partitions().size());
    std::iota(all.begin(), all.end(), PartitionSlot{0});
    watermarks_->commit_and_wait(group_->partitions(), all);
  }
  orphans_.reset();
  group_->stop_all();
  rd_kafka_queue_io_event_enable(events_.get(), -1, nullptr, 0);
  if (subscribed_) {
    leave();
  }
  watch_.reset();
  watermarks_.reset();
  events_.reset();
  consumer_.reset();
}

void KafkaSource::leave() {
  const KafkaError refused(rd_kafka_consumer_close_queue(consumer_.get(), events_.get()));
  const auto deadline = Clock::now() + leave_within;
  while (!refused && rd_kafka_consumer_closed(consumer_.get()) == 0 && Clock::now() < deadline) {
    const KafkaEvent event(rd_kafka_queue_poll(events_.get(), 100));
    if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE) {
      rd_kafka_assign(consumer_.get(), nullptr);  // A consumer that ends takes this for whatever is asked.
    }
  }
}

}  // namespace

Result<std::unique_ptr<pipeline::Source>> make_kafka_source(const KafkaSourceOptions& options) {
  return make_kafka_consumer(options, 0).map([&](KafkaConsumer consumer) -> std::unique_ptr<pipeline::Source> {
    return std::make_unique<KafkaSource>(options, std::move(consumer), true);
  });
}

Result<std::unique_ptr<pipeline::Source>> make_kafka_reader(const KafkaSourceOptions& options) {
  return make_kafka_consumer(options, 0).map([&](KafkaConsumer consumer) -> std::unique_ptr<pipeline::Source> {
    return std::make_unique<KafkaSource>(options, std::move(consumer), false);
  });
}

}  // namespace alluvium::connectors
