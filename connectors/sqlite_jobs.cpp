// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_jobs.hpp"

#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "connectors/process_identity.hpp"
#include "connectors/sqlite_job_rows.hpp"
#include "connectors/sqlite_request_rows.hpp"
#include "connectors/sqlite_request_states.hpp"
#include "connectors/sqlite_schema.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Adoption;
using pipeline::JobEntry;
using pipeline::Reserved;
using pipeline::Result;
using pipeline::StoredJob;

constexpr std::size_t tag_digits = 16;

class SqliteJobs final : public pipeline::JobStore {
 public:
  SqliteJobs(const SqliteStoreOptions& options, const pipeline::BudgetOptions& budgets, pipeline::WallClock clock,
             const Books& books)
      : database_{options.path, Database::Mode::read_write, options.busy_timeout},
        schema_{database_, options.path, books},
        accounts_{database_, budgets, books},
        calls_{database_},
        states_{database_},
        due_{database_.prepare("SELECT " + std::string{request_columns} +
                               " FROM requests WHERE state = ?1 AND mode = 'batch' AND tier = ?2 AND due_ms <= ?3"
                               " ORDER BY id LIMIT ?4")},
        twin_{database_.prepare("SELECT 1 FROM requests WHERE state = 'submitted' AND hash = ?1 AND id <> ?2 LIMIT 1")},
        again_{database_.prepare("UPDATE requests SET due_ms = ?2 WHERE id = ?1")},
        begin_{database_.prepare("INSERT INTO jobs(endpoint, model, tag, state, created_ms, lease_owner, lease_ms)"
                                 " VALUES(?1, ?2, ?3, 'submitting', ?4, ?5, ?6) RETURNING id")},
        put_in_{database_.prepare("UPDATE requests SET state = 'submitted', attempts = attempts + 1, job = ?2,"
                                  " custom_id = ?3, hash = ?4, endpoint = ?5, model = ?6, reserved = ?7, month = ?8,"
                                  " updated_ms = ?9 WHERE id = ?1")},
        grow_{database_.prepare("UPDATE jobs SET requests = requests + ?2 WHERE id = ?1")},
        read_{database_.prepare("SELECT " + std::string{job_columns} + " FROM jobs WHERE id = ?1")},
        open_{database_.prepare("SELECT id, lease_owner, lease_ms FROM jobs WHERE endpoint = ?1"
                                " AND state IN ('submitting', 'running') ORDER BY id")},
        take_{database_.prepare("UPDATE jobs SET lease_owner = ?2, lease_ms = ?3 WHERE id = ?1")},
        renew_{database_.prepare("UPDATE jobs SET lease_ms = ?3 WHERE id = ?1 AND lease_owner = ?2")},
        attempt_{database_.prepare("UPDATE jobs SET attempts = attempts + 1, unsure = 1, due_ms = ?2 WHERE id = ?1")},
        attempt_failed_{database_.prepare("UPDATE jobs SET unsure = ?2, due_ms = ?3, detail = ?4 WHERE id = ?1"
                                          " AND state = 'submitting'")},
        holder_{database_.prepare("SELECT j.id, j.by_looks FROM jobs j JOIN jobs us ON us.id = ?1"
                                  " WHERE j.endpoint = us.endpoint AND j.provider_id = ?2 AND j.id <> ?1")},
        submitted_{database_.prepare("UPDATE jobs SET state = 'running', provider_id = ?2, by_looks = ?3, due_ms = ?4,"
                                     " submitted_ms = ?5, unsure = 0, detail = '' WHERE id = ?1")},
        disown_{database_.prepare("UPDATE jobs SET state = 'submitting', unsure = 1, by_looks = 0, due_ms = 0,"
                                  " rejected = trim(rejected || ' ' || provider_id), provider_id = '' WHERE id = ?1")},
        polled_{database_.prepare("UPDATE jobs SET polled_ms = ?2, due_ms = ?3, detail = ?4 WHERE id = ?1")},
        told_{database_.prepare("UPDATE jobs SET cancel = 'told' WHERE id = ?1")},
        entries_{database_.prepare("SELECT " + std::string{request_columns} +
                                   ", custom_id, hash FROM requests WHERE job = ?1 AND id > ?2"
                                   " AND state = 'submitted' ORDER BY id LIMIT ?3")},
        entry_{database_.prepare("SELECT " + std::string{request_columns} +
                                 ", custom_id, hash FROM requests WHERE job = ?1 AND id = ?2"
                                 " AND state = 'submitted' AND custom_id = ?3")},
        finish_{database_.prepare("UPDATE jobs SET state = ?2, detail = ?3, ended_ms = ?4, lease_owner = '',"
                                  " lease_ms = 0 WHERE id = ?1")},
        release_leases_{database_.prepare("UPDATE jobs SET lease_owner = '', lease_ms = 0 WHERE lease_owner = ?1"
                                          " AND state IN ('submitting', 'running')")},
        count_jobs_{database_.prepare("SELECT count(*) FROM jobs WHERE endpoint = ?1"
                                      " AND state IN ('submitting', 'running')")},
        count_waiting_{
            database_.prepare("SELECT count(*) FROM requests WHERE mode = 'batch' AND tier = ?1"
                              " AND (state = 'queued' OR (state IN ('degraded', 'parked') AND due_ms <= ?2))")},
        us_{this_process()},
        clock_{clock} {}

