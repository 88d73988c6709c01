// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_store.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "connectors/sqlite_batch_rows.hpp"
#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_ledger.hpp"
#include "connectors/sqlite_memories.hpp"
#include "connectors/sqlite_message_ids.hpp"
#include "connectors/sqlite_schema.hpp"
#include "pipeline/commit_verdict.hpp"
#include "pipeline/failpoint.hpp"
#include "pipeline/position_codec.hpp"
#include "pipeline/prefetch.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::ExtractedBatch;
using pipeline::Outcome;
using pipeline::PartitionCommit;
using pipeline::Position;

constexpr std::size_t lookahead = 4;  // Batches that memory is asked for before they are written.

void fetch_ahead(const ExtractedBatch& extracted) {
  pipeline::prefetch(extracted.id.data());
  pipeline::prefetch(extracted.outcomes.data());
  extracted.batch.fetch_all_ahead();
}

class SqliteStore final : public pipeline::Store {
 public:
  SqliteStore(const SqliteStoreOptions& options, pipeline::WallClock clock)
      : database_{options.path, Database::Mode::create, options.busy_timeout},
        schema_{database_, options},
        ledger_{database_},
        batches_{database_},
        memories_{database_, batches_, options.dedupe()},
        requests_{database_, options.models},
        rows_{database_},
        gathering_{database_, options.models.tiers, options.models.gathering},
        insert_dead_{database_.prepare(
            "INSERT INTO dead_letters(partition_id, offset, bundle_index, bundle_count, message_id, reason, detail,"
            " payload_bytes, timestamp_ms, created_ms, key, payload)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")},
        last_batch_{database_.prepare("SELECT max(id) FROM batches")},
        clock_{clock},
        tiers_{options.models.tiers},
        by_value_{options.models.by_value && options.models.tiers.any()} {}

  pipeline::Result<pipeline::Claim> claim(const pipeline::ClaimRequest& request) override {
    return guarded([&] {
      auto effective = request;
      // Once in the life of this store: a partition that comes back in a rebalance goes on where it was.
      effective.reset = request.reset && !reset_.contains(request.partition);
      const Durability durability{database_, request.start_at_end};
      Transaction transaction{database_, Transaction::Kind::write};
      if (effective.reset) {
        // What is read again must not join what is gathered from the first reading.
        while (gathering_.close_all(clock_()) > 0) {
        }
      }
      auto claim = ledger_.claim(effective, clock_());
      pipeline::failpoint("store.in_claim");
      transaction.commit();
      pipeline::failpoint("store.after_claim");
      if (effective.reset) {
        reset_.insert(request.partition);
      }
      return claim;
    });
  }

  pipeline::Result<pipeline::CommitResult> commit(std::span<const PartitionCommit> commits) override {
    return guarded([&] { return commit_all(commits); });
  }

  pipeline::Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> watermarks() override {
    return guarded([&] { return ledger_.watermarks(); });
  }

  pipeline::Result<std::int64_t> open_calls() override {
    return guarded([&] { return rows_.open_calls(tiers_, clock_()); });
  }

  pipeline::Result<std::int64_t> gathering() override {
    return guarded([&] { return gathering_.open(); });
  }

  pipeline::Result<std::int64_t> close_gathered() override {
    return in_transaction(database_, [&] { return gathering_.close_all(clock_()); });
  }

 private:
  /// A claim that begins at the stream's end has to outlive a power loss: rolled back, it would be made again at what
  /// is the end by then, and what came between would be nobody's.
  class Durability {
   public:
    Durability(Database& database, bool wanted) : database_{wanted ? &database : nullptr} {
      if (database_ != nullptr) {
        database_->execute("PRAGMA synchronous = FULL");
      }
    }
    ~Durability() {
      if (database_ != nullptr) {
        try {
          database_->execute("PRAGMA synchronous = NORMAL");
        } catch (const SqliteFailure&) {  // Then commits stay slower than they need be.
          database_ = nullptr;
        }
      }
    }
    Durability(const Durability&) = delete;
    Durability& operator=(const Durability&) = delete;
    Durability(Durability&&) = delete;
    Durability& operator=(Durability&&) = delete;

