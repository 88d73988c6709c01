// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_usage.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_request_rows.hpp"
#include "connectors/sqlite_schema.hpp"
#include "pipeline/job_ports.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::BudgetScope;
using pipeline::Errc;
using pipeline::Money;
using pipeline::Result;

/// Readers wait only while another process recovers or closes the file, setters for a commit.
constexpr std::chrono::milliseconds busy_timeout{5000};

/// What is summed up of calls. Calls without tokens cost nothing, whatever the price.
constexpr std::string_view work_columns =
    "count(DISTINCT batch), sum(outcome <> 'cached'), sum(outcome = 'answered'), sum(outcome = 'possibly_paid'),"
    " sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(memories), coalesce(sum(cost), 0),"
    " sum(cost IS NULL AND prompt_tokens + completion_tokens > 0) FROM calls WHERE ?1 IN ('', month)";

BudgetScope scope_named(std::string_view name) {
  for (const auto scope : {BudgetScope::agent, BudgetScope::org, BudgetScope::global}) {
    if (pipeline::name(scope) == name) {
      return scope;
    }
  }
  throw SqliteFailure{Errc::unsafe_to_go_on, "an account has an unknown scope: " + std::string{name}};
}

class Usage final : public SqliteUsage {
 public:
  explicit Usage(const std::string& path) : database_{path, Database::Mode::read_only, busy_timeout} {
    check_schema(database_, path);
  }

  Result<AccountRow> account(BudgetScope scope, const std::string& key, const std::string& month) override {
    return read([&] {
      AccountRow account{.scope = scope, .key = key};
      auto limit = database_.prepare("SELECT monthly FROM budgets WHERE scope = ?1 AND key = ?2");
      limit.with(pipeline::name(scope), key);
      if (limit.step()) {
        account.limit = Money{limit.integer(0)};
      }
      auto spend = database_.prepare(
          "SELECT spent, reserved, unknown_calls, alerted FROM spend WHERE scope = ?1 AND key = ?2 AND month = ?3");
      spend.with(pipeline::name(scope), key, month);
      if (spend.step()) {
        read_spend(spend, 0, account);
      }
      return account;
    });
  }

  Result<std::vector<AccountRow>> accounts(const std::string& month, std::int64_t limit) override {
    return read([&] {
      auto rows = database_.prepare(
          "SELECT * FROM (SELECT s.scope AS scope, s.key AS key, s.spent AS spent, s.reserved, s.unknown_calls,"
          " s.alerted, b.monthly FROM spend s LEFT JOIN budgets b ON b.scope = s.scope AND b.key = s.key"
          " WHERE s.month = ?1 UNION ALL SELECT b.scope, b.key, 0, 0, 0, NULL, b.monthly FROM budgets b WHERE NOT "
          "EXISTS"
          " (SELECT 1 FROM spend s WHERE s.scope = b.scope AND s.key = b.key AND s.month = ?1))"
          " ORDER BY spent DESC, scope = 'global' DESC, scope DESC, key LIMIT ?2");
      rows.with(month, limit);
      std::vector<AccountRow> all;
      while (rows.step()) {
        auto& account = all.emplace_back();
        account.scope = scope_named(rows.text(0));
        account.key = rows.text(1);
        read_spend(rows, 2, account);
        if (!rows.is_null(6)) {
          account.limit = Money{rows.integer(6)};
        }
      }
      return all;
    });
  }

  Result<std::vector<TierWork>> work(const std::string& month) override {
    return read([&] {
      std::vector<TierWork> all;
      for (const auto* query : {"SELECT tier, ", "SELECT 'all', "}) {
        const bool by_tier = all.empty();
        auto rows = database_.prepare(
            std::string{query}.append(work_columns).append(by_tier ? " GROUP BY tier ORDER BY tier DESC" : ""));
        rows.with(month);
        while (rows.step() && rows.integer(1) > 0) {
          all.push_back(read_work(rows));
        }
        if (all.empty()) {
          break;
        }
      }
      return all;
    });
  }

