// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_ledger.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "pipeline/position_codec.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::Position;

/// 128 random bits as hex: no two claims have the same token, whatever the clocks and the processes.
std::string random_token() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device device;
  std::string token;
  while (token.size() < 32) {
    auto bits = device();  // 32 of them.
    for (int i = 0; i < 8; ++i, bits >>= 4U) {
      token += digits[bits & 0xFU];
    }
  }
  return token;
}

std::string text_of(const pipeline::TopicPartition& partition) {
  return partition.topic + "/" + std::to_string(partition.partition);
}

}  // namespace

SqliteLedger::SqliteLedger(Database& database)
    : database_{database},
      find_{
          database.prepare("SELECT id, identity, claim_token, seq, watermark, floor_batch, last_batch, selection_offset"
                           " FROM partitions"
                           " WHERE topic = ?1 AND partition = ?2 AND retired = 0")},
      insert_{database.prepare(
          "INSERT INTO partitions(topic, partition, identity, claim_token, seq, start_offset, watermark, begun_ms,"
          " updated_ms, selection_offset) VALUES(?1, ?2, ?3, '', 0, ?4, ?4, ?5, ?5, ?4)")},
      retire_{database.prepare("UPDATE partitions SET retired = id, claim_token = '', updated_ms = ?2 WHERE id = ?1")},
      claim_{database.prepare("UPDATE partitions SET claim_token = ?2, seq = ?3, identity = ?4, watermark = ?5,"
                              " floor_batch = ?6, lost = lost + ?7, updated_ms = ?8 WHERE id = ?1")},
      selector_{database.prepare("SELECT selection FROM partitions WHERE id = ?1")},
      keep_selector_{database.prepare("UPDATE partitions SET selection_offset = ?2, selection = ?3 WHERE id = ?1")},
      begun_{database.prepare("SELECT min(begun_ms) FROM partitions WHERE topic = ?1")},
      batches_{database.prepare("SELECT id, max_offset, positions FROM batches"
                                " WHERE id BETWEEN ?2 AND ?3 AND partition_id = ?1")},
      dead_{database.prepare("SELECT offset, bundle_index, bundle_count FROM dead_letters"
                             " WHERE partition_id = ?1 AND offset >= ?2 AND batch = 0")},
      advance_{database.prepare(
          "UPDATE partitions SET seq = seq + 1, watermark = ?5, floor_batch = ?6, last_batch = ?7,"
          " extracted = extracted + ?8, empty = empty + ?9, skipped = skipped + ?10, noise = noise + ?11,"
          " dead = dead + ?12, gaps = gaps + ?13, batches = batches + ?14, updated_ms = ?15, pending = pending + ?16"
          " WHERE topic = ?1 AND partition = ?2 AND retired = 0 AND claim_token = ?3 AND seq = ?4")},
      gap_{database.prepare("INSERT INTO gaps(partition_id, kind, from_offset, to_offset, count, ranges)"
                            " VALUES(?1, ?2, ?3, ?4, ?5, ?6)")},
      watermarks_{database.prepare(
          "SELECT topic, partition, watermark FROM partitions WHERE retired = 0 ORDER BY topic, partition")} {}

pipeline::Claim SqliteLedger::claim(const pipeline::ClaimRequest& request, std::int64_t now_ms) {
  auto row = find(request.partition);
  const bool known = row.has_value();
  if (known && request.reset) {
    // Kept under another key, so that what its batches and dead letters say stays true.
    retire_.with(row->id, now_ms).run();
    row.reset();
  }
  if (!row) {
    row = begin(request, known, now_ms);
  }
  if (request.selects) {
    selector_.with(row->id);
    if (selector_.step()) {
      row->selector.bytes = selector_.blob(0);
    }
    selector_.reset();
  }
  pipeline::OpenBatches open;
  auto plan = pipeline::plan_claim(*row, done_positions(*row, open), request);
  if (!plan) {
    throw SqliteFailure{plan.error().code, plan.error().detail};
  }
  const auto lost = add_gaps(row->id, "lost", std::move(plan->lost));
  open.pass(plan->watermark);
  const auto token = random_token();
  claim_.with(row->id, token, plan->seq, plan->identity, plan->watermark, open.floor(), lost, now_ms).run();
  if (plan->selector && plan->selector->offset != row->selector.offset) {
    keep_selector(row->id, *plan->selector);
  }
  return {.token = token,
          .seq = plan->seq,
          .watermark = plan->watermark,
          .done = std::move(plan->done),
          .lost = lost,
          .selector = std::move(plan->selector)};
}

