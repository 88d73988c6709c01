// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_schema.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include "pipeline/failpoint.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
/// Tries at what another process does at the same moment on a new file; each waits for its lock.
constexpr int wal_tries_max = 10;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw SqliteFailure{Errc::unsafe_to_go_on, path + ": " + why};
}

/// The version of the file; 0 if it is empty. Throws unless the file is ours or empty.
std::int64_t version_of(Database& database, const std::string& path, std::size_t newest) {
  // One statement, so that it sees the file before or after what another process does to it, not in between.
  auto header = database.prepare(
      "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),"
      " count(*) FROM sqlite_schema");
  header.step();
  const auto application = header.integer(0);
  const auto version = header.integer(1);
  const auto tables = header.integer(2);
  if (application == 0 && version == 0 && tables == 0) {
    return 0;
  }
  if (application != sqlite_application_id) {
    refuse(path, "is a database of another program, not an Alluvium store");
  }
  if (version < 0 || version > static_cast<std::int64_t>(newest)) {
    refuse(path, "was written by a newer Alluvium (schema " + std::to_string(version) + ", this one knows " +
                     std::to_string(newest) + "): use that version, or another file");
  }
  return version;
}

/// How long the write-ahead log may become before it is moved into the file: an eighth of the room that there is, or it
/// would take what the file needs to grow.
std::uintmax_t log_bytes(const std::string& path) {
  constexpr std::uintmax_t least = 400'000;
  constexpr std::uintmax_t most = 32'000'000;
  std::error_code error;
  const auto room = std::filesystem::space(path, error);
  return error ? most : std::clamp(room.available / 8, least, most);
}

void set_up_wal(Database& database, const std::string& path) {
  // Of a new file; others stay as they are. SQLite's own 4096 cost more in calls than they save where few rows of a
  // page change (docs/benchmarks.md); larger ones write the index of memories, whose keys are random, over and over.
  database.execute("PRAGMA page_size = 8192");
  std::string mode;
  for (int i = 0; i < wal_tries_max && mode.empty(); ++i) {
    try {
      mode = database.text("PRAGMA journal_mode = WAL");
    } catch (const SqliteFailure& failure) {
      if (failure.code() != Errc::unavailable || i + 1 == wal_tries_max) {
        throw;
      }
      // This pragma does not wait for another process's lock; a transaction does.
      Transaction{database, Transaction::Kind::write}.commit();
    }
  }
  if (mode != "wal" && mode != "memory") {
    throw SqliteFailure{Errc::unavailable, path + ": write-ahead logging is not possible here (journal mode " + mode +
                                               "): is it a network file system?"};
  }
  database.execute("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY");
  const auto page_bytes = static_cast<std::uintmax_t>(database.integer("PRAGMA page_size"));
  database.execute(("PRAGMA wal_autocheckpoint = " + std::to_string(log_bytes(path) / page_bytes)).c_str());
}

/// Reads the small table and the far end of the large ones: a file that was cut off or overwritten shows here.
void check_readable(Database& database) {
  auto partitions = database.prepare("SELECT id, topic, partition, watermark FROM partitions");
  while (partitions.step()) {
  }
  for (const auto* table : {"batches", "memories", "dead_letters", "gaps"}) {
    static_cast<void>(database.integer(std::string{"SELECT max(id) FROM "} + table));
  }
}

}  // namespace

void open_schema(Database& database, const std::string& path, std::span<const Migration> steps) {
  static_cast<void>(version_of(database, path, steps.size()));  // Before anything is written to the file.
  set_up_wal(database, path);
  for (;;) {
    const auto version = static_cast<std::size_t>(version_of(database, path, steps.size()));
    if (version == steps.size()) {
      break;
    }
    Transaction transaction{database, Transaction::Kind::write};
    // Read again under the lock: another process may have taken this step meanwhile.
    if (version_of(database, path, steps.size()) == static_cast<std::int64_t>(version)) {
      database.execute(steps[version].sql);
      const auto mark = "PRAGMA application_id = " + std::to_string(sqlite_application_id) +
                        "; PRAGMA user_version = " + std::to_string(version + 1);
      database.execute(mark.c_str());
    }
    pipeline::failpoint("store.in_schema");
    transaction.commit();
  }
  check_readable(database);
}

void check_schema(Database& database, const std::string& path) {
  const auto version = version_of(database, path, sqlite_migrations().size());
  if (version == 0 && database.integer("PRAGMA application_id") == 0) {
    refuse(path, "is empty, not an Alluvium store");
  }
  if (static_cast<std::size_t>(version) < sqlite_migrations().size()) {
    refuse(path, "has an older schema (" + std::to_string(version) + "): `alluvium run` brings it up to date");
  }
  check_readable(database);
}

}  // namespace alluvium::connectors