  Result<std::vector<pipeline::StoredRequest>> due(pipeline::Tier tier, std::size_t limit) override {
    return guarded([&] {
      std::vector<pipeline::StoredRequest> all;
      for (const auto* state : {"queued", "degraded", "parked"}) {
        due_.with(std::string_view{state}, pipeline::name(tier), clock_(), limit - all.size());
        while (due_.step()) {
          all.push_back(read_request(due_));
        }
        due_.reset();
      }
      return all;
    });
  }

  Result<pipeline::JobFill> fill(std::int64_t job, const std::vector<pipeline::Reservation>& reservations,
                                 std::int64_t again_ms) override {
    return write([&] {
      pipeline::JobFill fill;
      std::int64_t added = 0;
      for (const auto& wanted : reservations) {
        auto verdict = put_in(job, wanted);
        if (verdict.verdict == Reserved::Verdict::wait) {
          again_.with(wanted.request, again_ms).run();
        }
        added += verdict.verdict == Reserved::Verdict::send ? 1 : 0;
        fill.verdicts.push_back(std::move(verdict));
      }
      if (job != 0) {
        grow_.with(job, added).run();
        fill.job = find(job);
      }
      return fill;
    });
  }

  Result<std::vector<StoredJob>> lease(const std::vector<std::string>& endpoints) override {
    return write([&] {
      std::vector<std::int64_t> ids;
      for (const auto& endpoint : endpoints) {
        open_.with(endpoint);
        while (open_.step()) {
          const std::string owner{open_.text(1)};
          if (owner.empty() || owner == us_ || open_.integer(2) < clock_() || !may_live(owner)) {
            ids.push_back(open_.integer(0));
          }
        }
        open_.reset();
      }
      std::vector<StoredJob> ours;
      for (const auto id : ids) {
        take_.with(id, us_, lease_end()).run();
        if (auto job = find(id)) {
          ours.push_back(std::move(*job));
        }
      }
      return ours;
    });
  }

  Result<bool> renew(std::int64_t job) override {
    return write([&] {
      renew_.with(job, us_, lease_end()).run();
      return database_.changes() == 1;
    });
  }

  Result<void> attempt(std::int64_t job, std::int64_t due_ms) override {
    return write([&] { attempt_.with(job, due_ms).run(); });
  }

  Result<void> attempt_failed(std::int64_t job, bool unsure, std::int64_t due_ms, const std::string& detail) override {
    return write([&] { attempt_failed_.with(job, unsure ? 1 : 0, due_ms, detail).run(); });
  }

