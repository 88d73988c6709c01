// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_job_list.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "connectors/sqlite_job_rows.hpp"
#include "connectors/sqlite_schema.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Result;

constexpr std::chrono::milliseconds busy_timeout{5000};

class JobList final : public SqliteJobList {
 public:
  explicit JobList(const std::string& path) : path_{path}, database_{path, Database::Mode::read_only, busy_timeout} {
    check_schema(database_, path);
  }

  Result<void> jobs(std::int64_t limit, const std::function<bool(const JobRow&)>& each) override {
    return guarded([&] {
      Transaction snapshot{database_, Transaction::Kind::read};
      auto rows = database_.prepare("SELECT " + std::string{job_columns} + " FROM jobs ORDER BY id DESC LIMIT ?1");
      rows.with(limit);
      while (rows.step() && each(with_requests(read_job(rows)))) {
      }
    });
  }

  Result<std::optional<JobRow>> job(std::int64_t id) override {
    return guarded([&]() -> std::optional<JobRow> {
      Transaction snapshot{database_, Transaction::Kind::read};
      auto row = database_.prepare("SELECT " + std::string{job_columns} + " FROM jobs WHERE id = ?1");
      row.with(id);
      if (!row.step()) {
        return std::nullopt;
      }
      return with_requests(read_job(row));
    });
  }

  Result<std::vector<WaitingRow>> waiting() override {
    return guarded([&] {
      std::vector<WaitingRow> all;
      auto rows = database_.prepare(
          "SELECT tier, state, count(*), sum(messages), min(created_ms) FROM requests"
          " WHERE mode = 'batch' GROUP BY tier, state ORDER BY tier DESC, state");
      while (rows.step()) {
        all.push_back({.tier = std::string{rows.text(0)},
                       .state = std::string{rows.text(1)},
                       .requests = rows.integer(2),
                       .messages = rows.integer(3),
                       .oldest_ms = rows.integer(4)});
      }
      return all;
    });
  }

  Result<bool> cancel(std::int64_t id) override {
    return changed([&](Database& database) {
      auto cancel = database.prepare(
          "UPDATE jobs SET cancel = CASE cancel WHEN 'no' THEN 'wanted' ELSE cancel END"
          " WHERE id = ?1 AND state IN ('submitting', 'running')");
      cancel.with(id).run();
      return database.changes() > 0;
    });
  }

  Result<std::int64_t> resume(std::int64_t id) override {
    return changed([&](Database& database) {
      auto go_on = database.prepare("UPDATE jobs SET cancel = 'no' WHERE id = ?1 AND cancel = 'wanted'");
      go_on.with(id).run();
      auto queue = database.prepare(
          "UPDATE requests SET state = 'queued', due_ms = 0, attempts = 0 WHERE job = ?1"
          " AND state IN ('queued', 'parked', 'degraded')");
      queue.with(id).run();
      return database.changes();
    });
  }

 private:
  template <class Work>
  auto changed(const Work& work) -> Result<std::invoke_result_t<Work, Database&>> {
    return guarded([&] {
      Database writing{path_, Database::Mode::read_write, busy_timeout};
      Transaction transaction{writing, Transaction::Kind::write};
      auto result = work(writing);
      transaction.commit();
      return result;
    });
  }

  JobRow with_requests(pipeline::StoredJob job) {
    JobRow row{.job = std::move(job)};
    auto counts = database_.prepare("SELECT state, count(*) FROM requests WHERE job = ?1 GROUP BY state");
    counts.with(row.job.id);
    while (counts.step()) {
      const auto state = counts.text(0);
      auto& count = state == "submitted"  ? row.submitted
                    : state == "degraded" ? row.degraded
                    : state == "parked"   ? row.parked
                                          : row.queued;
      count += counts.integer(1);
    }
    return row;
  }

  std::string path_;
  Database database_;
};

}  // namespace

Result<std::unique_ptr<SqliteJobList>> SqliteJobList::open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return pipeline::fail(pipeline::Errc::invalid_config, path + ": there is no store here; `alluvium run` makes one");
  }
  return guarded([&]() -> std::unique_ptr<SqliteJobList> { return std::make_unique<JobList>(path); });
}

}  // namespace alluvium::connectors
