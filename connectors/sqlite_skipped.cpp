// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_skipped.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_message_ids.hpp"
#include "connectors/sqlite_request_rows.hpp"
#include "connectors/sqlite_schema.hpp"
#include "pipeline/position_codec.hpp"
#include "pipeline/stream_scope.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Outcome;

const char skipped = outcome_letter(Outcome::skipped);
const char pending = outcome_letter(Outcome::pending);
/// In `scores`, per message: its score, and the threshold then.
constexpr std::size_t score_bytes = 2;

std::vector<pipeline::Position> positions_of(Statement& row, int column, std::int64_t batch) {
  auto positions = pipeline::decode_positions(row.blob(column));
  if (!positions) {
    throw SqliteFailure{positions.error().code, "batch row " + std::to_string(batch) + ": " + positions.error().detail};
  }
  return std::move(*positions);
}

class Skipped final : public SqliteSkipped {
 public:
  Skipped(const SqliteStoreOptions& options, pipeline::WallClock clock)
      : database_{options.path, Database::Mode::read_write, options.busy_timeout},
        schema_{database_, options.path},
        rows_{database_},
        outcomes_{database_.prepare("SELECT outcomes, partition_id FROM batches WHERE id = ?1")},
        update_{database_.prepare("UPDATE batches SET outcomes = ?2, outcome = ?3 WHERE id = ?1")},
        move_{database_.prepare("UPDATE partitions SET skipped = skipped - ?2, pending = pending + ?2, updated_ms = ?3"
                                " WHERE id = ?1")},
        tiers_{options.models.tiers},
        clock_{clock} {}

  pipeline::Result<void> batches(const std::set<std::string, std::less<>>& agents,
                                 const std::function<void(const SkippedBatch&)>& each) override {
    return guarded([&] {
      const Transaction snapshot{database_, Transaction::Kind::read};
      const auto anew = made_anew();
      auto rows = database_.prepare(
          "SELECT b.id, b.agent_id, p.topic, p.partition, b.outcomes, b.positions, b.scores, p.id,"
          " CASE p.rebuilt WHEN 0 THEN p.id ELSE p.rebuilt END FROM batches b JOIN partitions p ON p.id ="
          " b.partition_id WHERE (p.retired = 0 OR p.rebuilt IN (SELECT id FROM partitions WHERE retired = 0))"
          " AND instr(b.outcomes, 's') > 0 ORDER BY b.id");
      while (rows.step()) {
        if (!agents.empty() && !agents.contains(rows.text(1))) {
          continue;
        }
        SkippedBatch batch{.row = rows.integer(0),
                           .agent_id = std::string{rows.text(1)},
                           .partition = {std::string{rows.text(2)}, static_cast<std::int32_t>(rows.integer(3))},
                           .places = {},
                           .positions = {}};
        const auto letters = rows.text(4);
        const auto positions = positions_of(rows, 5, batch.row);
        const auto scores = rows.blob(6);
        for (std::uint32_t place = 0; place < letters.size() && place < positions.size(); ++place) {
          if (letters[place] != skipped ||
              is_made_anew(anew, rows.integer(8), rows.integer(7), batch.agent_id, positions[place].offset)) {
            continue;
          }
          batch.places.push_back(place);
          batch.positions.push_back(positions[place]);
          if (scores.size() >= (place + 1) * score_bytes) {
            batch.scores.push_back(static_cast<unsigned char>(scores[place * score_bytes]));
          }
        }
        if (!batch.places.empty()) {
          each(batch);
        }
      }
    });
  }

  pipeline::Result<std::int64_t> ask(const std::vector<SkippedRequests>& all) override {
    return in_transaction(database_, [&] {
      std::int64_t moved = 0;
      for (const auto& one : all) {
        moved += ask_about(one);
      }
      return moved;
    });
  }

 private:
  /// Offsets by the ledger that a rebuild brought, those by agent (a bundle may hold messages of others as well), those
  /// by the ledger whose messages it made anew.
  using ByAgent = std::map<std::string, std::map<std::int64_t, pipeline::OffsetSet>, std::less<>>;
  using MadeAnew = std::map<std::int64_t, ByAgent>;