  Result<Adoption> submitted(std::int64_t job, const std::string& provider_id, bool by_looks,
                             std::int64_t due_ms) override {
    return write([&] {
      std::optional<std::int64_t> holder;
      bool unproven = false;
      holder_.with(job, provider_id);
      if (holder_.step()) {
        holder = holder_.integer(0);
        unproven = holder_.integer(1) != 0;
      }
      holder_.reset();
      if (holder && (by_looks || !unproven)) {
        return unproven ? Adoption::disputed : Adoption::held;
      }
      if (holder) {
        disown_.with(*holder).run();
      }
      submitted_.with(job, provider_id, by_looks ? 1 : 0, due_ms, clock_()).run();
      return Adoption::taken;
    });
  }

  Result<void> disown(std::int64_t job) override {
    return write([&] { disown_.with(job).run(); });
  }

  Result<void> polled(std::int64_t job, std::int64_t due_ms, const std::string& detail) override {
    return write([&] { polled_.with(job, clock_(), due_ms, detail).run(); });
  }

  Result<void> cancel_told(std::int64_t job) override {
    return write([&] { told_.with(job).run(); });
  }

  Result<std::vector<JobEntry>> entries(std::int64_t job, std::int64_t after, std::size_t limit) override {
    return guarded([&] {
      std::vector<JobEntry> all;
      entries_.with(job, after, limit);
      while (entries_.step()) {
        all.push_back(read_entry(entries_));
      }
      entries_.reset();
      return all;
    });
  }

  Result<std::optional<JobEntry>> entry(std::int64_t job, const std::string& custom_id) override {
    return guarded([&] {
      std::optional<JobEntry> found;
      entry_.with(job, request_of(custom_id), custom_id);
      if (entry_.step()) {
        found = read_entry(entry_);
      }
      entry_.reset();
      return found;
    });
  }

  Result<void> release(std::int64_t job, const std::vector<std::int64_t>& requests, const pipeline::Postponement& how,
                       bool possibly_paid) override {
    return write([&] {
      for (const auto id : requests) {
        const auto row = states_.find(id);
        if (!row || row->state != "submitted" || row->job != job) {
          continue;
        }
        const pipeline::CallEnd end{.request = id,
                                    .hash = row->hash,
                                    .endpoint = row->endpoint,
                                    .model = row->model,
                                    .started_ms = row->updated_ms,
                                    .ended_ms = clock_(),
                                    .usage = {},
                                    .cost = std::nullopt,
                                    .possibly_paid = possibly_paid,
                                    .answer = std::nullopt,
                                    .error = how.reason};
        book(accounts_, *row, end);
        if (possibly_paid) {
          calls_.add(row->call(end), end, 0, {});
        }
        states_.put_off(id, how, clock_());
      }
    });
  }

  Result<void> finish(std::int64_t job, pipeline::JobPhase phase, const std::string& detail) override {
    return write([&] { finish_.with(job, pipeline::name(phase), detail, clock_()).run(); });
  }

  Result<void> release_leases() override {
    return write([&] { release_leases_.with(us_).run(); });
  }

  Result<pipeline::JobCounts> counts(const std::vector<std::string>& endpoints,
                                     const std::vector<pipeline::Tier>& tiers) override {
    return guarded([&] {
      pipeline::JobCounts counts;
      for (const auto& endpoint : endpoints) {
        count_jobs_.with(endpoint);
        counts.open += count_jobs_.step() ? count_jobs_.integer(0) : 0;
        count_jobs_.reset();
      }
      for (const auto tier : tiers) {
        count_waiting_.with(pipeline::name(tier), clock_());
        counts.waiting += count_waiting_.step() ? count_waiting_.integer(0) : 0;
        count_waiting_.reset();
      }
      return counts;
    });
  }

 private:
  struct Schema {
    Schema(Database& database, const std::string& path, const Books& books) {
      open_schema(database, path);
      open_books(database, books);
    }
  };

  template <class Work>
  auto write(const Work& work) -> Result<std::invoke_result_t<Work>> {
    return in_transaction(database_, work);
  }

