// SPDX-License-Identifier: Apache-2.0
// A store in a folder of its own, and short ways to say what is committed to it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_message_ids.hpp"
#include "connectors/sqlite_reader.hpp"
#include "connectors/sqlite_store.hpp"

namespace alluvium::connectors {

inline std::int64_t test_now_ms = 1'767'225'600'000;  // What test_clock() says.
inline std::int64_t test_clock() {
  return test_now_ms;
}

/// A folder that goes with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "alluvium-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ScratchFolder(ScratchFolder&&) = delete;
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

inline const pipeline::TopicPartition chat0{.topic = "chat", .partition = 0};
inline const pipeline::TopicPartition chat1{.topic = "chat", .partition = 1};

/// A batch whose messages stand at these positions; those listed in `remembered` give one memory each.
inline pipeline::ExtractedBatch batch_of(const std::string& agent, const std::vector<pipeline::Position>& positions,
                                         const std::vector<std::uint32_t>& remembered = {},
                                         const pipeline::TopicPartition& partition = chat0) {
  pipeline::ExtractedBatch extracted;
  extracted.id = "batch_" + agent;
  extracted.batch = pipeline::Batch{agent};
  for (const auto& position : positions) {
    const auto id = "m" + default_message_id(partition, position);
    extracted.batch.append({.id = id,
                            .agent_id = agent,
                            .session_id = "s-7",
                            .user_id = "u-9",
                            .org_id = "",
                            .content = "hello",
                            .role = pipeline::Role::user,
                            .timestamp_ms = 1,
                            .position = position});
    extracted.id += "_" + std::to_string(position.offset) + "." + std::to_string(position.index);
  }
  extracted.outcomes.assign(positions.size(), pipeline::Outcome::empty);
  for (const auto source : remembered) {
    pipeline::Memory memory;
    memory.content = "Note " + default_message_id(partition, positions[source]);
    memory.id = "mem_" + memory.content;
    memory.keywords = {"a", "\"b\""};
    memory.rule_id = "note";
    memory.sources = {source};
    extracted.memories.push_back(std::move(memory));
    extracted.outcomes[source] = pipeline::Outcome::extracted;
  }
  extracted.started_ms = 10;
  extracted.ended_ms = 20;
  return extracted;
}

class SqliteTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<pipeline::Store> open_store(
      std::chrono::milliseconds busy_timeout = std::chrono::milliseconds{5000}) const {
    auto store = open_sqlite_store({.path = path_, .busy_timeout = busy_timeout}, test_clock);
    EXPECT_TRUE(store.has_value()) << store.error().detail;
    return store ? std::move(*store) : nullptr;
  }

  /// A store with its tables, and nothing in them.
  void create_store() const {
    EXPECT_NE(open_store(), nullptr);
  }

  /// The first page of a table or index becomes noise. Nobody may have the file open.
  void overwrite_page_of(const std::string& name) const {
    const std::streamoff page = integer("SELECT rootpage FROM sqlite_schema WHERE name = '" + name + "'");
    const std::streamoff bytes = integer("PRAGMA page_size");
    std::fstream file{path_, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp((page - 1) * bytes);
    file << std::string(static_cast<std::size_t>(bytes), 'z');
  }

  [[nodiscard]] std::unique_ptr<SqliteReader> open_reader() const {
    auto reader = SqliteReader::open(path_);
    EXPECT_TRUE(reader.has_value()) << reader.error().detail;
    return reader ? std::move(*reader) : nullptr;
  }

  /// What verify finds wrong, over all partitions.
  [[nodiscard]] std::vector<std::string> faults() const {
    const auto reports = open_reader()->verify();
    EXPECT_TRUE(reports.has_value()) << reports.error().detail;
    std::vector<std::string> all;
    for (const auto& report : reports ? *reports : std::vector<pipeline::AuditReport>{}) {
      all.insert(all.end(), report.faults.begin(), report.faults.end());
    }
    return all;
  }

  /// Straight to the file, past the store.
  void execute(const std::string& sql) const {
    Database{path_, Database::Mode::read_write, std::chrono::milliseconds{1000}}.execute(sql.c_str());
  }
  [[nodiscard]] std::int64_t integer(const std::string& sql) const {
    return Database{path_, Database::Mode::read_write, std::chrono::milliseconds{1000}}.integer(sql);
  }

  ScratchFolder folder_;
  std::string path_ = folder_.file("alluvium.db");
};

/// Claims [0, 100) and fails the test if that is refused.
inline pipeline::Claim claim(pipeline::Store& store, const pipeline::TopicPartition& partition = chat0,
                             pipeline::OffsetRange range = {.first = 0, .end = 100}) {
  auto claimed = store.claim({.partition = partition, .identity = "id", .range = range});
  EXPECT_TRUE(claimed.has_value()) << claimed.error().detail;
  return claimed ? std::move(*claimed) : pipeline::Claim{};
}

inline pipeline::PartitionCommit commit_of(const pipeline::Claim& claim, std::int64_t watermark,
                                           std::vector<pipeline::ExtractedBatch> batches,
                                           const pipeline::TopicPartition& partition = chat0) {
  pipeline::PartitionCommit commit;
  commit.partition = partition;
  commit.token = claim.token;
  commit.seq = claim.seq;
  commit.watermark = watermark;
  commit.batches = std::move(batches);
  return commit;
}

/// Commits and fails the test unless all of it was written.
inline pipeline::CommitResult commit(pipeline::Store& store, const std::vector<pipeline::PartitionCommit>& commits) {
  auto result = store.commit(commits);
  EXPECT_TRUE(result.has_value()) << result.error().detail;
  EXPECT_TRUE(!result || result->fenced.empty());
  return result ? std::move(*result) : pipeline::CommitResult{};
}

inline pipeline::DeadLetter letter_at(std::int64_t offset, std::uint32_t index = 0, std::uint32_t count = 1) {
  pipeline::DeadLetter letter;
  letter.position = {.offset = offset, .index = index, .count = count};
  letter.key = "agent-1";
  letter.message_id = "m-" + std::to_string(offset);
  letter.reason = pipeline::DeadReason::not_json;
  letter.detail = "no JSON at byte 0";
  letter.payload = std::string{"\0\xFFoops", 6};
  letter.payload_bytes = 6;
  letter.timestamp_ms = 5;
  return letter;
}

}  // namespace alluvium::connectors
