// SPDX-License-Identifier: Apache-2.0
// Near dedupe in the store: which of the memories that say the same stays, where the others go, and what is linked.
// Both are functions of the agent's memories, and of what a model has said of them (pipeline/neighbourhood.hpp), in
// whatever order they are stored.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/sqlite_adjudication.hpp"
#include "connectors/sqlite_batch_rows.hpp"
#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_memories.hpp"
#include "connectors/sqlite_near_links.hpp"
#include "connectors/sqlite_near_members.hpp"
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
  NearDedupe(Database& database, BatchRows& batches, const AdjudicationOptions& adjudication);

  MemoryCount insert(const NewMemory& arrival);
  /// What follows from what a model has said of this agent's memories; it is in its table already.
  MemoryCount decide(const std::string& agent_id, std::span<const VerdictRows::Decided> decided);

 private:
  using Member = NearMember;
  /// A memory that was merged into one that goes, written like none of the circle's members.
  struct Stray {
    std::int64_t row = 0;
    std::size_t behind = 0;  ///< The member that it follows.
  };

  void load(const std::string& agent_id);
  void adopt();
  void adopt_exact(const NewMemory& arrival, const pipeline::Sketch& sketch);
  void apply(const NewMemory* arrival, std::vector<Member>& members, const std::vector<pipeline::Fate>& fates);
  void demote(Member& member, std::size_t index, const std::vector<Member>& members);
  std::int64_t keep(const NewMemory* arrival, const Member& member);
  void retarget(const std::vector<Member>& before, const std::vector<Member>& after);
  void rename_keys(const std::vector<Member>& before, const std::vector<Member>& after);
  MemoryCount counts(std::int64_t own_batch);

  Database& database_;
  BatchRows& batches_;
  NeighbourTable neighbours_;
  Adjudication adjudication_;
  NearMembers members_;
  NearLinks links_;
  Statement insert_, insert_duplicate_, demote_, promote_, erase_memory_, erase_duplicate_, retarget_;
  Statement merged_text_, history_, at_, followers_, follow_;
  // Of the insertion or decision under way.
  std::string agent_id_;
  bool judged_ = false;  ///< Something was said, or asked, of this agent's memories.
  NearLinks::Change change_;
  std::vector<Stray> strays_;
  std::map<std::int64_t, std::int64_t> moved_;  ///< By batch: how many memories more.
};

}  // namespace alluvium::connectors
