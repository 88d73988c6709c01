// SPDX-License-Identifier: Apache-2.0
// The table of memories: one per agent and dedupe key, the same one however the transactions fall.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "connectors/sqlite_adjudication.hpp"
#include "connectors/sqlite_batch_rows.hpp"
#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_verdicts.hpp"
#include "pipeline/dedupe.hpp"
#include "pipeline/memory.hpp"

namespace alluvium::connectors {

class NearDedupe;

/// What a memory comes from.
struct MemoryOrigin {
  std::int64_t batch_row = 0;
  pipeline::Position first;     ///< Of the first message it rests on.
  std::int64_t request = 0;     ///< To a model; 0: a rule made it.
  std::string_view model = {};  ///< Empty: a rule made it.
  std::string_view connections = "[]";
  std::int64_t now_ms = 0;
};

/// What storing a memory does to the number of memories: one more, none, or (a better one came for two) one less.
struct MemoryCount {
  std::int64_t of_batch = 0;  ///< Those of the memory's own batch; for other batches it is in their rows already.
  std::int64_t of_all = 0;
  std::int64_t requests = 0;  ///< Made to ask a model about memories that are much alike.
  std::int64_t unasked = 0;   ///< Such requests for which there was no room.
  MemoryCount& operator+=(const MemoryCount& more) {
    of_batch += more.of_batch;
    of_all += more.of_all;
    requests += more.requests;
    unasked += more.unasked;
    return *this;
  }
};

/// Which memories are the same: docs/dedupe.md.
struct DedupeOptions {
  bool near = false;  ///< Also those that say the same in nearly the same words.
  AdjudicationOptions adjudication = {};
};

class MemoryTable {
 public:
  using Hash = std::uint64_t (*)(std::string_view key);

  /// Places tried for a key whose hash is taken by another key. With 64 bits even the second is rare.
  static constexpr int probes_max = 64;

  /// `batches` outlives it. `hash` is an argument so that a test can make keys collide.
  MemoryTable(Database& database, BatchRows& batches, const DedupeOptions& dedupe = {},
              Hash hash = pipeline::dedupe_hash);
  ~MemoryTable();
  MemoryTable(const MemoryTable&) = delete;
  MemoryTable& operator=(const MemoryTable&) = delete;
  MemoryTable(MemoryTable&&) = delete;
  MemoryTable& operator=(MemoryTable&&) = delete;

  /// Stores it unless the agent has the same memory already. Inside the caller's transaction. Of two that are the same,
  /// the one stays that comes first: of a rule before a model's, then by the place of the first message it rests on. So
  /// the order in which models answer leaves no trace.
  MemoryCount insert(const pipeline::Memory& memory, const pipeline::Batch& batch, const MemoryOrigin& origin);
  /// What follows from what a model has said of an agent's memories. Nothing without near dedupe.
  MemoryCount decide(const std::string& agent_id, std::span<const VerdictRows::Decided> decided);

 private:
  MemoryCount insert_exact(const pipeline::Memory& memory, const pipeline::Batch& batch, const MemoryOrigin& origin);
  /// What is there under a hash.
  struct Present {
    std::int64_t row = 0, batch = 0;
    bool same = false, goes_after = false;
  };
  Present present(const std::string& agent_id, std::int64_t hash, std::string_view key, const pipeline::Memory& memory,
                  const pipeline::Position& first);

  Database& database_;
  BatchRows& batches_;
  Hash hash_;
  Statement insert_, present_, replace_;
  std::string keywords_, sources_;  ///< JSON; kept for their memory.
  std::unique_ptr<NearDedupe> near_;
};

}  // namespace alluvium::connectors