  Result<std::vector<ModelWorkRow>> models() override {
    return read([&] {
      std::vector<ModelWorkRow> all;
      auto rows = database_.prepare(
          "SELECT tier, model, mode, sum(outcome = 'answered'), sum(CASE outcome WHEN 'answered' THEN messages ELSE 0"
          " END), sum(outcome = 'cached'), sum(memories), sum(prompt_tokens), sum(completion_tokens),"
          " sum(cached_tokens), coalesce(sum(cost), 0), sum(cost IS NULL AND prompt_tokens + completion_tokens > 0)"
          " FROM calls GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3");
      while (rows.step()) {
        auto& row = all.emplace_back();
        row.tier = rows.text(0);
        row.model = rows.text(1);
        row.mode = rows.text(2);
        row.calls = rows.integer(3);
        row.messages = rows.integer(4);
        row.reused = rows.integer(5);
        row.memories = rows.integer(6);
        row.usage = {
            .prompt = rows.integer(7), .completion = rows.integer(8), .cached = rows.integer(9), .cache_write = 0};
        if (rows.integer(11) == 0) {
          row.cost = Money{rows.integer(10)};
        }
      }
      return all;
    });
  }

  Result<StreamShareRow> stream_share() override {
    return read([&] {
      StreamShareRow share;
      auto rows = database_.prepare(
          "SELECT coalesce(sum(bytes), 0), coalesce(sum(noise_bytes), 0), coalesce(sum(chosen_bytes), 0) FROM batches"
          " WHERE partition_id IN (SELECT id FROM partitions WHERE rebuilt = 0)");
      rows.step();
      share = {.bytes = rows.integer(0), .noise = rows.integer(1), .chosen = rows.integer(2)};
      share.waiting = database_.integer("SELECT coalesce(sum(messages), 0) FROM requests");
      share.rule_memories = database_.integer("SELECT count(*) FROM memories WHERE extraction_method = 'rules'");
      return share;
    });
  }

  Result<StoreShape> shape() override {
    return read([&] {
      StoreShape shape;
      shape.messages = database_.integer(
          "SELECT coalesce(sum(extracted + empty + skipped + noise + dead + pending), 0) FROM partitions"
          " WHERE rebuilt = 0");  // What a rebuild has made anew was counted before.
      auto batches = database_.prepare(
          "SELECT count(*), coalesce(sum(instr(outcomes, 's') > 0), 0) FROM batches"
          " WHERE partition_id NOT IN (SELECT id FROM partitions WHERE rebuilt <> 0)");
      batches.step();
      shape.batches = batches.integer(0);
      shape.skipped = batches.integer(1);
      shape.memories = database_.integer("SELECT count(*) FROM memories");
      shape.selected = database_.integer(
          "SELECT count(*) FROM (SELECT batch FROM calls WHERE messages > 0 UNION SELECT batch FROM request_batches)");
      return shape;
    });
  }

  Result<PremiumShare> premium_share(std::size_t min_messages) override {
    return read([&] {
      auto rows = database_.prepare(
          "SELECT count(*), coalesce(sum(batch IN (SELECT batch FROM calls WHERE tier = 'premium')"
          " OR batch IN (SELECT batch FROM requests WHERE tier = 'premium')), 0)"
          " FROM (SELECT DISTINCT batch FROM calls WHERE tier = 'small' AND outcome = 'answered' AND messages >= ?1)");
      rows.with(min_messages);
      rows.step();
      return PremiumShare{.small = rows.integer(0), .premium = rows.integer(1)};
    });
  }

  Result<pipeline::TokenCalibration> calibration(const std::string& model) override {
    return read([&] {
      pipeline::TokenCalibration known;
      auto rows = database_.prepare("SELECT bytes_per_token, samples FROM calibrations WHERE model = ?1");
      rows.with(model);
      if (rows.step()) {
        known = {.bytes_per_token = rows.real(0), .samples = rows.integer(1)};
      }
      return known;
    });
  }

