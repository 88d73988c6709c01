// SPDX-License-Identifier: Apache-2.0
// Puts a shadow's memories in the place of the live ones: one transaction of the live store, to which the shadow is
// attached and in which it is only read. Whoever dies in it leaves the old set, whoever dies after it the new one.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "connectors/sqlite_message_ids.hpp"
#include "connectors/sqlite_request_rows.hpp"
#include "connectors/sqlite_schema.hpp"
#include "connectors/sqlite_shadow.hpp"
#include "connectors/sqlite_shadow_rows.hpp"
#include "connectors/sqlite_swap_duplicates.hpp"
#include "pipeline/dedupe.hpp"
#include "pipeline/failpoint.hpp"
#include "pipeline/position_codec.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::Outcome;

/// Places tried for keys that share a hash, as in MemoryTable.
constexpr int probes_max = 1000;

class Swapping {
 public:
  Swapping(Database& database, const ShadowPlan& plan, std::int64_t now_ms)
      : database_{database},
        plan_{plan},
        scope_{database, plan},
        rows_{database},
        duplicates_{database, scope_},
        now_ms_{now_ms},
        batches_before_{database.integer("SELECT coalesce(max(id), 0) FROM main.batches")} {}

  ShadowSwap run() {
    cancel_requests();  // Which may make new ones, with numbers of their own.
    requests_before_ =
        database_.integer("SELECT coalesce(max(seq), 0) FROM main.sqlite_sequence WHERE name = 'requests'");
    remove_memories();
    copy_ledgers();
    copy_batches();
    copy_memories();
    swap_.stored += duplicates_.settle();
    duplicates_.copy(batches_before_, requests_before_, of_agents("s"));
    copy_what_belongs_to_batches();
    return swap_;
  }

 private:
  // What waits in the live store ---------------------------------------------------------------

  /// A batch some messages of which a cancelled request was about.
  struct Touched {
    std::int64_t partition_id = 0;
    std::string outcomes;
    std::vector<pipeline::Position> positions;
    std::int64_t skipped = 0;
  };

  void cancel_requests() {
    auto requests = database_.prepare("SELECT " + std::string{request_columns} + ", batch FROM main.requests");
    std::vector<std::pair<pipeline::StoredRequest, std::int64_t>> affected;
    std::map<std::int64_t, Touched> batches;
    while (requests.step()) {
      auto stored = read_request(requests);
      const auto origin = requests.integer(request_columns_count);
      if (!plan_.scope.has_agent(stored.agent_id)) {
        continue;
      }
      bool any = false;
      for (std::size_t i = 0; i < stored.request.places.size(); ++i) {
        any = in_scope(batches, batch_of(stored.request, i, origin), stored.request.places[i]) || any;
      }
      if (!any) {
        continue;
      }
      if (stored.state == pipeline::RequestState::sent || stored.state == pipeline::RequestState::submitted) {
        throw SqliteFailure{Errc::unavailable, "a model is being asked about messages of agent " + stored.agent_id +
                                                   " right now: nothing was changed; try again in a moment"};
      }
      affected.emplace_back(std::move(stored), origin);
    }
    for (const auto& [stored, origin] : affected) {
      rows_.remove(stored, origin);
      ++swap_.cancelled;
      std::vector<std::uint32_t> left;
      for (std::size_t i = 0; i < stored.request.places.size(); ++i) {
        const auto place = stored.request.places[i];
        auto& batch = batches.at(batch_of(stored.request, i, origin));
        if (!scope_.has(batch.partition_id, batch.positions.at(place).offset)) {
          left.push_back(static_cast<std::uint32_t>(i));
        } else if (batch.outcomes.at(place) == outcome_letter(Outcome::pending)) {
          batch.outcomes[place] = outcome_letter(Outcome::skipped);
          ++batch.skipped;
        }
      }
      ask_about_the_rest(stored, origin, left);
    }
    auto update = database_.prepare("UPDATE main.batches SET outcomes = ?2, outcome = ?3 WHERE id = ?1");
    auto move = database_.prepare(
        "UPDATE main.partitions SET pending = pending - ?2, skipped = skipped + ?2, updated_ms = ?3 WHERE id = ?1");
    for (const auto& [row, batch] : batches) {
      if (batch.skipped > 0) {
        update.with(row, batch.outcomes, outcome_word(batch.outcomes)).run();
        move.with(batch.partition_id, batch.skipped, now_ms_).run();
        swap_.skipped += batch.skipped;
      }
    }
  }