   private:
    Database* database_;
  };
  /// Runs open_schema() before the statements of the members below it are prepared.
  struct Schema {
    Schema(Database& database, const SqliteStoreOptions& options) {
      open_schema(database, options.path);
      database.limit_cache(options.cache_bytes);
    }
  };
  /// What the store knows of a partition after its last commit; read again when token or seq differ.
  struct Owned {
    std::string token;
    std::int64_t seq = 0;
    pipeline::OpenBatches open;
  };
  using Rows = std::vector<std::optional<SqliteLedger::Row>>;

  pipeline::CommitResult commit_all(std::span<const PartitionCommit> commits) {
    pipeline::CommitResult result;
    Transaction transaction{database_, Transaction::Kind::write};
    Rows rows;
    if (!may_write(commits, rows, result)) {
      return result;  // Rolls back; there is nothing to roll back.
    }
    batches_.begin();
    last_batch_.with();
    auto next_batch = (last_batch_.step() ? last_batch_.integer(0) : 0) + 1;
    last_batch_.reset();
    const auto now_ms = clock_();
    std::vector<Owned> after;
    for (std::size_t i = 0; i < commits.size(); ++i) {
      after.push_back(write(commits[i], *rows[i], next_batch, now_ms, result));
    }
    batches_.flush();
    pipeline::failpoint("store.in_commit");
    transaction.commit();
    pipeline::failpoint("store.after_commit");
    for (std::size_t i = 0; i < commits.size(); ++i) {
      owned_[commits[i].partition] = std::move(after[i]);
    }
    return result;
  }

  /// False if a partition was claimed by someone else, or all of this is there already.
  bool may_write(std::span<const PartitionCommit> commits, Rows& rows, pipeline::CommitResult& result) {
    std::vector<const pipeline::LedgerRow*> seen;
    for (const auto& commit : commits) {
      rows.push_back(ledger_.find(commit.partition));
    }
    for (const auto& row : rows) {
      seen.push_back(row ? &*row : nullptr);
    }
    auto verdict = pipeline::judge(commits, seen);
    if (!verdict) {
      throw SqliteFailure{verdict.error().code, verdict.error().detail};
    }
    result.fenced = std::move(verdict->fenced);
    return verdict->write;
  }

  Owned write(const PartitionCommit& commit, const SqliteLedger::Row& row, std::int64_t& next_batch,
              std::int64_t now_ms, pipeline::CommitResult& result) {
    const auto known = owned_.find(commit.partition);
    const bool fresh = known != owned_.end() && known->second.token == row.token && known->second.seq == row.seq;
    SqliteLedger::Growth growth;
    growth.open = fresh ? known->second.open : ledger_.open_batches(row);
    for (std::size_t i = 0; i < commit.batches.size(); ++i) {
      if (i + lookahead < commit.batches.size()) {
        fetch_ahead(commit.batches[i + lookahead]);
      }
      const auto& batch = commit.batches[i];
      growth.open.add(next_batch, write_batch(commit, row.id, batch, next_batch, now_ms, result));
      for (std::size_t at = 0; at < final_.size(); ++at) {
        ++growth.outcomes[final_[at]];
        --result.moved[batch.outcomes[at]];
        ++result.moved[final_[at]];
      }
      ++growth.batches;
      ++next_batch;
    }
    for (const auto& letter : commit.dead_letters) {
      write_dead_letter(letter, row.id, now_ms);
      ++growth.outcomes[Outcome::dead];
    }
    if (commit.selector) {
      ledger_.keep_selector(row.id, *commit.selector);
    }
    growth.gaps = ledger_.add_gaps(row.id, "gap", commit.gaps);
    growth.open.pass(commit.watermark);
    if (!ledger_.advance(commit, growth, now_ms)) {
      throw SqliteFailure{Errc::unsafe_to_go_on, "one commit names a partition twice"};
    }
    return {.token = commit.token, .seq = commit.seq + 1, .open = std::move(growth.open)};
  }

