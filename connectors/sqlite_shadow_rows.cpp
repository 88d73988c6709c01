// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_shadow_rows.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "connectors/sqlite_message_ids.hpp"
#include "connectors/sqlite_rows.hpp"
#include "pipeline/position_codec.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;

std::vector<pipeline::Position> positions_of(std::string_view blob, std::int64_t batch) {
  auto positions = pipeline::decode_positions(blob);
  if (!positions) {
    throw SqliteFailure{positions.error().code, "batch row " + std::to_string(batch) + ": " + positions.error().detail};
  }
  return std::move(*positions);
}

/// The columns of a memory that are compared, and how they are read.
constexpr std::string_view compared_columns =
    "m.memory_id, m.content, m.type, m.extraction_method, m.rule_id, m.importance, m.keywords, m.source_message_ids";
pipeline::ComparedMemory read_compared(Statement& row) {
  return {.id = std::string{row.text(0)},
          .content = std::string{row.text(1)},
          .type = std::string{row.text(2)},
          .method = std::string{row.text(3)},
          .rule_id = std::string{row.text(4)},
          .importance = row.real(5),
          .keywords = json_list(row.text(6)),
          .sources = json_list(row.text(7))};
}

}  // namespace

std::string shadow_path(const std::string& live) {
  return live + ".rebuild";
}

void remove_shadow_files(const std::string& live) {
  for (const auto* suffix : {"-wal", "-shm", ""}) {
    std::error_code error;
    std::filesystem::remove(shadow_path(live) + suffix, error);
    if (error) {
      throw SqliteFailure{Errc::unavailable, shadow_path(live) + suffix + ": " + error.message()};
    }
  }
}

void attach_shadow(Database& database, const std::string& live) {
  const auto path = shadow_path(live);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {  // SQLite would make one.
    throw SqliteFailure{Errc::unsafe_to_go_on, live + ": there is no rebuild of this store under way"};
  }
  database.prepare("ATTACH ?1 AS shadow").with(path).run();
}

std::string origin_word(const ShadowPlan& plan) {
  return "rebuild " + plan.id;
}

std::optional<ShadowPlan> read_plan(Database& live) {
  if (live.integer("SELECT count(*) FROM shadow.sqlite_schema WHERE name = 'rebuild'") == 0) {
    return std::nullopt;
  }
  auto row = live.prepare("SELECT id, config, agents, from_ms, to_ms FROM shadow.rebuild");
  if (!row.step()) {
    return std::nullopt;
  }
  ShadowPlan plan;
  plan.id = row.text(0);
  plan.config = row.text(1);
  for (auto& agent : json_list(row.text(2))) {
    plan.scope.agents.insert(std::move(agent));
  }
  plan.scope.from_ms = row.integer(3);
  plan.scope.to_ms = row.integer(4);
  auto rows =
      live.prepare("SELECT topic, partition, identity, start_offset, end_offset FROM shadow.rebuild_partitions");
  while (rows.step()) {
    plan.scope.partitions[{std::string{rows.text(0)}, static_cast<std::int32_t>(rows.integer(1))}] = {
        .start = rows.integer(3), .end = rows.integer(4), .identity = std::string{rows.text(2)}};
  }
  return plan;
}

ShadowState read_state(Database& live, const ShadowPlan& plan) {
  ShadowState state;
  auto swapped = live.prepare("SELECT 1 FROM main.partitions WHERE retired <> 0 AND claim_token = ?1 LIMIT 1");
  const auto word = origin_word(plan);
  state.swapped = swapped.with(word).step();
  state.same_store =
      live.integer(
          "SELECT count(*) FROM shadow.rebuild_partitions r LEFT JOIN main.partitions p ON p.id = r.live_id AND"
          " p.topic = r.topic AND p.partition = r.partition AND p.retired = 0 AND p.begun_ms = r.begun_ms AND"
          " p.start_offset = r.start_offset AND p.watermark >= r.end_offset WHERE p.id IS NULL") == 0;
  state.read = live.integer(
                   "SELECT count(*) FROM shadow.rebuild_partitions r LEFT JOIN shadow.partitions p ON"
                   " p.topic = r.topic AND p.partition = r.partition AND p.retired = 0 AND p.watermark >= r.end_offset"
                   " WHERE p.id IS NULL") == 0;
  state.requests = live.integer("SELECT count(*) FROM shadow.requests");
  auto calls = live.prepare(
      "SELECT coalesce(sum(outcome <> 'cached'), 0), coalesce(sum(cost), 0), coalesce(sum(cost IS NULL AND"
      " prompt_tokens + completion_tokens > 0), 0) FROM shadow.calls");
  calls.step();
  state.calls = calls.integer(0);
  if (calls.integer(2) == 0) {
    state.cost = pipeline::Money{calls.integer(1)};
  }
  return state;
}