  /// As a new request: an engine may hold the old one in its hands, and will find that it is gone.
  void ask_about_the_rest(const pipeline::StoredRequest& stored, std::int64_t origin,
                          const std::vector<std::uint32_t>& left) {
    if (left.empty()) {
      return;
    }
    const auto rest = pipeline::part_of(stored.request, stored.request.tier, left);
    rows_.insert({.batch = origin,
                  .agent_id = stored.agent_id,
                  .org_id = stored.org_id,
                  .halvings = stored.halvings,
                  .due_ms = stored.due_ms},
                 stored.mode, rest, now_ms_,
                 stored.state == pipeline::RequestState::gathering ? pipeline::RequestState::gathering
                                                                   : pipeline::RequestState::queued);
  }

  static std::int64_t batch_of(const pipeline::ModelRequest& request, std::size_t index, std::int64_t origin) {
    return request.batches[index] == 0 ? origin : request.batches[index];
  }

  bool in_scope(std::map<std::int64_t, Touched>& batches, std::int64_t row, std::uint32_t place) {
    auto found = batches.find(row);
    if (found == batches.end()) {
      auto read = database_.prepare("SELECT partition_id, outcomes, positions FROM main.batches WHERE id = ?1");
      read.with(row);
      auto positions = read.step() ? pipeline::decode_positions(read.blob(2)) : std::vector<pipeline::Position>{};
      if (!positions || positions->empty()) {
        throw SqliteFailure{Errc::unsafe_to_go_on, "batch row " + std::to_string(row) + ": can't be read"};
      }
      found = batches
                  .emplace(row, Touched{.partition_id = read.integer(0),
                                        .outcomes = std::string{read.text(1)},
                                        .positions = std::move(*positions)})
                  .first;
    }
    return scope_.has(found->second.partition_id, found->second.positions.at(place).offset);
  }

  // Memories out, memories in -------------------------------------------------------------------

  void remove_memories() {
    auto uncount = database_.prepare("UPDATE main.batches SET memories = memories - 1 WHERE id = ?1");
    auto remove = database_.prepare("DELETE FROM main.memories WHERE id = ?1");
    for (const auto& agent : scope_.agents()) {
      const auto all = scope_.live_memories(agent);
      duplicates_.leave(agent, all);
      for (const auto& one : all) {
        uncount.with(one.batch).run();
        remove.with(one.row).run();
        ++swap_.removed;
      }
    }
  }

  /// As ledgers that nobody writes to any more, so that what rests on their batches can be told.
  void copy_ledgers() {
    database_.execute(
        "CREATE TEMP TABLE moved(old INTEGER PRIMARY KEY, new INTEGER NOT NULL);"
        "CREATE TEMP TABLE chosen(agent_id TEXT PRIMARY KEY) WITHOUT ROWID");
    const auto next = std::to_string(database_.integer("SELECT max(id) FROM main.partitions"));
    database_.execute(("INSERT INTO temp.moved SELECT id, " + next +
                       " + row_number() OVER (ORDER BY id) FROM shadow.partitions WHERE retired = 0")
                          .c_str());
    const auto columns = columns_of(database_, "partitions", "s",
                                    {{"id", "m.new"},
                                     {"retired", "m.new"},
                                     {"rebuilt", "r.live_id"},
                                     {"claim_token", "?1"},
                                     {"updated_ms", "?2"},
                                     {"floor_batch", "s.floor_batch + ?3"},
                                     {"last_batch", "s.last_batch + ?3"}});
    const auto word = origin_word(plan_);
    database_
        .prepare("INSERT INTO main.partitions(" + columns.into + ") SELECT " + columns.from +
                 " FROM shadow.partitions s JOIN temp.moved m ON m.old = s.id JOIN shadow.rebuild_partitions r"
                 " ON r.topic = s.topic AND r.partition = s.partition")
        .with(word, now_ms_, batches_before_)
        .run();
    auto choose = database_.prepare("INSERT INTO temp.chosen VALUES(?1)");
    for (const auto& agent : plan_.scope.agents) {
      choose.with(agent).run();
    }
  }

