// SPDX-License-Identifier: Apache-2.0
#include "app/message_texts.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "app/config_input.hpp"
#include "app/stream_reader.hpp"
#include "connectors/sqlite_shadow.hpp"
#include "connectors/stream_pass.hpp"
#include "pipeline/decoder.hpp"
#include "pipeline/scoped_source.hpp"

namespace alluvium::app {
namespace {

using pipeline::Result;

/// Reads `ranges` of the partitions in `scope`, message by message.
Result<void> read(const config::Config& config, pipeline::StreamScope scope, connectors::StreamRanges ranges,
                  const std::function<void(const pipeline::TopicPartition&, const pipeline::MessageView&)>& each) {
  const auto source = open_stream(config);
  if (!source) {
    return tl::unexpected{source.error()};
  }
  auto decoder = pipeline::Decoder::make(config.engine.decoder);
  auto for_scope = pipeline::Decoder::make(config.engine.decoder);
  if (!decoder || !for_scope) {
    return tl::unexpected{decoder ? for_scope.error() : decoder.error()};
  }
  pipeline::ScopedSource scoped{**source, std::move(scope), std::move(*for_scope)};
  std::vector<pipeline::DeadLetter> dead;
  return connectors::read_ranges(scoped, std::move(ranges), [&](const pipeline::RecordView& record) {
    pipeline::MessageChunk chunk;
    dead.clear();
    decoder->decode(record, 0, chunk, dead);
    for (const auto& entry : chunk.entries()) {
      each({std::string{record.topic}, record.partition}, entry.message());
    }
  });
}

}  // namespace

Result<config::Config> stream_config(const std::string& path) {
  auto loaded = config::load(path, process_environment(), true);
  loaded.warnings.clear();
  forgive_missing_keys(loaded);
  auto good = usable(std::move(loaded));
  if (!good) {
    return pipeline::fail(pipeline::Errc::invalid_config, path + " can't be used");
  }
  return std::move(good->config);
}

Result<void> read_messages(const config::Config& config, const std::vector<MessagePlace>& places,
                           const std::function<void(const MessagePlace&, const pipeline::MessageView&)>& each) {
  auto covered = connectors::covered_by(config.sqlite.path);
  if (!covered) {
    return tl::unexpected{covered.error()};
  }
  const std::set<MessagePlace> wanted(places.begin(), places.end());
  pipeline::StreamScope scope;
  connectors::StreamRanges ranges;
  for (const auto& place : wanted) {
    const auto known = covered->find(place.partition);
    if (known == covered->end()) {
      continue;
    }
    auto [partition, fresh] = scope.partitions.insert(*known);
    partition->second.start = 0;
    partition->second.end = std::numeric_limits<std::int64_t>::max();
    auto& of_partition = ranges[place.partition];
    if (of_partition.empty() || of_partition.back().end <= place.position.offset) {
      of_partition.push_back({.first = place.position.offset, .end = place.position.offset + 1});
    }
  }
  return read(config, std::move(scope), std::move(ranges),
              [&](const pipeline::TopicPartition& partition, const pipeline::MessageView& message) {
                const MessagePlace place{.partition = partition, .position = message.position};
                if (wanted.contains(place)) {
                  each(place, message);
                }
              });
}

Result<void> read_what_is_ahead(
    const config::Config& config,
    const std::function<void(const MessagePlace&, std::int64_t watermark, const pipeline::MessageView&)>& each) {
  auto covered = connectors::covered_by(config.sqlite.path);
  if (!covered) {
    return tl::unexpected{covered.error()};
  }
  const auto source = open_stream(config);
  if (!source) {
    return tl::unexpected{source.error()};
  }
  const auto ends = (*source)->ends();
  if (!ends) {
    return tl::unexpected{ends.error()};
  }
  pipeline::StreamScope scope;
  connectors::StreamRanges ranges;
  std::map<pipeline::TopicPartition, std::int64_t> watermarks;
  for (const auto& [partition, end] : *ends) {
    const auto known = covered->find(partition);
    const auto watermark = known == covered->end() ? 0 : known->second.end;
    if (watermark < end) {
      scope.partitions[partition] = {
          .start = 0, .end = end, .identity = known == covered->end() ? std::string{} : known->second.identity};
      ranges[partition] = {{.first = watermark, .end = end}};
      watermarks[partition] = watermark;
    }
  }
  (*source)->close();
  return read(config, std::move(scope), std::move(ranges),
              [&](const pipeline::TopicPartition& partition, const pipeline::MessageView& message) {
                each({.partition = partition, .position = message.position}, watermarks.at(partition), message);
              });
}

}  // namespace alluvium::app