ShadowScope::ShadowScope(Database& live, const ShadowPlan& plan)
    : database_{live},
      plan_{plan},
      live_{live.prepare("SELECT " + std::string{compared_columns} +
                         ", m.id, m.batch, m.first_offset, b.partition_id, b.message_ids, b.positions, p.topic,"
                         " p.partition FROM main.memories m JOIN main.batches b ON b.id = m.batch"
                         " JOIN main.partitions p ON p.id = b.partition_id WHERE m.agent_id = ?1 ORDER BY m.id")},
      shadow_{live.prepare("SELECT " + std::string{compared_columns} +
                           " FROM shadow.memories m WHERE m.agent_id = ?1 ORDER BY m.id")} {
  std::map<std::int64_t, std::int64_t> live_of;
  auto pairs = live.prepare(
      "SELECT p.id, r.live_id FROM shadow.partitions p JOIN shadow.rebuild_partitions r ON r.topic = p.topic AND"
      " r.partition = p.partition WHERE p.retired = 0");
  while (pairs.step()) {
    live_of[pairs.integer(0)] = pairs.integer(1);
  }
  auto batches = live.prepare("SELECT id, partition_id, agent_id, positions FROM shadow.batches");
  while (batches.step()) {
    if (plan.scope.has_agent(batches.text(2))) {
      auto& set = offsets_[live_of.at(batches.integer(1))];
      for (const auto& position : positions_of(batches.blob(3), batches.integer(0))) {
        set.add(position.offset);
      }
    }
  }
  for (auto& [ledger, set] : offsets_) {
    set.close();
  }
  auto ledgers = live.prepare("SELECT id, CASE rebuilt WHEN 0 THEN id ELSE rebuilt END FROM main.partitions");
  while (ledgers.step()) {
    ledgers_[ledgers.integer(0)] = ledgers.integer(1);
  }
}

bool ShadowScope::has(std::int64_t partition_id, std::int64_t offset) const {
  const auto ledger = ledgers_.find(partition_id);
  const auto set = ledger == ledgers_.end() ? offsets_.end() : offsets_.find(ledger->second);
  return set != offsets_.end() && set->second.contains(offset);
}

std::vector<std::string> ShadowScope::agents() {
  if (!plan_.scope.agents.empty()) {
    return {plan_.scope.agents.begin(), plan_.scope.agents.end()};
  }
  std::vector<std::string> all;
  auto rows =
      database_.prepare("SELECT agent_id FROM main.memories UNION SELECT agent_id FROM shadow.memories ORDER BY 1");
  while (rows.step()) {
    all.emplace_back(rows.text(0));
  }
  return all;
}

std::vector<LiveMemory> ShadowScope::live_memories(const std::string& agent_id) {
  std::vector<LiveMemory> all;
  live_.with(agent_id);
  while (live_.step()) {
    LiveMemory one{.row = live_.integer(8), .batch = live_.integer(9), .memory = read_compared(live_)};
    auto offset = live_.integer(10);
    if (offset < 0 && !one.memory.sources.empty()) {  // Stored before that was written down.
      const auto positions = positions_of(live_.blob(13), one.batch);
      const auto ids = split_message_ids(
          live_.is_null(12) ? std::nullopt : std::optional{live_.text(12)},
          {.topic = std::string{live_.text(14)}, .partition = static_cast<std::int32_t>(live_.integer(15))}, positions);
      const auto found = std::ranges::find(ids, one.memory.sources.front());
      offset = found == ids.end() ? -1 : positions.at(static_cast<std::size_t>(found - ids.begin())).offset;
    }
    if (has(live_.integer(11), offset)) {
      all.push_back(std::move(one));
    }
  }
  live_.reset();
  return all;
}

std::vector<pipeline::ComparedMemory> ShadowScope::shadow_memories(const std::string& agent_id) {
  std::vector<pipeline::ComparedMemory> all;
  shadow_.with(agent_id);
  while (shadow_.step()) {
    all.push_back(read_compared(shadow_));
  }
  shadow_.reset();
  return all;
}

}  // namespace alluvium::connectors
