// SPDX-License-Identifier: Apache-2.0
// The table of batches, as it is written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/sqlite_database.hpp"

namespace alluvium::connectors {

/// Puts the rows of a transaction into `batches`, several with one statement: of a small batch most of what its row
/// costs is the statement. A row that waits for others is not in the table yet. One thread.
class BatchRows {
 public:
  /// A row's columns. The texts of the first group have to live until the row is written; the others are copied.
  struct Row {
    std::int64_t id = 0;  ///< Ascending.
    std::int64_t partition_id = 0, max_offset = 0;
    std::string_view batch_id, agent_id;
    std::int64_t started_ms = 0, ended_ms = 0, memories = 0;
    std::size_t bytes = 0, noise_bytes = 0, chosen_bytes = 0;

    std::string positions, outcomes, scores;
    std::string message_ids;
    bool default_ids = false;  ///< Its message_ids are left out.
  };

  explicit BatchRows(Database& database);

  /// Begins with none that waits: what a transaction that was rolled back had left is forgotten.
  void begin() {
    waiting_ = 0;
    ids_bytes_ = 0;
  }
  /// Where the next row is to be put; what was in it last is still there, for its memory. It is complete with add().
  [[nodiscard]] Row& next() {
    return rows_[waiting_];
  }
  void add();
  /// Writes those that wait.
  void flush();
  /// The batch has so many memories more, whether it waits or was written before.
  void count_memories(std::int64_t id, std::int64_t more);

 private:
  static constexpr std::size_t group_max = 16;                           // 32 are no faster.
  static constexpr std::size_t ids_bytes_max = std::size_t{256} << 10U;  // And one row's: of ids that wait, uncharged.

  void insert(Statement& statement, std::size_t from, std::size_t count);

  Statement insert_group_, insert_four_, insert_one_, count_;
  std::array<Row, group_max> rows_;
  std::size_t waiting_ = 0;
  std::size_t ids_bytes_ = 0;  ///< Of those that wait.
};

}  // namespace alluvium::connectors
