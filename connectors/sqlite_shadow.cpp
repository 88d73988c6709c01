// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_shadow.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "connectors/sqlite_schema.hpp"
#include "connectors/sqlite_shadow_rows.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::Result;

bool is_there(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Database open_live(const std::string& live, Database::Mode mode) {
  if (!is_there(live)) {
    throw SqliteFailure{Errc::invalid_config, live + ": there is no store here; `alluvium run` makes one"};
  }
  Database database{live, mode, shadow_busy_timeout};
  check_schema(database, live);
  return database;
}

/// The live store with its shadow, and the shadow's plan.
struct Opened {
  Opened(const std::string& live, Database::Mode mode) : database{open_live(live, mode)} {
    attach_shadow(database, live);
    auto found = read_plan(database);
    if (!found) {
      throw SqliteFailure{Errc::unsafe_to_go_on, shadow_path(live) + ": its making was cut short; make it again"};
    }
    plan = std::move(*found);
  }
  Database database;
  ShadowPlan plan;
};

}  // namespace

Result<std::map<pipeline::TopicPartition, pipeline::PartitionScope>> covered_by(const std::string& live) {
  return guarded([&] {
    auto database = open_live(live, Database::Mode::read_only);
    auto rows = database.prepare(
        "SELECT topic, partition, start_offset, watermark, identity FROM partitions WHERE retired = 0");
    std::map<pipeline::TopicPartition, pipeline::PartitionScope> all;
    while (rows.step()) {
      all[{std::string{rows.text(0)}, static_cast<std::int32_t>(rows.integer(1))}] = {
          .start = rows.integer(2), .end = rows.integer(3), .identity = std::string{rows.text(4)}};
    }
    return all;
  });
}

Result<std::optional<ShadowPlan>> find_shadow(const std::string& live) {
  return guarded([&]() -> std::optional<ShadowPlan> {
    if (!is_there(shadow_path(live))) {
      return std::nullopt;
    }
    auto database = open_live(live, Database::Mode::read_only);
    attach_shadow(database, live);
    return read_plan(database);
  });
}

Result<void> make_shadow(const std::string& live, const ShadowPlan& plan) {
  return guarded([&] {
    remove_shadow_files(live);
    const auto path = shadow_path(live);
    Database shadow{path, Database::Mode::create, shadow_busy_timeout};
    open_schema(shadow, path);
    shadow.prepare("ATTACH ?1 AS live").with(live).run();
    Transaction transaction{shadow, Transaction::Kind::write};
    shadow.execute(
        "DROP TABLE main.answers; DROP TABLE main.budgets; DROP TABLE main.spend; DROP TABLE main.calibrations;"
        "CREATE TABLE main.rebuild(id TEXT NOT NULL, config TEXT NOT NULL, agents TEXT NOT NULL,"
        " from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL);"
        "CREATE TABLE main.rebuild_partitions(topic TEXT NOT NULL, partition INTEGER NOT NULL,"
        " live_id INTEGER NOT NULL, begun_ms INTEGER NOT NULL, identity TEXT NOT NULL,"
        " start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL);"
        // A model is not asked again what it has said of a text.
        "INSERT INTO main.verdicts SELECT * FROM live.verdicts WHERE verdict <> 'asked'");
    pipeline::JsonText agents;
    agents.array();
    for (const auto& agent : plan.scope.agents) {
      agents.value(agent);
    }
    const auto list = agents.end().text();
    shadow.prepare("INSERT INTO main.rebuild VALUES(?1, ?2, ?3, ?4, ?5)")
        .with(plan.id, plan.config, list, plan.scope.from_ms, plan.scope.to_ms)
        .run();
    auto add = shadow.prepare(
        "INSERT INTO main.rebuild_partitions SELECT topic, partition, id, begun_ms, ?3, start_offset, ?4"
        " FROM live.partitions WHERE topic = ?1 AND partition = ?2 AND retired = 0");
    for (const auto& [partition, scope] : plan.scope.partitions) {
      add.with(partition.topic, partition.partition, scope.identity, scope.end).run();
    }
    transaction.commit();
  });
}

Result<ShadowState> state_of_shadow(const std::string& live) {
  return guarded([&] {
    Opened opened{live, Database::Mode::read_only};
    const Transaction snapshot{opened.database, Transaction::Kind::read};
    return read_state(opened.database, opened.plan);
  });
}

Result<std::vector<bool>> are_answered(const std::string& live, const std::vector<std::string>& hashes) {
  return guarded([&] {
    auto database = open_live(live, Database::Mode::read_only);
    auto find = database.prepare("SELECT 1 FROM answers WHERE hash = ?1");
    std::vector<bool> found;
    for (const auto& hash : hashes) {
      found.push_back(find.with(hash).step());
    }
    return found;
  });
}

Result<std::int64_t> open_requests_of_shadow(const std::string& live) {
  return guarded([&] {
    Database shadow{shadow_path(live), Database::Mode::read_only, shadow_busy_timeout};
    return shadow.integer("SELECT count(*) FROM requests WHERE state NOT IN ('degraded', 'parked')");
  });
}

Result<void> revive_shadow(const std::string& live) {
  return guarded([&] {
    Database shadow{shadow_path(live), Database::Mode::read_write, shadow_busy_timeout};
    shadow.execute("UPDATE requests SET due_ms = 0 WHERE state IN ('degraded', 'parked', 'gathering')");
  });
}

Result<void> drop_shadow(const std::string& live) {
  return guarded([&] {
    {
      Opened opened{live, Database::Mode::read_write};
      auto& database = opened.database;
      Transaction transaction{database, Transaction::Kind::write};
      const auto state = read_state(database, opened.plan);
      if (state.same_store && !state.swapped) {
        // A drop that was cut short before the file was gone has done this already.
        database.execute(
            "INSERT INTO main.calls(batch, agent_id, org_id, tier, mode, endpoint, model, month, hash, messages,"
            " outcome, prompt_tokens, completion_tokens, cached_tokens, cost, memories, faults, error, started_ms,"
            " ended_ms) SELECT 0, agent_id, org_id, tier, mode, endpoint, model, month, hash, messages, outcome,"
            " prompt_tokens, completion_tokens, cached_tokens, cost, 0, faults, error, started_ms, ended_ms"
            " FROM shadow.calls s WHERE NOT EXISTS (SELECT 1 FROM main.calls c WHERE c.hash = s.hash AND"
            " c.agent_id = s.agent_id AND c.started_ms = s.started_ms AND c.ended_ms = s.ended_ms)");
        transaction.commit();
      }
    }
    remove_shadow_files(live);
  });
}

Result<void> compare_with_shadow(const std::string& live, bool rules_only,
                                 const std::function<void(const AgentDifference&)>& each) {
  return guarded([&] {
    Opened opened{live, Database::Mode::read_only};
    const Transaction snapshot{opened.database, Transaction::Kind::read};
    ShadowScope scope{opened.database, opened.plan};
    for (auto& agent : scope.agents()) {
      AgentDifference difference{.agent_id = std::move(agent), .before = {}, .after = {}, .rows = {}};
      for (auto& one : scope.live_memories(difference.agent_id)) {
        if (rules_only && one.memory.method != "rules") {
          ++difference.not_compared;
        } else {
          difference.before.push_back(std::move(one.memory));
        }
      }
      difference.after = scope.shadow_memories(difference.agent_id);
      difference.rows = pipeline::difference(difference.before, difference.after);
      if (!difference.rows.empty() || difference.not_compared > 0) {
        each(difference);
      }
    }
  });
}

}  // namespace alluvium::connectors
