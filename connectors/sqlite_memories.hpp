// SPDX-License-Identifier: Apache-2.0
// The table of memories: one per agent and dedupe key, the same one however the transactions fall.
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
  enum class Kept : std::uint8_t {
    stored,
    duplicate,  ///< The agent has the same memory already.
    replaced,   ///< The same; but this one goes before it, so its row says where this one comes from now.
  };
  /// Inside the caller's transaction. Of two that are the same, the one stays that comes first: of a rule before a
  /// model's, then by the place of the first message it rests on. So the order in which models answer leaves no trace.
  Kept insert(const pipeline::Memory& memory, const pipeline::Batch& batch, std::int64_t batch_row, std::int64_t now_ms,
              const Origin& origin);

 private:
  /// What is there under a hash.
  struct Present {
    std::int64_t row = 0, batch = 0;
    bool same = false, goes_after = false;
  };
  Present present(const std::string& agent_id, std::int64_t hash, std::string_view key, const pipeline::Memory& memory,
                  const pipeline::Position& first);

  Database& database_;
  Hash hash_;
  Statement insert_, present_, remove_, uncount_;
  std::string keywords_, sources_;  ///< JSON; kept for their memory.
};

}  // namespace alluvium::connectors
