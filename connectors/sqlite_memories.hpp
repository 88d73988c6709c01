// SPDX-License-Identifier: Apache-2.0
// The table of memories: one per agent and dedupe key, however the transactions fall.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/sqlite_database.hpp"
#include "pipeline/dedupe.hpp"
#include "pipeline/memory.hpp"

namespace alluvium::connectors {

class MemoryTable {
 public:
  using Hash = std::uint64_t (*)(std::string_view key);

  /// Places tried for a key whose hash is taken by another key. With 64 bits even the second is rare.
  static constexpr int probes_max = 64;

  /// `hash` is an argument so that a test can make keys collide.
  explicit MemoryTable(Database& database, Hash hash = pipeline::dedupe_hash);

  /// What a model's memory has beside those of rules.
  struct Origin {
    std::int64_t request = 0;  ///< Its number, also when it is gone from the store.
    std::string_view model = {};
    std::string_view connections = "[]";  ///< JSON.
  };
  /// False if the agent has the same memory already. Inside the caller's transaction. The positions in `batch` count.
  bool insert(const pipeline::Memory& memory, const pipeline::Batch& batch, std::int64_t batch_row, std::int64_t now_ms,
              const Origin& origin);

 private:
  bool taken_by_same(const std::string& agent_id, std::int64_t hash, std::string_view key);

  Database& database_;
  Hash hash_;
  Statement insert_, content_at_;
  std::string keywords_, sources_;  ///< JSON; kept for their memory.
};

}  // namespace alluvium::connectors