  /// A condition on the agents of table `alias`. A bundle may have brought messages of others.
  [[nodiscard]] std::string of_agents(std::string_view alias) const {
    return plan_.scope.agents.empty() ? "1"
                                      : std::string{alias}.append(".agent_id IN (SELECT agent_id FROM temp.chosen)");
  }

  void copy_batches() {
    const auto columns = columns_of(database_, "batches", "s", {{"id", "s.id + ?1"}, {"partition_id", "m.new"}});
    database_
        .prepare("INSERT INTO main.batches(" + columns.into + ") SELECT " + columns.from +
                 " FROM shadow.batches s JOIN temp.moved m ON m.old = s.partition_id WHERE " + of_agents("s") +
                 " ORDER BY s.id")
        .with(batches_before_)
        .run();
  }

  void copy_memories() {
    const auto columns = columns_of(database_, "memories", "s",
                                    {{"id", ""},
                                     {"batch", "s.batch + ?2"},
                                     {"dedupe_hash", "?3"},
                                     {"request", "CASE s.request WHEN 0 THEN 0 ELSE s.request + ?4 END"}});
    auto insert = database_.prepare("INSERT INTO main.memories(" + columns.into + ") SELECT " + columns.from +
                                    " FROM shadow.memories s WHERE s.id = ?1 ON CONFLICT(agent_id, dedupe_hash)"
                                    " DO NOTHING");
    auto taken_by = database_.prepare("SELECT content FROM main.memories WHERE agent_id = ?1 AND dedupe_hash = ?2");
    auto uncount = database_.prepare("UPDATE main.batches SET memories = memories - 1 WHERE id = ?1");
    auto rows = database_.prepare("SELECT id, agent_id, batch, content FROM shadow.memories s WHERE " + of_agents("s") +
                                  " ORDER BY id");
    while (rows.step()) {
      const auto key = pipeline::dedupe_key(rows.text(3));
      auto hash = pipeline::dedupe_hash(key);
      for (int i = 0;; ++i, ++hash) {
        const auto place = static_cast<std::int64_t>(hash);
        insert.with(rows.integer(0), batches_before_, place, requests_before_).run();
        if (database_.changes() == 1) {
          ++swap_.stored;
          break;
        }
        const bool same = taken_by.with(rows.text(1), place).step() && pipeline::dedupe_key(taken_by.text(0)) == key;
        taken_by.reset();
        if (same) {
          uncount.with(rows.integer(2) + batches_before_).run();
          ++swap_.duplicates;
          break;
        }
        if (i == probes_max) {
          throw SqliteFailure{Errc::unsafe_to_go_on, "memories of one agent: too many keys share one hash"};
        }
      }
    }
  }

  void copy_what_belongs_to_batches() {
    const std::string request = "CASE s.request WHEN 0 THEN 0 ELSE s.request + ?2 END";
    const auto calls =
        columns_of(database_, "calls", "s", {{"id", ""}, {"batch", "coalesce(b.id, 0)"}, {"request", request}});
    database_
        .prepare("INSERT INTO main.calls(" + calls.into + ") SELECT " + calls.from +
                 " FROM shadow.calls s LEFT JOIN main.batches b ON s.batch <> 0 AND b.id = s.batch + ?1 ORDER BY s.id")
        .with(batches_before_, requests_before_)
        .run();
    const auto letters =
        columns_of(database_, "dead_letters", "s", {{"id", ""}, {"batch", "b.id"}, {"partition_id", "m.new"}});
    database_
        .prepare("INSERT INTO main.dead_letters(" + letters.into + ") SELECT " + letters.from +
                 " FROM shadow.dead_letters s JOIN temp.moved m ON m.old = s.partition_id JOIN main.batches b"
                 " ON b.id = s.batch + ?1 WHERE s.batch <> 0 ORDER BY s.id")
        .with(batches_before_)
        .run();
    copy_verdicts();
    // Numbers of requests are never given again.
    const auto made = database_.integer(
        "SELECT coalesce(max(seq), 0) FROM shadow.sqlite_sequence"
        " WHERE name = 'requests'");
    if (made > 0) {
      database_.execute(
          "INSERT INTO main.sqlite_sequence(name, seq) SELECT 'requests', 0 WHERE NOT EXISTS"
          " (SELECT 1 FROM main.sqlite_sequence WHERE name = 'requests')");
      database_.prepare("UPDATE main.sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'requests'")
          .with(requests_before_ + made)
          .run();
    }
  }