SqliteLedger::Row SqliteLedger::begin(const pipeline::ClaimRequest& request, bool known, std::int64_t now_ms) {
  begun_.with(request.partition.topic);
  pipeline::FirstSight sight{.topic_begun_ms = std::nullopt, .was_reset = known, .now_ms = now_ms};
  if (begun_.step() && !begun_.is_null(0)) {
    sight.topic_begun_ms = begun_.integer(0);
  }
  begun_.reset();
  const auto start = pipeline::first_watermark(request, sight);
  insert_.with(request.partition.topic, request.partition.partition, request.identity, start, now_ms).run();
  auto row = find(request.partition);
  if (!row) {
    throw SqliteFailure{Errc::unsafe_to_go_on, text_of(request.partition) + ": a row was written and is not there"};
  }
  return std::move(*row);
}

std::vector<Position> SqliteLedger::done_positions(const Row& row, pipeline::OpenBatches& open) {
  std::vector<Position> done;
  const auto keep = [&](const Position& position) {
    if (position.offset >= row.watermark) {
      done.push_back(position);
    }
  };
  batches_.with(row.id, row.floor_batch, row.last_batch);
  while (batches_.step()) {
    open.add(batches_.integer(0), batches_.integer(1));
    const auto positions = pipeline::decode_positions(batches_.blob(2));
    if (!positions) {
      throw SqliteFailure{positions.error().code,
                          "batch row " + std::to_string(batches_.integer(0)) + ": " + positions.error().detail};
    }
    std::ranges::for_each(*positions, keep);
  }
  batches_.reset();
  open.ends_at(row.last_batch);
  open.pass(row.watermark);
  dead_.with(row.id, row.watermark);
  while (dead_.step()) {
    done.push_back({.offset = dead_.integer(0),
                    .index = static_cast<std::uint32_t>(dead_.integer(1)),
                    .count = static_cast<std::uint32_t>(dead_.integer(2))});
  }
  dead_.reset();
  return done;
}

std::optional<SqliteLedger::Row> SqliteLedger::find(const pipeline::TopicPartition& partition) {
  std::optional<Row> row;
  find_.with(partition.topic, partition.partition);
  if (find_.step()) {
    row = Row{{.identity = std::string{find_.text(1)},
               .token = std::string{find_.text(2)},
               .seq = find_.integer(3),
               .watermark = find_.integer(4),
               .selector = {.offset = find_.integer(7), .bytes = {}}},
              find_.integer(0),
              find_.integer(5),
              find_.integer(6)};
  }
  find_.reset();
  return row;
}

pipeline::OpenBatches SqliteLedger::open_batches(const Row& row) {
  pipeline::OpenBatches open;
  static_cast<void>(done_positions(row, open));
  return open;
}

bool SqliteLedger::advance(const pipeline::PartitionCommit& commit, const Growth& growth, std::int64_t now_ms) {
  const auto& counts = growth.outcomes;
  using pipeline::Outcome;
  advance_
      .with(commit.partition.topic, commit.partition.partition, commit.token, commit.seq, commit.watermark,
            growth.open.floor(), growth.open.last(), counts[Outcome::extracted], counts[Outcome::empty],
            counts[Outcome::skipped], counts[Outcome::noise], counts[Outcome::dead], growth.gaps, growth.batches,
            now_ms, counts[Outcome::pending])
      .run();
  return database_.changes() == 1;
}

void SqliteLedger::keep_selector(std::int64_t partition_id, const pipeline::SelectorState& state) {
  keep_selector_.with(partition_id, state.offset, Blob{state.bytes}).run();
}

std::int64_t SqliteLedger::add_gaps(std::int64_t partition_id, std::string_view kind, std::vector<pipeline::Gap> gaps) {
  const auto ranges = pipeline::merged(std::move(gaps));
  if (ranges.empty()) {
    return 0;
  }
  std::int64_t count = 0;
  for (const auto& range : ranges) {
    count += range.to - range.from;
  }
  const auto bytes = pipeline::encode_gaps(ranges);
  gap_.with(partition_id, kind, ranges.front().from, ranges.back().to, count, Blob{bytes}).run();
  return count;
}

std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> SqliteLedger::watermarks() {
  std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> all;
  watermarks_.with();
  while (watermarks_.step()) {
    all.emplace_back(pipeline::TopicPartition{.topic = std::string{watermarks_.text(0)},
                                              .partition = static_cast<std::int32_t>(watermarks_.integer(1))},
                     watermarks_.integer(2));
  }
  watermarks_.reset();
  return all;
}

}  // namespace alluvium::connectors
