// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_model_work.hpp"
#include "connectors/sqlite_rows.hpp"
#include "connectors/sqlite_schema.hpp"
#include "connectors/sqlite_verify.hpp"
#include "pipeline/position_codec.hpp"
#include "pipeline/sameness.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::Result;

/// Readers wait only while another process recovers or closes the file, droppers for a commit.
constexpr std::chrono::milliseconds busy_timeout{5000};

class Reader final : public SqliteReader {
 public:
  explicit Reader(std::string path)
      : path_{std::move(path)}, database_{path_, Database::Mode::read_only, busy_timeout} {
    check_schema(database_, path_);
  }

  Result<void> memories(const RowFilter& filter, const std::function<bool(const MemoryRow&)>& each) override {
    return list(memory_query, " WHERE m.agent_id = ?1 ORDER BY m.id LIMIT ?2", " ORDER BY m.id LIMIT ?1", filter,
                [&] { return [&](Statement& row) { return each(read_memory(row)); }; });
  }

  Result<void> batches(const RowFilter& filter, const std::function<bool(const BatchRow&)>& each) override {
    return list(batch_query, " WHERE b.agent_id = ?1 ORDER BY b.id LIMIT ?2", " ORDER BY b.id LIMIT ?1", filter, [&] {
      return [&, models = ModelWork{database_}](Statement& row) mutable {
        auto batch = read_batch(row);
        models.add_to(batch, row.integer(batch_row_column), false);
        return each(batch);
      };
    });
  }

  Result<void> dead_letters(const RowFilter& filter, const std::function<bool(const DeadLetterRow&)>& each) override {
    // A dead letter has no agent of its own; its record's key is what the agent would have been by default.
    return list(dead_letter_query, " AND d.key = CAST(?1 AS BLOB) ORDER BY d.id LIMIT ?2", " ORDER BY d.id LIMIT ?1",
                filter, [&] { return [&](Statement& row) { return each(read_dead_letter(row)); }; });
  }

  Result<std::vector<PartitionRow>> partitions() override {
    return guarded([&] {
      Transaction snapshot{database_, Transaction::Kind::read};
      auto rows = database_.prepare(
          "SELECT topic, partition, start_offset, watermark, gaps, lost, batches, seq, extracted, empty, skipped,"
          " noise, dead, pending, id, floor_batch, last_batch FROM partitions WHERE retired = 0 ORDER BY topic, "
          "partition");
      std::vector<PartitionRow> all;
      while (rows.step()) {
        auto& row = all.emplace_back();
        row.topic = rows.text(0);
        row.partition = static_cast<std::int32_t>(rows.integer(1));
        row.start_offset = rows.integer(2);
        row.watermark = rows.integer(3);
        row.gaps = rows.integer(4);
        row.lost = rows.integer(5);
        row.batches = rows.integer(6);
        row.seq = rows.integer(7);
        for (std::size_t i = 0; i < pipeline::outcome_count; ++i) {
          row.outcomes.of[i] = rows.integer(8 + static_cast<int>(i));
        }
        row.done_above = done_above(rows.integer(14), row.watermark, rows.integer(15), rows.integer(16));
      }
      return all;
    });
  }

  Result<std::optional<MemoryRow>> memory(const std::string& id) override {
    return one<MemoryRow>(std::string{memory_query} + " WHERE m.memory_id = ?1 LIMIT 1", id, read_memory);
  }

  Result<std::optional<DuplicateRow>> duplicate(const std::string& id) override {
    return one<DuplicateRow>(std::string{duplicate_query} + " WHERE m.memory_id = ?1 LIMIT 1", id, read_duplicate);
  }

  Result<void> duplicates_of(const std::string& memory_id,
                             const std::function<bool(const DuplicateRow&)>& each) override {
    return guarded([&] {
      Transaction snapshot{database_, Transaction::Kind::read};
      auto rows = database_.prepare(std::string{duplicate_query} +
                                    " WHERE m.kept IN (SELECT id FROM memories WHERE memory_id = ?1) ORDER BY m.id");
      rows.with(memory_id);
      while (rows.step() && each(read_duplicate(rows))) {
      }
    });
  }

  Result<std::vector<VerdictRow>> verdicts_on(const MemoryRow& memory) override {
    return guarded([&] {
      auto rows = database_.prepare(
          "SELECT CASE low WHEN ?2 THEN high_id ELSE low_id END, verdict, model, request FROM verdicts"
          " WHERE agent_id = ?1 AND (low = ?2 OR high = ?2) ORDER BY request, pair LIMIT 100");
      rows.with(memory.agent_id, static_cast<std::int64_t>(pipeline::sketch_of(memory.content, memory.user_id).form));
      std::vector<VerdictRow> all;
      while (rows.step()) {
        all.push_back({.other = std::string{rows.text(0)},
                       .verdict = std::string{rows.text(1)},
                       .model = std::string{rows.text(2)},
                       .request = rows.integer(3)});
      }
      return all;
    });
  }

  Result<std::optional<BatchRow>> batch(const std::string& id) override {
    return one<BatchRow>(std::string{batch_query} + " WHERE b.batch_id = ?1 ORDER BY b.id DESC LIMIT 1", id,
                         [this](Statement& row) {
                           auto batch = read_batch(row);
                           ModelWork{database_}.add_to(batch, row.integer(batch_row_column), true);
                           return batch;
                         });
  }

