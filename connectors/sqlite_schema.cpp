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
// docs/delivery.md says what each column means. Measured: rowid tables that are only appended to, and no
// index on batches; an entry per message or per offset costs more than all the rest together.
constexpr std::array migrations{Migration{R"sql(
CREATE TABLE partitions(
  id INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  retired INTEGER NOT NULL DEFAULT 0,
  identity TEXT NOT NULL,
  claim_token TEXT NOT NULL,
  seq INTEGER NOT NULL,
  start_offset INTEGER NOT NULL,
  watermark INTEGER NOT NULL,
  floor_batch INTEGER NOT NULL DEFAULT 1,
  last_batch INTEGER NOT NULL DEFAULT 0,
  extracted INTEGER NOT NULL DEFAULT 0,
  empty INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  noise INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  gaps INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0,
  batches INTEGER NOT NULL DEFAULT 0,
  begun_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  UNIQUE(topic, partition, retired)
);
CREATE TABLE batches(
  id INTEGER PRIMARY KEY,
  partition_id INTEGER NOT NULL,
  max_offset INTEGER NOT NULL,
  batch_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  positions BLOB NOT NULL,
  message_ids TEXT,
  outcomes TEXT NOT NULL,
  outcome TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  memories INTEGER NOT NULL
);
CREATE TABLE memories(
  id INTEGER PRIMARY KEY,
  memory_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  dedupe_hash INTEGER NOT NULL,
  batch INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  content TEXT NOT NULL,
  type TEXT NOT NULL,
  importance REAL NOT NULL,
  keywords TEXT NOT NULL,
  extraction_method TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  source_message_ids TEXT NOT NULL,
  connections TEXT NOT NULL DEFAULT '[]',
  created_ms INTEGER NOT NULL,
  UNIQUE(agent_id, dedupe_hash)
);
CREATE TABLE dead_letters(
  id INTEGER PRIMARY KEY,
  partition_id INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  bundle_index INTEGER NOT NULL,
  bundle_count INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  payload_bytes INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  dropped INTEGER NOT NULL DEFAULT 0,
  key BLOB NOT NULL,
  payload BLOB NOT NULL
);
CREATE INDEX dead_letters_by_offset ON dead_letters(partition_id, offset);
CREATE TABLE gaps(
  id INTEGER PRIMARY KEY,
  partition_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  from_offset INTEGER NOT NULL,
  to_offset INTEGER NOT NULL,
  count INTEGER NOT NULL,
  ranges BLOB NOT NULL
);
)sql"},
                                // The model tiers: requests that wait for an answer, what was paid for, budgets.
                                Migration{R"sql(
ALTER TABLE partitions ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partitions ADD COLUMN rebuilt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE memories ADD COLUMN prompt_id TEXT NOT NULL DEFAULT '';
ALTER TABLE memories ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partitions ADD COLUMN selection_offset INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partitions ADD COLUMN selection BLOB NOT NULL DEFAULT x'';
ALTER TABLE batches ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN noise_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN chosen_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN scores BLOB NOT NULL DEFAULT x'';
ALTER TABLE memories ADD COLUMN first_offset INTEGER NOT NULL DEFAULT -1;
ALTER TABLE memories ADD COLUMN first_index INTEGER NOT NULL DEFAULT 0;
ALTER TABLE memories ADD COLUMN request INTEGER NOT NULL DEFAULT 0;
CREATE TABLE duplicates(
  id INTEGER PRIMARY KEY,
  memory_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  batch INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  content TEXT NOT NULL,
  type TEXT NOT NULL,
  importance REAL NOT NULL,
  keywords TEXT NOT NULL,
  extraction_method TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  source_message_ids TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  prompt_id TEXT NOT NULL,
  model TEXT NOT NULL,
  connections TEXT NOT NULL,
  first_offset INTEGER NOT NULL,
  first_index INTEGER NOT NULL,
  request INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  why TEXT NOT NULL,
  form INTEGER NOT NULL,
  UNIQUE(agent_id, memory_id)
);
CREATE INDEX duplicates_by_kept ON duplicates(kept, form);
CREATE TABLE near_keys(
  agent_id TEXT NOT NULL,
  shape INTEGER NOT NULL,
  item INTEGER NOT NULL,
  PRIMARY KEY(agent_id, shape, item)
) WITHOUT ROWID;
CREATE TABLE near_blocks(
  agent_id TEXT NOT NULL,
  block INTEGER NOT NULL,
  entries BLOB NOT NULL,
  PRIMARY KEY(agent_id, block)
) WITHOUT ROWID;
CREATE TABLE agents(
  agent_id TEXT PRIMARY KEY,
  batches INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE requests(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batch INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  tier TEXT NOT NULL,
  mode TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  rounds INTEGER NOT NULL DEFAULT 0,
  asks INTEGER NOT NULL DEFAULT 0,
  halvings INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_ms INTEGER NOT NULL DEFAULT 0,
  hash TEXT NOT NULL DEFAULT '',
  endpoint TEXT NOT NULL DEFAULT '',
  model TEXT NOT NULL DEFAULT '',
  reserved INTEGER,
  month TEXT NOT NULL DEFAULT '',
  job INTEGER,
  custom_id TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  request TEXT NOT NULL
);
CREATE TABLE request_batches(
  batch INTEGER NOT NULL,
  request_id INTEGER NOT NULL,
  PRIMARY KEY(batch, request_id)
) WITHOUT ROWID;
CREATE INDEX requests_by_state ON requests(state, mode, tier, due_ms, bytes);
CREATE UNIQUE INDEX requests_gathering ON requests(agent_id, org_id) WHERE state = 'gathering';
CREATE INDEX requests_gathered ON requests(due_ms) WHERE state = 'gathering';
CREATE INDEX requests_by_job ON requests(job, id) WHERE job IS NOT NULL;
CREATE INDEX requests_in_jobs ON requests(hash) WHERE state = 'submitted';
CREATE TABLE answers(
  hash TEXT PRIMARY KEY,
  model TEXT NOT NULL,
  answer TEXT NOT NULL,
  finish TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cost INTEGER,
  created_ms INTEGER NOT NULL
);
CREATE INDEX answers_by_age ON answers(created_ms);
CREATE TABLE calls(
  id INTEGER PRIMARY KEY,
  request INTEGER NOT NULL DEFAULT 0,
  batch INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  tier TEXT NOT NULL,
  mode TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  model TEXT NOT NULL,
  month TEXT NOT NULL,
  hash TEXT NOT NULL,
  messages INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cost INTEGER,
  memories INTEGER NOT NULL,
  faults TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL
);
CREATE INDEX calls_by_batch ON calls(batch);
CREATE INDEX calls_by_hash ON calls(hash);
CREATE INDEX calls_by_request ON calls(request);
CREATE TABLE budgets(
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  monthly INTEGER NOT NULL,
  set_ms INTEGER NOT NULL,
  PRIMARY KEY(scope, key)
) WITHOUT ROWID;
CREATE TABLE spend(
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  month TEXT NOT NULL,
  spent INTEGER NOT NULL DEFAULT 0,
  reserved INTEGER NOT NULL DEFAULT 0,
  unknown_calls INTEGER NOT NULL DEFAULT 0,
  alerted INTEGER,
  PRIMARY KEY(scope, key, month)
) WITHOUT ROWID;
CREATE TABLE calibrations(
  model TEXT PRIMARY KEY,
  bytes_per_token REAL NOT NULL,
  samples INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE jobs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint TEXT NOT NULL,
  model TEXT NOT NULL,
  tag TEXT NOT NULL,
  provider_id TEXT NOT NULL DEFAULT '',
  rejected TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  cancel TEXT NOT NULL DEFAULT 'no',
  unsure INTEGER NOT NULL DEFAULT 0,
  by_looks INTEGER NOT NULL DEFAULT 0,
  requests INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  submitted_ms INTEGER NOT NULL DEFAULT 0,
  polled_ms INTEGER NOT NULL DEFAULT 0,
  ended_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_ms INTEGER NOT NULL DEFAULT 0,
  detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX jobs_open ON jobs(endpoint) WHERE state IN ('submitting', 'running');
CREATE UNIQUE INDEX jobs_by_provider_id ON jobs(endpoint, provider_id) WHERE provider_id <> '';
)sql"}};

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
std::uintmax_t log_pages(const std::string& path) {
  constexpr std::uintmax_t page_bytes = 4096;
  constexpr std::uintmax_t least = 100;
  constexpr std::uintmax_t most = 8000;  // 32 MiB.
  std::error_code error;
  const auto room = std::filesystem::space(path, error);
  return error ? most : std::clamp(room.available / 8 / page_bytes, least, most);
}

void set_up_wal(Database& database, const std::string& path) {
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
  database.execute("PRAGMA synchronous = NORMAL; PRAGMA cache_size = 10000; PRAGMA temp_store = MEMORY");
  database.execute(("PRAGMA wal_autocheckpoint = " + std::to_string(log_pages(path))).c_str());
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

std::span<const Migration> sqlite_migrations() {
  return migrations;
}

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
  const auto version = version_of(database, path, migrations.size());
  if (version == 0 && database.integer("PRAGMA application_id") == 0) {
    refuse(path, "is empty, not an Alluvium store");
  }
  if (static_cast<std::size_t>(version) < migrations.size()) {
    refuse(path, "has an older schema (" + std::to_string(version) + "): `alluvium run` brings it up to date");
  }
  check_readable(database);
}

}  // namespace alluvium::connectors
