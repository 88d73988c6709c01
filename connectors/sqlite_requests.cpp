// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_requests.hpp"

#include <utility>

#include "connectors/process_identity.hpp"
#include "connectors/sqlite_accounts.hpp"
#include "connectors/sqlite_calls.hpp"
#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_gathering.hpp"
#include "connectors/sqlite_request_rows.hpp"
#include "connectors/sqlite_request_states.hpp"
#include "connectors/sqlite_schema.hpp"
#include "connectors/sqlite_settlement.hpp"
#include "pipeline/failpoint.hpp"

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
  SqliteRequests(const SqliteStoreOptions& options, const pipeline::BudgetOptions& budgets, pipeline::WallClock clock,
                 const Books& books)
      : options_{options},
        database_{options.path, Database::Mode::read_write, options.busy_timeout},
        schema_{database_, options, books},
        rows_{database_},
        accounts_{database_, budgets, books},
        calls_{database_},
        states_{database_},
        settlement_{database_, options.dedupe()},
        gathering_{database_, options.models.tiers, options.models.gathering},
        due_{database_.prepare(
            // The window goes over narrow rows, the texts are read for those that are chosen.
            "SELECT " + std::string{request_columns} +
            " FROM requests JOIN (SELECT id AS chosen, state = 'queued' AS fresh, row_number() OVER"
            "   (PARTITION BY agent_id ORDER BY state = 'queued' DESC, id) AS turn FROM requests"
            "   WHERE tier = ?1 AND mode = ?2 AND state IN ('queued', 'degraded', 'parked') AND due_ms <= ?3"
            "   ORDER BY fresh DESC, turn, chosen LIMIT ?4) ON id = chosen ORDER BY fresh DESC, turn, chosen")},
        lease_{database_.prepare(
            "UPDATE requests SET state = 'sent', attempts = attempts + 1, lease_owner = ?2, lease_ms = ?3, hash = ?4,"
            " endpoint = ?5, model = ?6, reserved = ?7, month = ?8, updated_ms = ?9 WHERE id = ?1")},
        read_{database_.prepare("SELECT " + std::string{request_columns} + " FROM requests WHERE id = ?1")},
        holders_{database_.prepare("SELECT lease_owner, min(lease_ms) FROM requests WHERE state = 'sent' GROUP BY 1")},
        held_{database_.prepare("SELECT id FROM requests WHERE state = 'sent' AND lease_owner = ?1")},
        take_back_{database_.prepare(
            "UPDATE requests SET state = 'queued', attempts = max(0, attempts - 1), lease_owner = '', lease_ms = 0,"
            " reserved = NULL, due_ms = 0, updated_ms = ?2 WHERE id = ?1")},
        renew_{database_.prepare("UPDATE requests SET lease_ms = ?2 WHERE state = 'sent' AND lease_owner = ?1")},
        counts_{database_.prepare("SELECT state, count(*), sum(mode = 'call' AND state IN ('queued', 'sent') AND"
                                  " ((tier = 'small' AND ?1) OR (tier = 'premium' AND ?2)))"
                                  " FROM requests GROUP BY state")},
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
      calls_.forget_answers_before(clock_() - answers_kept_ms);
      return take_back([&](const auto& owner, auto lease_ms) { return owner != us_ && ended(owner, lease_ms); });
    });
  }

  pipeline::Result<std::int64_t> close_gathered() override {
    return write([&] { return gathering_.close_due(clock_()); });
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
    auto reserved = write([&] { return reserve_one(reservation); });
    pipeline::failpoint("model.leased");
    return reserved;
  }

  pipeline::Result<pipeline::Settled> settle(const CallEnd& end, const pipeline::Settlement& settlement) override {
    pipeline::failpoint("model.answered");
    auto done = write([&] {
      const auto row = states_.find(end.request);
      pipeline::Settled settled;
      if (!row) {
        settled.gone = true;
        settle_late(end);
        return settled;
      }
      read_.with(end.request);
      read_.step();
      const auto stored = read_request(read_);
      read_.reset();
      const auto now_ms = clock_();
      settled = stored.request.adjudicates() ? settlement_.decide(stored, settlement, now_ms)
                                             : settlement_.write(stored, row->batch, settlement,
                                                                 options_.models.tiers[Tier::premium].mode, now_ms);
      rows_.remove(stored, row->batch);
      // Of one that another engine has taken over meanwhile, what we had set aside counts as spent already.
      if (end.job != 0 || row->state != "sent" || row->owner == us_) {
        book(accounts_, *row, end);
      }
      // What a verdict takes away was not made by it.
      calls_.add(row->call(end), end, stored.request.adjudicates() ? 0 : settled.memories, settlement.answer);
      pipeline::failpoint("model.in_settlement");
      return settled;
    });
    pipeline::failpoint("model.settled");
    return done;
  }

  pipeline::Result<void> postpone(const CallEnd& end, const pipeline::Postponement& postponement) override {
    return write([&] {
      const auto row = states_.find(end.request);
      const bool ours = row && (end.job == 0 ? row->state == "sent" && row->owner == us_
                                             : row->state == "submitted" && row->job == end.job);
      if (!ours) {
        return;
      }
      states_.put_off(end.request, postponement, clock_());
      book(accounts_, *row, end);
      calls_.add(row->call(end), end, 0, {});
    });
  }

  pipeline::Result<void> put_off(const std::vector<std::int64_t>& requests,
                                 const pipeline::Postponement& postponement) override {
    return write([&] {
      for (const auto id : requests) {
        if (const auto row = states_.find(id); row && row->state != "sent" && row->state != "submitted") {
          states_.put_off(id, postponement, clock_());
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
      const auto& tiers = options_.models.tiers;
      counts_.with(tiers[Tier::small].enabled ? 1 : 0, tiers[Tier::premium].enabled ? 1 : 0);
      while (counts_.step()) {
        const auto state = counts_.text(0);
        auto& of_state = state == "gathering"   ? counts.gathering
                         : state == "queued"    ? counts.queued
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
  /// The answer to a request that someone else has settled: nothing comes of it, but it was paid for.
  void settle_late(const CallEnd& end) {
    if (calls_.recorded(end)) {
      return;
    }
    const AccountRows::Payer payer{end.agent_id, end.org_id, pipeline::month_of(clock_())};
    accounts_.book(payer, end.reserved, end.cost.value_or(Money{}), !end.cost && end.usage.prompt > 0);
    calls_.add({.batch = 0,
                .agent_id = end.agent_id,
                .org_id = end.org_id,
                .tier = std::string{pipeline::name(end.tier)},
                .mode = std::string{pipeline::name(end.job == 0 ? CallMode::call : CallMode::batch)},
                .month = payer.month,
                .messages = end.messages},
               end, 0, {});
  }

  struct Schema {
    Schema(Database& database, const SqliteStoreOptions& options, const Books& books) {
      open_schema(database, options.path);
      open_books(database, books);
      database.limit_cache(options.cache_bytes);
    }
  };
  template <class Work>
  auto write(const Work& work) -> pipeline::Result<std::invoke_result_t<Work>> {
    return in_transaction(database_, work);
  }

  [[nodiscard]] std::int64_t lease_end() const {
    return clock_() + pipeline::lease_time.count();
  }
  [[nodiscard]] bool ended(const std::string& owner, std::int64_t lease_ms) const {
    return lease_ms < clock_() || !may_live(owner);
  }

  Reserved reserve_one(const pipeline::Reservation& wanted) {
    Reserved reserved;
    auto row = states_.find(wanted.request);
    if (!row || row->state == "sent" || row->state == "submitted") {
      return reserved;
    }
    row->payer.month = pipeline::month_of(clock_());
    std::optional<Money> cost = wanted.cost;
    if (auto answer = calls_.answer(wanted.hash)) {
      reserved.answer = std::move(answer);
      reserved.verdict = Reserved::Verdict::cached;
      cost = Money{};
    } else {
      reserved = accounts_.reserve(row->payer, cost);
      if (reserved.verdict != Reserved::Verdict::send) {
        return reserved;
      }
    }
    lease_.with(wanted.request, us_, lease_end(), wanted.hash, wanted.endpoint, wanted.model, cost ? cost->pico : 0,
                row->payer.month, clock_());
    lease_.run();
    return reserved;
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
      const auto row = states_.find(id);
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
      book(accounts_, *row, end);
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
  RequestStates states_;
  SettlementRows settlement_;
  Gathering gathering_;
  Statement due_, lease_, read_, holders_, held_, take_back_, renew_, counts_, revive_;
  std::string us_;
  pipeline::WallClock clock_;
};

}  // namespace

pipeline::Result<std::unique_ptr<pipeline::RequestStore>> open_sqlite_requests(const SqliteStoreOptions& options,
                                                                               const pipeline::BudgetOptions& budgets,
                                                                               pipeline::WallClock clock,
                                                                               const Books& books) {
  return guarded([&]() -> std::unique_ptr<pipeline::RequestStore> {
    return std::make_unique<SqliteRequests>(options, budgets, clock, books);
  });
}

}  // namespace alluvium::connectors
