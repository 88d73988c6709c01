// SPDX-License-Identifier: Apache-2.0
// Near dedupe in the store: which of the memories that say the same stays, where the others go, and what is linked.
// Both are functions of the agent's memories alone (pipeline/neighbourhood.hpp), in whatever order they are stored.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_memories.hpp"
#include "connectors/sqlite_neighbours.hpp"
#include "pipeline/neighbourhood.hpp"
#include "pipeline/sameness.hpp"

namespace alluvium::connectors {

/// A memory on its way into a table.
struct NewMemory {
  const pipeline::Memory& memory;
  const pipeline::Batch& batch;
  const MemoryOrigin& origin;
  std::string_view keywords, sources;  ///< JSON lists.

  /// The values that `memories` and `duplicates` share, in the order of their statements, then `more`.
  template <class... More>
  Statement& bind(Statement& statement, const More&... more) const {
    const auto first = batch[memory.sources.front()];
    return statement.with(memory.id, batch.agent_id(), origin.batch_row, first.session_id, first.user_id,
                          memory.content, pipeline::name(memory.type), memory.importance, keywords,
                          pipeline::name(memory.method), memory.rule_id, sources, origin.now_ms, memory.prompt_id,
                          origin.model, origin.connections, origin.first.offset, origin.first.index, origin.request,
                          more...);
  }
};

/// All its calls belong inside the caller's write transaction.
class NearDedupe {
 public:
  explicit NearDedupe(Database& database);

  MemoryCount insert(const NewMemory& arrival);

 private:
  /// One way of writing something: the lowest of the memories that are written so. Number: row in `memories`, or minus
  /// the row in `duplicates`; 0: it is the arrival.
  struct Member {
    std::int64_t number = 0;
    std::int64_t kept = 0;  ///< Row in `memories` of what it was merged into, or its own; 0: it is the arrival.
    std::int64_t batch = 0;
    std::string id, why;
    pipeline::Rank rank;
    pipeline::Sketch sketch;
  };

  void adopt(const std::string& agent_id);
  void adopt_exact(const NewMemory& arrival, const pipeline::Sketch& sketch, std::vector<Member>& members);
  std::vector<Member> members(const std::string& agent_id, std::uint64_t shape);
  Member read_member(std::int64_t number);
  void apply(const NewMemory& arrival, std::vector<Member>& members, const std::vector<pipeline::Fate>& fates);
  std::int64_t keep(const NewMemory& arrival, const Member& member);
  void retarget(const std::vector<Member>& before, const std::vector<Member>& after);
  void change_links();
  void link(const pipeline::Neighbour& neighbour);
  MemoryCount counts(std::int64_t own_batch);

  Database& database_;
  NeighbourTable neighbours_;
  Statement insert_, insert_duplicate_, demote_, promote_, erase_memory_, erase_duplicate_, retarget_;
  Statement keys_, add_key_, erase_key_, kept_, merged_, history_, at_, content_, connections_, connect_, count_batch_;
  // Of the insertion under way.
  std::vector<pipeline::Neighbour> added_, removed_;
  std::map<std::int64_t, std::int64_t> moved_;  ///< By batch: how many memories more.
};

}  // namespace alluvium::connectors
