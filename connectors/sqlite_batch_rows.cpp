// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_batch_rows.hpp"

#include "connectors/sqlite_message_ids.hpp"

namespace alluvium::connectors {
namespace {

constexpr int columns = 16;

std::string insertion_of(std::size_t rows) {
  std::string sql =
      "INSERT INTO batches(id, partition_id, max_offset, batch_id, agent_id, positions, message_ids, outcomes, outcome,"
      " started_ms, ended_ms, memories, bytes, noise_bytes, chosen_bytes, scores) VALUES";
  for (std::size_t row = 0; row < rows; ++row) {
    sql += row == 0 ? "(?" : ", (?";
    for (int column = 1; column < columns; ++column) {
      sql += ", ?";
    }
    sql += ')';
  }
  return sql;
}

}  // namespace

BatchRows::BatchRows(Database& database)
    : insert_group_{database.prepare(insertion_of(group_max))},
      insert_four_{database.prepare(insertion_of(4))},
      insert_one_{database.prepare(insertion_of(1))},
      count_{database.prepare("UPDATE batches SET memories = memories + ?2 WHERE id = ?1")} {}

void BatchRows::add() {
  ids_bytes_ += rows_[waiting_].message_ids.size();
  if (++waiting_ == group_max || ids_bytes_ >= ids_bytes_max) {
    flush();
  }
}

void BatchRows::flush() {
  std::size_t from = 0;
  while (from < waiting_) {
    const auto left = waiting_ - from;
    const std::size_t count = left == group_max ? group_max : left >= 4 ? 4 : 1;
    insert(count == group_max ? insert_group_ : count == 4 ? insert_four_ : insert_one_, from, count);
    from += count;
  }
  for (std::size_t i = 0; i < waiting_; ++i) {
    if (rows_[i].message_ids.capacity() > ids_bytes_max / group_max) {
      rows_[i].message_ids.clear();  // Room for the usual row is kept, not for the largest there ever was.
      rows_[i].message_ids.shrink_to_fit();
    }
  }
  begin();
}

void BatchRows::count_memories(std::int64_t id, std::int64_t more) {
  for (std::size_t i = 0; i < waiting_; ++i) {
    if (rows_[i].id == id) {
      rows_[i].memories += more;
      return;
    }
  }
  count_.with(id, more).run();
}

void BatchRows::insert(Statement& statement, std::size_t from, std::size_t count) {
  statement.reset();
  int first = 1;
  for (auto i = from; i < from + count; ++i, first += columns) {
    const auto& row = rows_[i];
    statement.bind_from(first, row.id, row.partition_id, row.max_offset, row.batch_id, row.agent_id,
                        Blob{row.positions});
    if (row.default_ids) {
      statement.bind_from(first + 6, nullptr);
    } else {
      statement.bind_from(first + 6, row.message_ids);
    }
    statement.bind_from(first + 7, row.outcomes, outcome_word(row.outcomes), row.started_ms, row.ended_ms, row.memories,
                        row.bytes, row.noise_bytes, row.chosen_bytes, Blob{row.scores});
  }
  statement.run();
}

}  // namespace alluvium::connectors