  /// Returns the batch's highest offset.
  std::int64_t write_batch(const PartitionCommit& commit, std::int64_t partition_id, const ExtractedBatch& extracted,
                           std::int64_t id, std::int64_t now_ms, pipeline::CommitResult& result) {
    const auto& batch = extracted.batch;
    if (batch.empty() || extracted.outcomes.size() != batch.size()) {
      throw SqliteFailure{Errc::unsafe_to_go_on, extracted.id + ": a batch needs an outcome for each message"};
    }
    MemoryCount stored;
    for (const auto& memory : extracted.memories) {
      const auto& first = batch.position(memory.sources.front());
      stored += memories_.insert(memory, batch, {.batch_row = id, .first = first, .now_ms = now_ms});
    }
    result.memories += stored.of_all;
    result.duplicates += static_cast<std::int64_t>(extracted.memories.size()) - stored.of_all;
    result.requests += stored.requests;
    final_ = extracted.outcomes;
    bool backlog_full = stored.unasked > 0;
    std::size_t asked_bytes = 0;
    if (!extracted.meaningful.empty()) {
      const auto made = requests_.plan(extracted, id, now_ms, final_);
      result.requests += made.requests;
      backlog_full = backlog_full || made.backlog_full;
      asked_bytes = made.asked_bytes;
    }
    result.backlog_full += backlog_full ? 1 : 0;
    auto& row = batches_.next();
    positions_.clear();
    row.scores.clear();
    row.noise_bytes = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      positions_.push_back(batch.position(i));
      row.noise_bytes += final_[i] == Outcome::noise ? batch.content(i).size() : 0;
      if (by_value_) {
        row.scores += static_cast<char>(batch.worth(i).score);
        row.scores += static_cast<char>(batch.worth(i).threshold);
      }
    }
    row.id = id;
    row.partition_id = partition_id;
    row.max_offset = std::ranges::max(positions_).offset;
    row.batch_id = extracted.id;
    row.agent_id = batch.agent_id();
    row.positions = pipeline::encode_positions(positions_);
    row.default_ids = !join_message_ids(batch, commit.partition, row.message_ids);
    row.outcomes = outcome_letters(final_);
    row.started_ms = extracted.started_ms;
    row.ended_ms = extracted.ended_ms;
    row.memories = stored.of_batch;
    row.bytes = batch.content_bytes();
    row.chosen_bytes = asked_bytes;
    batches_.add();
    return row.max_offset;
  }

  void write_dead_letter(const pipeline::DeadLetter& letter, std::int64_t partition_id, std::int64_t now_ms) {
    const auto payload = std::string_view{letter.payload}.substr(0, pipeline::dead_letter_payload_bytes_max);
    insert_dead_
        .with(partition_id, letter.position.offset, letter.position.index, letter.position.count, letter.message_id,
              pipeline::name(letter.reason), letter.detail, letter.payload_bytes, letter.timestamp_ms, now_ms,
              Blob{letter.key}, Blob{payload})
        .run();
  }

  Database database_;
  Schema schema_;
  SqliteLedger ledger_;
  BatchRows batches_;
  MemoryTable memories_;
  RequestPlan requests_;
  RequestRows rows_;
  Gathering gathering_;
  Statement insert_dead_, last_batch_;
  pipeline::WallClock clock_;
  pipeline::TierPolicies tiers_;
  bool by_value_;
  std::map<pipeline::TopicPartition, Owned> owned_;  ///< At most one per partition of the streams.
  std::set<pipeline::TopicPartition> reset_;         ///< The same.
  std::vector<Position> positions_;                  ///< Kept for their memory.
  std::vector<Outcome> final_;                       ///< Of the batch being written, once it is decided about models.
};

}  // namespace

pipeline::Result<std::unique_ptr<pipeline::Store>> open_sqlite_store(const SqliteStoreOptions& options,
                                                                     pipeline::WallClock clock) {
  if (options.path.empty()) {
    return pipeline::fail(Errc::invalid_config, "sqlite.path: is empty");
  }
  return guarded([&]() -> std::unique_ptr<pipeline::Store> { return std::make_unique<SqliteStore>(options, clock); });
}

}  // namespace alluvium::connectors
