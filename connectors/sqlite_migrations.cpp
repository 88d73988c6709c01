// SPDX-License-Identifier: Apache-2.0
// The tables of a store, as they came to be.
#include <array>

#include "connectors/sqlite_schema.hpp"

namespace alluvium::connectors {
namespace {

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
CREATE TABLE verdicts(
  agent_id TEXT NOT NULL,
  low INTEGER NOT NULL,
  high INTEGER NOT NULL,
  low_shape INTEGER NOT NULL,
  high_shape INTEGER NOT NULL,
  low_id TEXT NOT NULL,
  high_id TEXT NOT NULL,
  request INTEGER NOT NULL,
  pair INTEGER NOT NULL,
  verdict TEXT NOT NULL DEFAULT 'asked',
  model TEXT NOT NULL DEFAULT '',
  asked_ms INTEGER NOT NULL,
  decided_ms INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(agent_id, low, high)
) WITHOUT ROWID;
CREATE INDEX verdicts_by_high ON verdicts(agent_id, high);
CREATE INDEX verdicts_by_request ON verdicts(request);
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

}  // namespace

std::span<const Migration> sqlite_migrations() {
  return migrations;
}

}  // namespace alluvium::connectors