  /// Requests about pairs that are all answered by now, unless they are under way.
  void cancel_questions() {
    auto requests = database_.prepare("SELECT " + std::string{request_columns} +
                                      ", batch FROM main.requests WHERE messages = 0 AND id <= ?1 AND state NOT IN"
                                      " ('sent', 'submitted') AND id NOT IN"
                                      " (SELECT request FROM main.verdicts WHERE verdict = 'asked')");
    std::vector<std::pair<pipeline::StoredRequest, std::int64_t>> answered;
    requests.with(requests_before_);
    while (requests.step()) {
      answered.emplace_back(read_request(requests), requests.integer(request_columns_count));
    }
    for (const auto& [stored, batch] : answered) {
      if (stored.request.adjudicates()) {
        rows_.remove(stored, batch);
        ++swap_.cancelled;
      }
    }
  }

  /// They are about texts, and hold for the memories that there are now. What the live store knows stays: most of the
  /// shadow's come from there.
  void copy_verdicts() {
    const auto columns = columns_of(database_, "verdicts", "s", {{"request", "s.request + ?1"}});
    database_
        .prepare("INSERT INTO main.verdicts(" + columns.into + ") SELECT " + columns.from +
                 " FROM shadow.verdicts s WHERE " + of_agents("s") +
                 " ON CONFLICT(agent_id, low, high) DO UPDATE SET (low_id, high_id, request, pair, verdict, model,"
                 " asked_ms, decided_ms) = (excluded.low_id, excluded.high_id, excluded.request, excluded.pair,"
                 " excluded.verdict, excluded.model, excluded.asked_ms, excluded.decided_ms)"
                 " WHERE verdicts.verdict IN ('asked', 'unsure')"
                 " AND excluded.verdict IN ('same', 'update', 'different')")
        .with(requests_before_)
        .run();
    cancel_questions();
  }

  Database& database_;
  const ShadowPlan& plan_;
  ShadowScope scope_;
  RequestRows rows_;
  SwappedDuplicates duplicates_;
  std::int64_t now_ms_, batches_before_, requests_before_ = 0;
  ShadowSwap swap_;
};

void expect_ready(const ShadowState& state) {
  if (!state.same_store) {
    throw SqliteFailure{Errc::unsafe_to_go_on, "the rebuild was not made from this store as it is now: drop it"};
  }
  if (!state.read || state.requests > 0) {
    throw SqliteFailure{Errc::unsafe_to_go_on,
                        state.read ? "the rebuild is not finished: " + std::to_string(state.requests) +
                                         " requests to models wait for their answers; --make goes on with it"
                                   : "the rebuild is not finished: not all of its scope is read; make it first"};
  }
}

}  // namespace

pipeline::Result<ShadowSwap> swap_in_shadow(const std::string& live, std::int64_t now_ms) {
  return guarded([&] {
    ShadowSwap swap;
    {
      Database database{live, Database::Mode::read_write, shadow_busy_timeout};
      check_schema(database, live);
      attach_shadow(database, live);
      const auto plan = read_plan(database);
      if (!plan) {
        throw SqliteFailure{Errc::unsafe_to_go_on, live + ": there is no rebuild to swap in"};
      }
      Transaction transaction{database, Transaction::Kind::write};
      const auto state = read_state(database, *plan);
      if (!state.swapped) {
        expect_ready(state);
        swap = Swapping{database, *plan, now_ms}.run();
        pipeline::failpoint("store.in_swap");
        transaction.commit();
        pipeline::failpoint("store.after_swap");
      }
    }
    remove_shadow_files(live);
    return swap;
  });
}

}  // namespace alluvium::connectors
