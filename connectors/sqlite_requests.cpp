// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_requests.hpp"

#include <utility>

#include "connectors/process_identity.hpp"
#include "connectors/sqlite_accounts.hpp"
#include "connectors/sqlite_calls.hpp"
#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_request_rows.hpp"
#include "connectors/sqlite_schema.hpp"
#include "connectors/sqlite_settlement.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::CallEnd;
using pipeline::CallMode;
using pipeline::Money;
using pipeline::Reserved;
using pipeline::StoredRequest;
using pipeline::Tier;

class SqliteRequests final : public pipeline::RequestStore {
 public:
  SqliteRequests(const SqliteStoreOptions& options, const pipeline::BudgetOptions& budgets, pipeline::WallClock clock)
      : options_{options},
        database_{options.path, Database::Mode::read_write, options.busy_timeout},
        schema_{database_, options.path},
        rows_{database_},
        accounts_{database_, budgets},
        calls_{database_},
        settlement_{database_},
        due_{database_.prepare(
            "SELECT " + std::string{request_columns} +
            " FROM (SELECT *, row_number() OVER (PARTITION BY agent_id ORDER BY state = 'queued' DESC, id) AS turn"
            "       FROM requests WHERE tier = ?1 AND mode = ?2 AND state IN ('queued', 'degraded', 'parked')"
            "       AND due_ms <= ?3) ORDER BY state = 'queued' DESC, turn, id LIMIT ?4")},
        find_{database_.prepare("SELECT agent_id, org_id, state, tier, mode, batch, reserved, month, messages, hash,"
                                " endpoint, model, lease_owner, updated_ms FROM requests WHERE id = ?1")},
        lease_{database_.prepare(
            "UPDATE requests SET state = 'sent', attempts = attempts + 1, lease_owner = ?2, lease_ms = ?3, hash = ?4,"
            " endpoint = ?5, model = ?6, reserved = ?7, month = ?8, updated_ms = ?9 WHERE id = ?1")},
        read_{database_.prepare("SELECT " + std::string{request_columns} + " FROM requests WHERE id = ?1")},
        remove_{database_.prepare("DELETE FROM requests WHERE id = ?1")},
        postpone_{database_.prepare(
            "UPDATE requests SET state = ?2, due_ms = ?3, asks = asks + ?4, attempts = CASE ?5 WHEN 1 THEN 0 ELSE"
            " attempts END, rounds = rounds + ?5, mode = coalesce(?6, mode), reason = ?7, lease_owner = '',"
            " lease_ms = 0, reserved = NULL, updated_ms = ?8 WHERE id = ?1")},
        holders_{database_.prepare("SELECT lease_owner, min(lease_ms) FROM requests WHERE state = 'sent' GROUP BY 1")},
        held_{database_.prepare("SELECT id FROM requests WHERE state = 'sent' AND lease_owner = ?1")},
        take_back_{database_.prepare(
            "UPDATE requests SET state = 'queued', attempts = max(0, attempts - 1), lease_owner = '', lease_ms = 0,"
            " reserved = NULL, due_ms = 0, updated_ms = ?2 WHERE id = ?1")},
        renew_{database_.prepare("UPDATE requests SET lease_ms = ?2 WHERE state = 'sent' AND lease_owner = ?1")},
        counts_{database_.prepare("SELECT state, count(*), sum(mode = 'call' AND (state IN ('queued', 'sent') OR"
                                  " (state = 'degraded' AND due_ms <= ?1))) FROM requests GROUP BY state")},
        revive_{database_.prepare("UPDATE requests SET due_ms = 0 WHERE state = 'degraded' AND tier = ?1")},
        us_{this_process()},
        clock_{clock} {
    calls_.forget_answers_before(clock_() - answers_kept_ms);
  }

  pipeline::Result<std::int64_t> recover() override {
    return write([&] {
      return take_back([&](const auto& owner, auto lease_ms) { return owner == us_ || ended(owner, lease_ms); });
    });
  }
  pipeline::Result<std::int64_t> recover_others() override {
    return write([&] {
      return take_back([&](const auto& owner, auto lease_ms) { return owner != us_ && ended(owner, lease_ms); });
    });
  }

  pipeline::Result<void> revive(Tier tier) override {
    return write([&] { revive_.with(pipeline::name(tier)).run(); });
  }

  pipeline::Result<std::vector<StoredRequest>> due(Tier tier, CallMode mode, std::size_t limit) override {
    return guarded([&] {
      std::vector<StoredRequest> all;
      due_.with(pipeline::name(tier), pipeline::name(mode), clock_(), limit);
      while (due_.step()) {
        all.push_back(read_request(due_));
      }
      due_.reset();
      return all;
    });
  }

