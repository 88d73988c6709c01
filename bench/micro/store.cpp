// SPDX-License-Identifier: Apache-2.0
// store: commits of 1,024 full batches with a memory each to a SQLite file, as large as the engine makes them.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/micro/chat.hpp"
#include "bench/micro/measurement.hpp"
#include "bench/micro/suites.hpp"
#include "connectors/sqlite_store.hpp"

namespace alluvium::bench {
namespace {

constexpr std::size_t messages = commit_batches * batch_messages;
constexpr std::int64_t now_ms = 1'767'225'600'000;

/// What the store finds when it looks for an agent's earlier memories.
enum class Memories {
  fresh,     ///< Nothing: each is new.
  repeated,  ///< The same: none is stored.
  near,      ///< Each is new, and near duplicates are looked for as well.
};

/// A file that goes with the object, in a folder of its own.
class ScratchFile {
 public:
  ScratchFile() {
    auto name = (std::filesystem::temp_directory_path() / "alluvium-micro-XXXXXX").string();
    const auto* made = ::mkdtemp(name.data());
    demand(made != nullptr, "store: no folder for the file can be made");
    folder_ = made;
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ScratchFile(ScratchFile&&) = delete;
  ScratchFile& operator=(ScratchFile&&) = delete;
  ~ScratchFile() {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  [[nodiscard]] std::string path() const {
    return (folder_ / "alluvium.db").string();
  }

 private:
  std::filesystem::path folder_;
};

/// The chat once more, further on in the partition.
pipeline::ExtractedBatch batch_at(const pipeline::Batch& chat, std::int64_t round, Memories memories) {
  pipeline::ExtractedBatch done;
  done.batch = pipeline::Batch{chat.agent_id()};
  for (std::size_t i = 0; i < chat.size(); ++i) {
    auto message = chat[i];
    message.position.offset += round * static_cast<std::int64_t>(messages);
    const auto id = "m-" + std::to_string(message.position.offset);
    message.id = id;
    done.batch.append(message);
  }
  const bool repeats = memories == Memories::repeated;
  const auto source = repeats ? 0 : static_cast<std::uint32_t>(round) % static_cast<std::uint32_t>(batch_messages);
  pipeline::Memory memory;
  memory.content = std::string{chat.content(source)} + " Number " + std::to_string(repeats ? 0 : round);
  memory.rule_id = "account-issues";
  memory.sources = {source};
  memory.id = pipeline::memory_id(done.batch, memory);
  done.outcomes.assign(chat.size(), pipeline::Outcome::empty);
  done.outcomes[memory.sources.front()] = pipeline::Outcome::extracted;
  done.memories.push_back(std::move(memory));
  done.id = pipeline::batch_id(done.batch, topic, 0);
  done.started_ms = done.ended_ms = now_ms;
  return done;
}

class Committing {
 public:
  explicit Committing(Memories memories)
      : memories_{memories},
        store_{connectors::open_sqlite_store({.path = file_.path(), .near_dedupe = memories == Memories::near},
                                             [] { return now_ms; })
                   .value()},
        claim_{store_->claim({.partition = {topic, 0}, .identity = "micro", .range = {0, std::int64_t{1} << 40}})
                   .value()} {}

  /// The next part of the stream.
  [[nodiscard]] std::vector<pipeline::PartitionCommit> prepare() {
    std::vector<pipeline::PartitionCommit> commits(1);
    auto& commit = commits.front();
    commit.partition = {topic, 0};
    commit.token = claim_.token;
    commit.seq = claim_.seq + round_;
    for (const auto& chat : chat_batches()) {
      commit.batches.push_back(batch_at(chat, round_, memories_));
    }
    commit.watermark = ++round_ * static_cast<std::int64_t>(messages);
    return commits;
  }
  /// Returns how many memories were stored.
  std::int64_t commit(const std::vector<pipeline::PartitionCommit>& commits) {
    const auto result = store_->commit(commits).value();
    demand(result.fenced.empty() && result.memories + result.duplicates == std::int64_t{commit_batches},
           "store: a commit was not written");
    return result.memories;
  }

 private:
  Memories memories_;
  std::int64_t round_ = 0;
  ScratchFile file_;
  std::unique_ptr<pipeline::Store> store_;
  pipeline::Claim claim_;
};

void commit(benchmark::State& state, Memories memories) {
  Committing committing{memories};
  // Not timed: the first one makes what the repeated ones repeat.
  committing.commit(committing.prepare());
  std::int64_t stored = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto commits = committing.prepare();
    state.ResumeTiming();
    stored += committing.commit(commits);
    state.PauseTiming();
    commits.clear();
    state.ResumeTiming();
  }
  const auto expected =
      memories == Memories::repeated ? 0 : state.iterations() * static_cast<std::int64_t>(commit_batches);
  demand(stored == expected, "store: not as many memories as expected");
  count_messages(state, messages);
  state.counters["memories_per_message"] =
      static_cast<double>(stored) / static_cast<double>(state.iterations() * std::int64_t{messages});
}

}  // namespace

void add_store() {
  benchmark::RegisterBenchmark("store/commit", commit, Memories::fresh);
  benchmark::RegisterBenchmark("store/commit_repeated", commit, Memories::repeated);
  benchmark::RegisterBenchmark("store/commit_near", commit, Memories::near);
}

}  // namespace alluvium::bench