  Result<std::optional<double>> completion_tokens(pipeline::Tier tier, const std::string& model) override {
    return read([&] {
      std::optional<double> mean;
      auto rows = database_.prepare(
          "SELECT avg(completion_tokens) FROM calls WHERE tier = ?1 AND model = ?2"
          " AND outcome = 'answered' AND messages > 0");
      rows.with(pipeline::name(tier), model);
      if (rows.step() && !rows.is_null(0)) {
        mean = rows.real(0);
      }
      return mean;
    });
  }

  Result<void> requests(const std::function<void(const pipeline::StoredRequest&)>& each) override {
    return read([&] {
      auto rows = database_.prepare("SELECT " + std::string{request_columns} + " FROM requests ORDER BY id");
      while (rows.step()) {
        each(read_request(rows));
      }
    });
  }

 private:
  template <class Work>
  auto read(const Work& work) -> Result<std::invoke_result_t<Work>> {
    return guarded([&] {
      const Transaction snapshot{database_, Transaction::Kind::read};
      return work();
    });
  }

  static void read_spend(Statement& row, int first, AccountRow& account) {
    account.spent = {row.integer(first)};
    account.reserved = {row.integer(first + 1)};
    account.unknown_calls = row.integer(first + 2);
    if (!row.is_null(first + 3)) {
      account.alerted = Money{row.integer(first + 3)};
    }
  }

  static TierWork read_work(Statement& row) {
    TierWork work;
    work.tier = row.text(0);
    work.batches = row.integer(1);
    work.calls = row.integer(2);
    work.answers = row.integer(3);
    work.possibly_paid = row.integer(4);
    work.prompt_tokens = row.integer(5);
    work.completion_tokens = row.integer(6);
    work.cached_tokens = row.integer(7);
    work.memories = row.integer(8);
    if (row.integer(10) == 0) {
      work.cost = Money{row.integer(9)};
    }
    return work;
  }

  Database database_;
};

/// Requests that an account's limit may have parked. An index finds those that are parked.
std::int64_t unpark(Database& database, BudgetScope scope, const std::string& key) {
  std::string sql = "UPDATE requests SET due_ms = 0 WHERE state = 'parked' AND due_ms < " +
                    std::to_string(pipeline::until_resumed_ms);  // Those a person cancelled wait for a person.
  switch (scope) {
    case BudgetScope::agent:
      sql += " AND agent_id = ?1";
      break;
    case BudgetScope::org:
      sql += " AND org_id = ?1";
      break;
    case BudgetScope::global:
      break;
  }
  auto update = database.prepare(sql);
  scope == BudgetScope::global ? update.run() : update.with(key).run();
  return database.changes();
}

}  // namespace

Result<std::unique_ptr<SqliteUsage>> SqliteUsage::open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return pipeline::fail(Errc::invalid_config, path + ": there is no store here; `alluvium run` makes one");
  }
  return guarded([&]() -> std::unique_ptr<SqliteUsage> { return std::make_unique<Usage>(path); });
}

Result<std::int64_t> set_budget(const std::string& path, BudgetScope scope, const std::string& key,
                                std::optional<Money> limit, std::int64_t now_ms) {
  return guarded([&] {
    Database database{path, Database::Mode::create, busy_timeout};
    open_schema(database, path);
    Transaction transaction{database, Transaction::Kind::write};
    if (limit) {
      auto set = database.prepare(
          "INSERT INTO budgets(scope, key, monthly, set_ms) VALUES(?1, ?2, ?3, ?4)"
          " ON CONFLICT DO UPDATE SET monthly = ?3, set_ms = ?4");
      set.with(pipeline::name(scope), key, limit->pico, now_ms).run();
    } else {
      auto clear = database.prepare("DELETE FROM budgets WHERE scope = ?1 AND key = ?2");
      clear.with(pipeline::name(scope), key).run();
    }
    const auto due = unpark(database, scope, key);
    transaction.commit();
    return due;
  });
}

}  // namespace alluvium::connectors