  [[nodiscard]] std::int64_t lease_end() const {
    return clock_() + pipeline::job_lease_time.count();
  }

  std::optional<StoredJob> find(std::int64_t id) {
    std::optional<StoredJob> job;
    read_.with(id);
    if (read_.step()) {
      job = read_job(read_);
    }
    read_.reset();
    return job;
  }

  /// The number in "r<number>-<hash>"; -1 if it is none of ours.
  static std::int64_t request_of(std::string_view custom_id) {
    std::int64_t id = -1;
    if (custom_id.starts_with('r')) {
      custom_id.remove_prefix(1);
      const auto read = std::from_chars(custom_id.data(), custom_id.data() + custom_id.size(), id);
      return read.ec == std::errc{} ? id : -1;
    }
    return id;
  }

  static JobEntry read_entry(Statement& row) {
    return {.stored = read_request(row), .custom_id = std::string{row.text(12)}, .hash = std::string{row.text(13)}};
  }

  /// `send`: it is in the job, which is begun by the first one.
  Reserved put_in(std::int64_t& job, const pipeline::Reservation& wanted) {
    Reserved reserved;
    auto row = states_.find(wanted.request);
    if (!row || row->state == "sent" || row->state == "submitted") {
      return reserved;
    }
    if (auto answer = calls_.answer(wanted.hash)) {
      reserved.answer = std::move(answer);
      reserved.verdict = Reserved::Verdict::cached;
      return reserved;
    }
    if (has_twin(wanted)) {
      reserved.verdict = Reserved::Verdict::wait;
      return reserved;
    }
    const auto now_ms = clock_();
    row->payer.month = pipeline::month_of(now_ms);
    reserved = accounts_.reserve(row->payer, wanted.cost);
    if (reserved.verdict != Reserved::Verdict::send) {
      return reserved;
    }
    if (job == 0) {
      job = begin(wanted, now_ms);
    }
    const auto custom_id = pipeline::custom_id(wanted.request, wanted.hash);
    put_in_
        .with(wanted.request, job, custom_id, wanted.hash, wanted.endpoint, wanted.model,
              wanted.cost.value_or(pipeline::Money{}).pico, row->payer.month, now_ms)
        .run();
    return reserved;
  }

  bool has_twin(const pipeline::Reservation& wanted) {
    twin_.with(wanted.hash, wanted.request);
    const bool found = twin_.step();
    twin_.reset();
    return found;
  }

  std::int64_t begin(const pipeline::Reservation& first, std::int64_t now_ms) {
    // A second try at the same request, or another store's with the same number, gets another tag.
    const auto tag = "alluvium-" + pipeline::request_hash(us_ + "/" + std::to_string(now_ms),
                                                          std::to_string(first.request) + "/" + first.hash)
                                       .substr(0, tag_digits);
    begin_.with(first.endpoint, first.model, tag, now_ms, us_, lease_end());
    const auto id = begin_.step() ? begin_.integer(0) : 0;
    begin_.reset();
    return id;
  }

  Database database_;
  Schema schema_;
  AccountRows accounts_;
  CallRows calls_;
  RequestStates states_;
  Statement due_, twin_, again_, begin_, put_in_, grow_, read_, open_, take_, renew_, attempt_, attempt_failed_,
      holder_, submitted_, disown_, polled_, told_, entries_, entry_, finish_, release_leases_, count_jobs_,
      count_waiting_;
  std::string us_;
  pipeline::WallClock clock_;
};

}  // namespace

Result<std::unique_ptr<pipeline::JobStore>> open_sqlite_jobs(const SqliteStoreOptions& options,
                                                             const pipeline::BudgetOptions& budgets,
                                                             pipeline::WallClock clock, const Books& books) {
  return guarded([&]() -> std::unique_ptr<pipeline::JobStore> {
    return std::make_unique<SqliteJobs>(options, budgets, clock, books);
  });
}

}  // namespace alluvium::connectors
