// SPDX-License-Identifier: Apache-2.0
// A live store with its shadow attached: what of the live store is in the shadow's scope.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_shadow.hpp"

namespace alluvium::connectors {

/// Seconds, for a person waits: engines hold the lock for some milliseconds at a time.
inline constexpr std::chrono::milliseconds shadow_busy_timeout{30'000};

/// "shadow" in SQL. `live`: the path of the store; its shadow must be there.
void attach_shadow(Database& database, const std::string& live);
/// Of the attached shadow. Nothing if it has none.
[[nodiscard]] std::optional<ShadowPlan> read_plan(Database& live);
[[nodiscard]] ShadowState read_state(Database& live, const ShadowPlan& plan);
void remove_shadow_files(const std::string& live);
/// The word in `partitions.claim_token` of a ledger that came out of this shadow.
[[nodiscard]] std::string origin_word(const ShadowPlan& plan);

/// One memory in the live store.
struct LiveMemory {
  std::int64_t row = 0, batch = 0;
  pipeline::ComparedMemory memory;
};

/// Which messages are in scope: those that stand in the shadow, of the agents that it is for. Holds their offsets.
class ShadowScope {
 public:
  ShadowScope(Database& live, const ShadowPlan& plan);

  /// A message of an agent in scope. `partition_id`: a row of the live `partitions`, also one that a rebuild brought.
  [[nodiscard]] bool has(std::int64_t partition_id, std::int64_t offset) const;
  /// Agents with memories on either side, sorted.
  [[nodiscard]] std::vector<std::string> agents();
  /// Those that rest, with their first message, on one in scope; in the order of their storing.
  [[nodiscard]] std::vector<LiveMemory> live_memories(const std::string& agent_id);
  [[nodiscard]] std::vector<pipeline::ComparedMemory> shadow_memories(const std::string& agent_id);

 private:
  Database& database_;
  const ShadowPlan& plan_;
  std::map<std::int64_t, pipeline::OffsetSet> offsets_;  ///< By the live ledger's row.
  std::map<std::int64_t, std::int64_t> ledgers_;         ///< Of each row of `partitions`: whose messages it is about.
  Statement live_, shadow_;
};

}  // namespace alluvium::connectors
