// SPDX-License-Identifier: Apache-2.0
// A store in memory, with the ledger's protocol and failures on demand.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "pipeline/dedupe.hpp"
#include "pipeline/offset_ledger.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::tests {

/// What a store must remember, so that a test can compare it with what went in. Locked: engines on
/// several threads may share it, as they would share a file.
class FakeStore final : public pipeline::Store {
 public:
  struct Done {
    pipeline::Position position;
    std::string agent_id;
    std::string content;  ///< Empty for a dead letter.
  };
  struct Partition {
    std::int64_t claims = 0;
    std::string token;
    std::int64_t seq = 0;
    std::int64_t watermark = 0;
    std::vector<Done> done;  ///< In order of commit.
    std::vector<pipeline::Gap> gaps;
  };

  /// The next `count` commits answer `unavailable`; every second of them has reached the disk.
  void fail_commits(int count) {
    const std::lock_guard lock{mutex_};
    failing_ = count;
  }
  void fail_claims(int count) {
    const std::lock_guard lock{mutex_};
    failing_claims_ = count;
  }
  /// As another engine would.
  void steal(const pipeline::TopicPartition& name) {
    const std::lock_guard lock{mutex_};
    partitions_[name].token = "thief";
  }

  pipeline::Result<pipeline::Claim> claim(const pipeline::ClaimRequest& request) override {
    const std::lock_guard lock{mutex_};
    if (failing_claims_ > 0) {
      --failing_claims_;
      return pipeline::fail(pipeline::Errc::unavailable, "locked");
    }
    const auto [found, fresh] = partitions_.try_emplace(request.partition);
    auto& here = found->second;
    if (fresh) {
      here.watermark = request.range.first;
    }
    here.token = "token-" + std::to_string(++here.claims);
    ++here.seq;
    pipeline::Claim claim{here.token, here.seq, here.watermark, {}, 0};
    for (const auto& done : here.done) {
      if (done.position.offset >= here.watermark) {
        claim.done.push_back(done.position);
      }
    }
    std::sort(claim.done.begin(), claim.done.end());
    return claim;
  }

  /// Called before each commit, on the writer's thread: a store that hangs.
  std::function<void()> before_commit;

  pipeline::Result<pipeline::CommitResult> commit(std::span<const pipeline::PartitionCommit> commits) override {
    if (before_commit) {
      before_commit();
    }
    const std::lock_guard lock{mutex_};
    ++commits_tried;
    std::size_t batches = 0;
    for (const auto& commit : commits) {
      batches += commit.batches.size();
    }
    batches_at_once = std::max(batches_at_once, batches);
    if (failing_ > 0 && failing_-- % 2 == 1) {
      return pipeline::fail(pipeline::Errc::unavailable, "locked");
    }
    const bool then_fail = failing_ > 0 && failing_-- % 2 == 0;
    pipeline::CommitResult result;
    bool applied = false;
    for (std::size_t i = 0; i < commits.size(); ++i) {
      const auto& here = partitions_[commits[i].partition];
      if (here.token == commits[i].token && here.seq == commits[i].seq + 1) {
        applied = true;
      } else if (here.token != commits[i].token || here.seq != commits[i].seq) {
        result.fenced.push_back(i);
      }
    }
    if (applied || !result.fenced.empty()) {
      return result;
    }
    for (const auto& commit : commits) {
      apply(commit, result);
    }
    if (then_fail) {
      return pipeline::fail(pipeline::Errc::unavailable, "connection lost in COMMIT");
    }
    return result;
  }

  pipeline::Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> watermarks() override {
    const std::lock_guard lock{mutex_};
    std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> marks;
    for (const auto& [name, here] : partitions_) {
      marks.emplace_back(name, here.watermark);
    }
    return marks;
  }

  [[nodiscard]] Partition partition(const pipeline::TopicPartition& name) {
    const std::lock_guard lock{mutex_};
    return partitions_[name];
  }
  [[nodiscard]] std::set<std::string> memory_ids() {
    const std::lock_guard lock{mutex_};
    return memory_ids_;
  }
  [[nodiscard]] std::set<std::string> batch_ids() {
    const std::lock_guard lock{mutex_};
    return batch_ids_;
  }

  int commits_tried = 0;
  std::size_t batches_at_once = 0;  ///< At most.

 private:
  void apply(const pipeline::PartitionCommit& commit, pipeline::CommitResult& result) {
    auto& here = partitions_[commit.partition];
    ++here.seq;
    here.watermark = commit.watermark;
    here.gaps.insert(here.gaps.end(), commit.gaps.begin(), commit.gaps.end());
    for (const auto& batch : commit.batches) {
      batch_ids_.insert(batch.id);
      for (std::size_t i = 0; i < batch.batch.size(); ++i) {
        here.done.push_back({batch.batch[i].position, batch.batch.agent_id(), std::string{batch.batch[i].content}});
      }
      for (const auto& memory : batch.memories) {
        if (keys_.emplace(batch.batch.agent_id(), pipeline::dedupe_key(memory.content)).second) {
          memory_ids_.insert(memory.id);
          ++result.memories;
        } else {
          ++result.duplicates;
        }
      }
    }
    for (const auto& letter : commit.dead_letters) {
      here.done.push_back({letter.position, "", ""});
    }
  }

  std::mutex mutex_;
  std::map<pipeline::TopicPartition, Partition> partitions_;
  std::set<std::pair<std::string, std::string>> keys_;
  std::set<std::string> memory_ids_;
  std::set<std::string> batch_ids_;
  int failing_ = 0;
  int failing_claims_ = 0;
};

}  // namespace alluvium::tests