  Result<std::vector<SourceRow>> sources(const MemoryRow& memory) override {
    return guarded([&] {
      Transaction snapshot{database_, Transaction::Kind::read};
      std::vector<SourceRow> found;
      auto wanted = memory.source_message_ids;
      auto own = database_.prepare(std::string{batch_query} + " WHERE b.batch_id = ?1 ORDER BY b.id DESC LIMIT 1");
      own.with(memory.batch_id);
      if (!own.step()) {
        return found;
      }
      const auto number = own.integer(batch_row_column);
      take_sources(read_batch(own), wanted, found);
      if (!wanted.empty()) {
        // What a model was asked about together may stand in other batches of the agent, usually later ones.
        auto others = database_.prepare(std::string{batch_query} + " WHERE b.agent_id = ?1 ORDER BY abs(b.id - ?2)");
        others.with(memory.agent_id, number);
        while (!wanted.empty() && others.step()) {
          take_sources(read_batch(others), wanted, found);
        }
      }
      std::ranges::sort(found, {}, [](const SourceRow& source) {
        return std::tuple{source.topic, source.partition, source.position.offset, source.position.index};
      });
      return found;
    });
  }

  Result<std::vector<CallSums>> calls_of(std::int64_t request) override {
    return guarded([&] {
      auto rows =
          database_.prepare(std::string{call_sums_query} + " WHERE request = ?1 GROUP BY 1, 2, 3 ORDER BY min(id)");
      rows.with(request);
      std::vector<CallSums> all;
      while (rows.step()) {
        all.push_back(read_call_sums(rows));
      }
      return all;
    });
  }

  Result<std::vector<pipeline::AuditReport>> verify() override {
    return guarded([&] {
      Transaction snapshot{database_, Transaction::Kind::read};
      return verify_ledger(database_);
    });
  }

  Result<bool> drop_dead_letter(std::int64_t number) override {
    return guarded([&] {
      Database writable{path_, Database::Mode::read_write, busy_timeout};
      auto drop = writable.prepare("UPDATE dead_letters SET dropped = 1, payload = x'' WHERE id = ?1 AND dropped = 0");
      drop.with(number).run();
      return writable.changes() == 1;
    });
  }

 private:
  /// Moves what of `wanted` stands in the batch to `found`.
  static void take_sources(const BatchRow& batch, std::vector<std::string>& wanted, std::vector<SourceRow>& found) {
    for (std::size_t i = 0; i < batch.message_ids.size(); ++i) {
      const auto one = std::ranges::find(wanted, batch.message_ids[i]);
      if (one == wanted.end()) {
        continue;
      }
      wanted.erase(one);
      found.push_back({.message_id = batch.message_ids[i],
                       .topic = batch.topic,
                       .partition = batch.partition,
                       .position = batch.positions[i],
                       .outcome = batch.outcomes[i],
                       .worth = batch.worths.empty() ? std::nullopt : std::optional{batch.worths[i]}});
    }
  }

  /// `begin` gives what is done with each row; it is called inside the snapshot.
  template <class Begin>
  Result<void> list(std::string_view query, std::string_view by_agent, std::string_view all, const RowFilter& filter,
                    const Begin& begin) {
    return guarded([&] {
      Transaction snapshot{database_, Transaction::Kind::read};
      auto rows = database_.prepare(std::string{query}.append(filter.agent_id.empty() ? all : by_agent));
      if (filter.agent_id.empty()) {
        rows.with(filter.limit);
      } else {
        rows.with(filter.agent_id, filter.limit);
      }
      auto each = begin();
      while (rows.step() && each(rows)) {
      }
    });
  }

  template <class Row, class Read>
  Result<std::optional<Row>> one(const std::string& query, const std::string& id, const Read& read) {
    return guarded([&]() -> std::optional<Row> {
      Transaction snapshot{database_, Transaction::Kind::read};
      auto rows = database_.prepare(query);
      rows.with(id);
      if (!rows.step()) {
        return std::nullopt;
      }
      return read(rows);
    });
  }

  std::int64_t done_above(std::int64_t partition, std::int64_t watermark, std::int64_t floor, std::int64_t last) {
    auto rows = database_.prepare("SELECT positions FROM batches WHERE id BETWEEN ?1 AND ?2 AND partition_id = ?3");
    rows.with(floor, last, partition);
    std::int64_t count = 0;
    while (rows.step()) {
      const auto positions = pipeline::decode_positions(rows.blob(0));
      if (!positions) {
        throw SqliteFailure{positions.error().code, path_ + ": " + positions.error().detail};
      }
      for (const auto& position : *positions) {
        count += position.offset >= watermark ? 1 : 0;
      }
    }
    auto dead = database_.prepare(
        "SELECT count(*) FROM dead_letters"
        " WHERE partition_id = ?1 AND offset >= ?2 AND batch = 0");
    dead.with(partition, watermark);
    return count + (dead.step() ? dead.integer(0) : 0);
  }

  std::string path_;
  Database database_;
};

}  // namespace

Result<std::unique_ptr<SqliteReader>> SqliteReader::open(const std::string& path) {
  // Asked first, because SQLite's own words for it are "unable to open database file".
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return pipeline::fail(Errc::invalid_config, path + ": there is no store here; `alluvium run` makes one");
  }
  return guarded([&]() -> std::unique_ptr<SqliteReader> { return std::make_unique<Reader>(path); });
}

}  // namespace alluvium::connectors