  pipeline::Result<Reserved> reserve(const pipeline::Reservation& reservation) override {
    return write([&] { return reserve_one(reservation); });
  }

  pipeline::Result<pipeline::Settled> settle(const CallEnd& end, const pipeline::Settlement& settlement) override {
    return write([&] {
      const auto row = find(end.request);
      pipeline::Settled settled;
      if (!row) {
        settled.gone = true;
        return settled;
      }
      read_.with(end.request);
      read_.step();
      const auto stored = read_request(read_);
      read_.reset();
      const auto now_ms = clock_();
      settled = settlement_.write(stored, row->batch, settlement, options_.models.tiers[Tier::premium].mode, now_ms);
      remove_.with(end.request).run();
      book(*row, end);
      calls_.add(row->call(end), end, settled.memories, settlement.answer);
      return settled;
    });
  }

  pipeline::Result<void> postpone(const CallEnd& end, const pipeline::Postponement& postponement) override {
    return write([&] {
      const auto row = find(end.request);
      if (!row || row->state != "sent" || row->owner != us_) {
        return;
      }
      put_off_one(end.request, postponement);
      book(*row, end);
      calls_.add(row->call(end), end, 0, {});
    });
  }

  pipeline::Result<void> put_off(const std::vector<std::int64_t>& requests,
                                 const pipeline::Postponement& postponement) override {
    return write([&] {
      for (const auto id : requests) {
        if (const auto row = find(id); row && row->state != "sent" && row->state != "submitted") {
          put_off_one(id, postponement);
        }
      }
    });
  }

  pipeline::Result<void> renew_leases() override {
    return write([&] { renew_.with(us_, lease_end()).run(); });
  }

  pipeline::Result<pipeline::RequestCounts> counts() override {
    return guarded([&] {
      pipeline::RequestCounts counts;
      counts_.with(clock_());
      while (counts_.step()) {
        const auto state = counts_.text(0);
        auto& of_state = state == "queued"      ? counts.queued
                         : state == "sent"      ? counts.sent
                         : state == "submitted" ? counts.submitted
                         : state == "degraded"  ? counts.degraded
                                                : counts.parked;
        of_state += counts_.integer(1);
        counts.open_calls += counts_.integer(2);
      }
      counts_.reset();
      return counts;
    });
  }

  pipeline::Result<pipeline::TokenCalibration> calibration(const std::string& model) override {
    return guarded([&] { return calls_.calibration(model); });
  }

  pipeline::Result<bool> has_answered(const std::string& endpoint, const std::string& model) override {
    return guarded([&] { return calls_.has_answered(endpoint, model); });
  }

 private:
  struct Schema {
    Schema(Database& database, const std::string& path) {
      open_schema(database, path);
    }
  };
  struct Row {
    AccountRows::Payer payer;
    std::string state, tier, mode, hash, endpoint, model, owner;
    std::int64_t batch = 0, messages = 0, updated_ms = 0;
    std::optional<Money> reserved;

    [[nodiscard]] CallRow call(const CallEnd& end) const {
      return {.batch = batch,
              .agent_id = payer.agent_id,
              .org_id = payer.org_id,
              .tier = tier,
              .mode = mode,
              .month = payer.month.empty() ? pipeline::month_of(end.ended_ms) : payer.month,
              .messages = messages};
    }
  };

