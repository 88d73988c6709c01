// SPDX-License-Identifier: Apache-2.0
#include "connectors/stream_store.hpp"

#include <map>
#include <unordered_set>
#include <utility>

#include <xxhash.h>

#include "pipeline/dedupe.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::connectors {
namespace {

class StreamStore final : public pipeline::Store {
 public:
  StreamStore(std::function<bool(const MemoryRow&)> memory, std::function<void(const DeadLetterRow&)> dead_letter,
              pipeline::WallClock clock)
      : memory_{std::move(memory)}, dead_letter_{std::move(dead_letter)}, clock_{clock} {}

  pipeline::Result<pipeline::Claim> claim(const pipeline::ClaimRequest& request) override {
    watermarks_[request.partition] = request.range.first;
    return pipeline::Claim{"stream", 0, request.range.first, {}, 0};
  }

  pipeline::Result<pipeline::CommitResult> commit(std::span<const pipeline::PartitionCommit> commits) override {
    pipeline::CommitResult result;
    for (const auto& commit : commits) {
      watermarks_[commit.partition] = commit.watermark;
      for (const auto& letter : commit.dead_letters) {
        dead_letter_({0, commit.partition.topic, commit.partition.partition, clock_(), letter});
      }
      for (const auto& batch : commit.batches) {
        for (const auto& memory : batch.memories) {
          if (!is_new(batch.batch.agent_id(), memory)) {
            ++result.duplicates;
            continue;
          }
          ++result.memories;
          if (!memory_(row(batch, memory))) {
            return pipeline::fail(pipeline::Errc::unsafe_to_go_on, "the output can't be written");
          }
        }
      }
    }
    return result;
  }

  pipeline::Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> watermarks() override {
    return std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>{watermarks_.begin(), watermarks_.end()};
  }

 private:
  struct Hash {
    std::size_t operator()(const std::pair<std::uint64_t, std::uint64_t>& key) const {
      return key.first;
    }
  };

  bool is_new(const std::string& agent_id, const pipeline::Memory& memory) {
    const auto key = std::to_string(agent_id.size()) + ':' + agent_id + pipeline::dedupe_key(memory.content);
    const auto hash = XXH3_128bits(key.data(), key.size());
    return seen_.emplace(hash.low64, hash.high64).second;
  }

  [[nodiscard]] MemoryRow row(const pipeline::ExtractedBatch& batch, const pipeline::Memory& memory) const {
    const auto first = batch.batch[memory.sources.front()];
    MemoryRow row;
    row.id = memory.id;
    row.agent_id = batch.batch.agent_id();
    row.session_id = first.session_id;
    row.user_id = first.user_id;
    row.content = memory.content;
    row.type = name(memory.type);
    row.method = name(memory.method);
    row.rule_id = memory.rule_id;
    row.batch_id = batch.id;
    row.created_at = pipeline::iso8601(clock_());
    row.importance = memory.importance;
    row.keywords = memory.keywords;
    for (const auto source : memory.sources) {
      row.source_message_ids.emplace_back(batch.batch[source].id);
    }
    return row;
  }

  std::function<bool(const MemoryRow&)> memory_;
  std::function<void(const DeadLetterRow&)> dead_letter_;
  pipeline::WallClock clock_;
  std::map<pipeline::TopicPartition, std::int64_t> watermarks_;
  std::unordered_set<std::pair<std::uint64_t, std::uint64_t>, Hash> seen_;
};

}  // namespace

std::unique_ptr<pipeline::Store> make_stream_store(std::function<bool(const MemoryRow&)> memory,
                                                   std::function<void(const DeadLetterRow&)> dead_letter,
                                                   pipeline::WallClock clock) {
  return std::make_unique<StreamStore>(std::move(memory), std::move(dead_letter), clock);
}

}  // namespace alluvium::connectors
