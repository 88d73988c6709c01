// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_swap_duplicates.hpp"

#include "pipeline/dedupe.hpp"

namespace alluvium::connectors {

Columns columns_of(Database& database, std::string_view table, std::string_view alias, const Renaming& instead) {
  Columns columns;
  auto rows = database.prepare("SELECT name FROM pragma_table_info(?1)");
  rows.with(table);
  while (rows.step()) {
    const auto name = std::string{rows.text(0)};
    const auto found = instead.find(name);
    if (found != instead.end() && found->second.empty()) {
      continue;
    }
    columns.into += (columns.into.empty() ? "" : ", ") + name;
    columns.from += (columns.from.empty() ? "" : ", ") +
                    (found == instead.end() ? std::string{alias}.append(".").append(name) : found->second);
  }
  return columns;
}

SwappedDuplicates::SwappedDuplicates(Database& live, const ShadowScope& scope) : database_{live}, scope_{scope} {}

void SwappedDuplicates::leave(const std::string& agent_id, const std::vector<LiveMemory>& going) {
  database_.prepare("DELETE FROM main.near_keys WHERE agent_id = ?1").with(agent_id).run();
  database_.prepare("DELETE FROM main.near_blocks WHERE agent_id = ?1").with(agent_id).run();
  std::map<std::int64_t, std::string_view> gone;
  for (const auto& one : going) {
    gone.emplace(one.row, one.memory.id);
  }
  std::vector<std::int64_t> in_scope;
  auto rows = database_.prepare(
      "SELECT d.id, d.kept, d.first_offset, b.partition_id FROM main.duplicates d JOIN main.batches b ON b.id = d.batch"
      " WHERE d.agent_id = ?1");
  rows.with(agent_id);
  while (rows.step()) {
    if (scope_.has(rows.integer(3), rows.integer(2))) {
      in_scope.push_back(rows.integer(0));
    } else if (const auto kept = gone.find(rows.integer(1)); kept != gone.end()) {
      orphans_.push_back({.row = rows.integer(0), .agent_id = agent_id, .memory_id = std::string{kept->second}});
    }
  }
  rows.reset();
  auto erase = database_.prepare("DELETE FROM main.duplicates WHERE id = ?1");
  for (const auto row : in_scope) {
    erase.with(row).run();
  }
}

std::int64_t SwappedDuplicates::settle() {
  const auto columns = columns_of(database_, "duplicates", "d", {{"id", ""}, {"kept", ""}, {"why", ""}, {"form", ""}});
  auto again = database_.prepare("SELECT id FROM main.memories WHERE agent_id = ?1 AND memory_id = ?2");
  auto content = database_.prepare("SELECT content, batch FROM main.duplicates WHERE id = ?1");
  auto same = database_.prepare("SELECT id FROM main.memories WHERE agent_id = ?1 AND dedupe_hash = ?2");
  auto retarget = database_.prepare("UPDATE main.duplicates SET kept = ?2 WHERE id = ?1");
  auto promote = database_.prepare("INSERT INTO main.memories(" + columns.into + ", dedupe_hash) SELECT " +
                                   columns.from + ", ?2 FROM main.duplicates d WHERE d.id = ?1");
  auto erase = database_.prepare("DELETE FROM main.duplicates WHERE id = ?1");
  auto count = database_.prepare("UPDATE main.batches SET memories = memories + 1 WHERE id = ?1");
  std::int64_t promoted = 0;
  for (const auto& orphan : orphans_) {
    content.with(orphan.row);
    static_cast<void>(content.step());
    const auto hash = static_cast<std::int64_t>(pipeline::dedupe_hash(pipeline::dedupe_key(content.text(0))));
    const auto batch = content.integer(1);
    content.reset();
    again.with(orphan.agent_id, orphan.memory_id);
    auto kept = again.step() ? again.integer(0) : 0;
    again.reset();
    if (kept == 0) {
      kept = same.with(orphan.agent_id, hash).step() ? same.integer(0) : 0;
      same.reset();
    }
    if (kept != 0) {
      retarget.with(orphan.row, kept).run();
      continue;
    }
    promote.with(orphan.row, hash).run();
    erase.with(orphan.row).run();
    count.with(batch).run();
    ++promoted;
  }
  return promoted;
}

void SwappedDuplicates::copy(std::int64_t batches_before, std::int64_t requests_before, const std::string& condition) {
  const std::string kept =
      "(SELECT m.id FROM shadow.memories k JOIN main.memories m ON m.agent_id = k.agent_id AND m.memory_id ="
      " k.memory_id WHERE k.id = s.kept)";
  const auto columns = columns_of(database_, "duplicates", "s",
                                  {{"id", ""},
                                   {"batch", "s.batch + ?1"},
                                   {"request", "CASE s.request WHEN 0 THEN 0 ELSE s.request + ?2 END"},
                                   {"kept", kept}});
  database_
      .prepare("INSERT INTO main.duplicates(" + columns.into + ") SELECT " + columns.from +
               " FROM shadow.duplicates s WHERE " + condition + " AND " + kept +
               " IS NOT NULL ORDER BY s.id"
               " ON CONFLICT(agent_id, memory_id) DO NOTHING")
      .with(batches_before, requests_before)
      .run();
}

}  // namespace alluvium::connectors