  template <class Work>
  auto write(const Work& work) -> pipeline::Result<std::invoke_result_t<Work>> {
    return guarded([&] {
      Transaction transaction{database_, Transaction::Kind::write};
      if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
        work();
        transaction.commit();
      } else {
        auto result = work();
        transaction.commit();
        return result;
      }
    });
  }

  [[nodiscard]] std::int64_t lease_end() const {
    return clock_() + pipeline::lease_time.count();
  }
  [[nodiscard]] bool ended(const std::string& owner, std::int64_t lease_ms) const {
    return lease_ms < clock_() || !may_live(owner);
  }

  std::optional<Row> find(std::int64_t id) {
    std::optional<Row> row;
    find_.with(id);
    if (find_.step()) {
      row.emplace();
      row->payer = {std::string{find_.text(0)}, std::string{find_.text(1)}, std::string{find_.text(7)}};
      row->state = find_.text(2);
      row->tier = find_.text(3);
      row->mode = find_.text(4);
      row->batch = find_.integer(5);
      if (!find_.is_null(6)) {
        row->reserved = Money{find_.integer(6)};
      }
      row->messages = find_.integer(8);
      row->hash = find_.text(9);
      row->endpoint = find_.text(10);
      row->model = find_.text(11);
      row->owner = find_.text(12);
      row->updated_ms = find_.integer(13);
    }
    find_.reset();
    return row;
  }

  Reserved reserve_one(const pipeline::Reservation& wanted) {
    Reserved reserved;
    auto row = find(wanted.request);
    if (!row || row->state == "sent" || row->state == "submitted") {
      return reserved;
    }
    reserved.answer = calls_.answer(wanted.hash);
    row->payer.month = pipeline::month_of(clock_());
    const auto cost = reserved.answer ? std::optional{Money{}} : wanted.cost;
    auto accounts = accounts_.accounts(row->payer);
    if (!reserved.answer) {
      if (const auto* exceeded = out_of(accounts, cost)) {
        reserved.exceeded = *exceeded;
        for (auto& account : accounts) {
          account.reserved = {};
        }
        reserved.verdict =
            cost && pipeline::fits(accounts, *cost) ? Reserved::Verdict::wait : Reserved::Verdict::refused;
        reserved.alert = reserved.verdict == Reserved::Verdict::refused &&
                         accounts_.note_alert(*reserved.exceeded, row->payer.month);
        return reserved;
      }
    }
    if (cost) {
      accounts_.set_aside(row->payer, *cost);
    }
    lease_.with(wanted.request, us_, lease_end(), wanted.hash, wanted.endpoint, wanted.model, cost ? cost->pico : 0,
                row->payer.month, clock_());
    lease_.run();
    reserved.verdict = reserved.answer ? Reserved::Verdict::cached : Reserved::Verdict::send;
    return reserved;
  }

  /// The account that can't pay for it: with an unknown price, the first that has a limit at all.
  static const pipeline::Account* out_of(const std::vector<pipeline::Account>& accounts, std::optional<Money> cost) {
    if (cost) {
      return pipeline::first_exceeded(accounts, *cost);
    }
    for (const auto& account : accounts) {
      if (account.limit) {
        return &account;
      }
    }
    return nullptr;
  }

  void book(const Row& row, const CallEnd& end) {
    const auto reserved = row.reserved.value_or(Money{});
    const auto spent = end.possibly_paid ? reserved : end.cost.value_or(Money{});
    const bool unknown = !end.from_cache && !end.cost && end.usage.prompt + end.usage.completion > 0;
    auto payer = row.payer;
    if (payer.month.empty()) {
      payer.month = pipeline::month_of(end.ended_ms);
    }
    accounts_.book(payer, reserved, spent, unknown);
  }

  void put_off_one(std::int64_t id, const pipeline::Postponement& how) {
    const auto bind = [&](const auto& mode) {
      postpone_
          .with(id, pipeline::name(how.state), how.due_ms, how.asked ? 1 : 0, how.new_round ? 1 : 0, mode, how.reason,
                clock_())
          .run();
    };
    how.mode ? bind(pipeline::name(*how.mode)) : bind(nullptr);
  }

  /// What is under way at holders that `gone` names: sent, and nobody knows whether it was paid for.
  template <class Gone>
  std::int64_t take_back(const Gone& gone) {
    std::vector<std::string> owners;
    holders_.with();
    while (holders_.step()) {
      if (const std::string owner{holders_.text(0)}; gone(owner, holders_.integer(1))) {
        owners.push_back(owner);
      }
    }
    holders_.reset();
    std::vector<std::int64_t> ids;
    for (const auto& owner : owners) {
      held_.with(owner);
      while (held_.step()) {
        ids.push_back(held_.integer(0));
      }
      held_.reset();
    }
    for (const auto id : ids) {
      const auto row = find(id);
      CallEnd end{.request = id,
                  .hash = row->hash,
                  .endpoint = row->endpoint,
                  .model = row->model,
                  .started_ms = row->updated_ms,
                  .ended_ms = clock_(),
                  .usage = {},
                  .cost = std::nullopt,
                  .possibly_paid = true,
                  .answer = std::nullopt,
                  .error = "the engine ended while it waited for the reply"};
      book(*row, end);
      calls_.add(row->call(end), end, 0, {});
      take_back_.with(id, clock_()).run();
    }
    return static_cast<std::int64_t>(ids.size());
  }

  SqliteStoreOptions options_;
  Database database_;
  Schema schema_;
  RequestRows rows_;
  AccountRows accounts_;
  CallRows calls_;
  SettlementRows settlement_;
  Statement due_, find_, lease_, read_, remove_, postpone_, holders_, held_, take_back_, renew_, counts_, revive_;
  std::string us_;
  pipeline::WallClock clock_;
};

}  // namespace

pipeline::Result<std::unique_ptr<pipeline::RequestStore>> open_sqlite_requests(const SqliteStoreOptions& options,
                                                                               const pipeline::BudgetOptions& budgets,
                                                                               pipeline::WallClock clock) {
  return guarded([&]() -> std::unique_ptr<pipeline::RequestStore> {
    return std::make_unique<SqliteRequests>(options, budgets, clock);
  });
}

}  // namespace alluvium::connectors