  struct Schema {
    Schema(Database& database, const std::string& path) {
      open_schema(database, path);
    }
  };

  MadeAnew made_anew() {
    MadeAnew all;
    if (database_.integer("SELECT count(*) FROM partitions WHERE rebuilt <> 0") == 0) {
      return all;
    }
    auto rows = database_.prepare(
        "SELECT p.rebuilt, p.id, b.positions, b.id, b.agent_id FROM batches b CROSS JOIN partitions p ON p.id = "
        "b.partition_id"
        " WHERE p.rebuilt <> 0");
    while (rows.step()) {
      auto& set = all[rows.integer(0)][std::string{rows.text(4)}][rows.integer(1)];
      for (const auto& position : positions_of(rows, 2, rows.integer(3))) {
        set.add(position.offset);
      }
    }
    for (auto& [ledger, rebuilds] : all) {
      for (auto& [agent, sets] : rebuilds) {
        for (auto& [id, set] : sets) {
          set.close();
        }
      }
    }
    return all;
  }

  static bool is_made_anew(const MadeAnew& all, std::int64_t ledger, std::int64_t partition, std::string_view agent,
                           std::int64_t offset) {
    const auto rebuilds = all.find(ledger);
    if (rebuilds == all.end()) {
      return false;
    }
    const auto of_agent = rebuilds->second.find(agent);
    return of_agent != rebuilds->second.end() && std::ranges::any_of(of_agent->second, [&](const auto& rebuild) {
             return rebuild.first > partition && rebuild.second.contains(offset);
           });
  }

  struct Row {
    std::int64_t partition = 0;
    std::string before, after;
  };

  std::int64_t ask_about(const SkippedRequests& what) {
    std::map<std::int64_t, Row> batches;
    for (const auto& request : what.requests) {
      bool still = true;
      for (std::size_t i = 0; i < request.places.size(); ++i) {
        const auto& letters = read(batches, request.batches[i]).before;
        still = still && request.places[i] < letters.size() && letters[request.places[i]] == skipped;
      }
      if (!still) {
        continue;
      }
      rows_.insert({.batch = request.batches.front(),
                    .agent_id = what.agent_id,
                    .org_id = what.org_id,
                    .halvings = 0,
                    .due_ms = 0},
                   tiers_[request.tier].mode, request, clock_());
      for (std::size_t i = 0; i < request.places.size(); ++i) {
        batches.at(request.batches[i]).after[request.places[i]] = pending;
      }
    }
    std::int64_t all = 0;
    for (const auto& [row, batch] : batches) {
      const auto moved = std::ranges::count(batch.after, pending) - std::ranges::count(batch.before, pending);
      if (moved > 0) {
        update_.with(row, batch.after, outcome_word(batch.after)).run();
        move_.with(batch.partition, moved, clock_()).run();
        all += moved;
      }
    }
    return all;
  }

  Row& read(std::map<std::int64_t, Row>& batches, std::int64_t row) {
    auto [found, fresh] = batches.try_emplace(row);
    if (fresh) {
      outcomes_.with(row);
      if (outcomes_.step()) {
        found->second = {.partition = outcomes_.integer(1),
                         .before = std::string{outcomes_.text(0)},
                         .after = std::string{outcomes_.text(0)}};
      }
      outcomes_.reset();
    }
    return found->second;
  }

  Database database_;
  Schema schema_;
  RequestRows rows_;
  Statement outcomes_, update_, move_;
  pipeline::TierPolicies tiers_;
  pipeline::WallClock clock_;
};

}  // namespace

pipeline::Result<std::unique_ptr<SqliteSkipped>> SqliteSkipped::open(const SqliteStoreOptions& options,
                                                                     pipeline::WallClock clock) {
  return guarded([&]() -> std::unique_ptr<SqliteSkipped> { return std::make_unique<Skipped>(options, clock); });
}

}  // namespace alluvium::connectors
