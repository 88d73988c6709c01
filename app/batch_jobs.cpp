// SPDX-License-Identifier: Apache-2.0
// alluvium batch-jobs: providers' batch jobs, what they hold, and what waits for the next; cancel and resume.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/listing.hpp"
#include "app/output.hpp"
#include "app/store_choice.hpp"
#include "app/table.hpp"
#include "connectors/sqlite_job_list.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

using connectors::JobRow;
using connectors::WaitingRow;

struct Options {
  StoreChoice store;
  std::string action;
  std::int64_t id = 0;
  std::int64_t limit = Listing::rows_default;
  bool json = false;
};

std::string time_text(std::int64_t utc_ms) {
  return utc_ms == 0 ? std::string{} : pipeline::iso8601(utc_ms);
}

/// One word that tells a person how it is.
std::string state_text(const pipeline::StoredJob& job) {
  const bool open = job.phase == pipeline::JobPhase::submitting || job.phase == pipeline::JobPhase::running;
  if (open && job.cancel != pipeline::CancelState::no) {
    return "canceling";
  }
  return std::string{pipeline::name(job.phase)};
}

std::string job_json(const JobRow& row) {
  const auto& job = row.job;
  pipeline::JsonText json;
  json.object().field("job", job.id).field("state", state_text(job)).field("endpoint", job.endpoint);
  json.field("model", job.model).field("tag", job.tag).field("provider_id", job.provider_id);
  json.field("requests", job.requests).field("answered", row.answered()).field("submitted", row.submitted);
  json.field("queued", row.queued).field("degraded", row.degraded).field("parked", row.parked);
  json.field("attempts", job.attempts);
  const auto moments = {std::pair{"created", job.created_ms}, std::pair{"submitted_at", job.submitted_ms},
                        std::pair{"polled", job.polled_ms}, std::pair{"ended", job.ended_ms}};
  for (const auto& [name, ms] : moments) {
    json.key(name);
    ms == 0 ? json.null() : json.value(pipeline::iso8601(ms));
  }
  return json.field("detail", job.detail).end().text();
}

std::string waiting_json(const WaitingRow& row) {
  pipeline::JsonText json;
  json.object().field("tier", row.tier).field("state", row.state).field("requests", row.requests);
  return json.field("messages", row.messages).field("oldest", pipeline::iso8601(row.oldest_ms)).end().text();
}

int list(connectors::SqliteJobList& store, const Options& options) {
  const auto waiting = store.waiting();
  if (!waiting) {
    return report(waiting.error());
  }
  std::vector<Column> columns = {{.title = "JOB", .align = Align::right},
                                 {.title = "STATE"},
                                 {.title = "ENDPOINT", .gives_way = true},
                                 {.title = "PROVIDER'S ID", .gives_way = true},
                                 {.title = "CREATED"}};
  for (const auto* title : {"REQUESTS", "ANSWERED", "IN JOB", "AGAIN", "BACKLOG"}) {
    columns.push_back({.title = title, .align = Align::right});
  }
  Table table{std::move(columns)};
  const auto read = store.jobs(std::min<std::int64_t>(options.limit, table_rows_max), [&](const JobRow& row) {
    if (options.json) {
      return print_line(job_json(row));
    }
    const auto& job = row.job;
    table.add({std::to_string(job.id), state_text(job), job.endpoint, job.provider_id, time_text(job.created_ms),
               with_commas(job.requests), with_commas(row.answered()), with_commas(row.submitted),
               with_commas(row.queued), with_commas(row.degraded + row.parked)});
    return true;
  });
  if (!read) {
    return report(read.error());
  }
  Table waits{{{.title = "TIER"},
               {.title = "WAITING AS"},
               {.title = "REQUESTS", .align = Align::right},
               {.title = "MESSAGES", .align = Align::right},
               {.title = "OLDEST"}}};
  for (const auto& row : *waiting) {
    if (options.json) {
      print_line(waiting_json(row));
      continue;
    }
    waits.add({row.tier, row.state, with_commas(row.requests), with_commas(row.messages), time_text(row.oldest_ms)});
  }
  const bool styled = stdout_is_terminal() && may_style();
  for (const auto* part : {&table, &waits}) {
    if (part->rows() > 0) {
      print((part == &waits && table.rows() > 0 ? "\n" : "") + part->text(table_width(), styled));
    }
  }
  if (!options.json && table.rows() + waits.rows() == 0) {
    complain("no batch jobs, and no requests that wait for one");
  }
  return done;
}

int no_job(const Options& options) {
  complain("no batch job " + std::to_string(options.id));
  return work_failed;
}

int show(connectors::SqliteJobList& store, const Options& options) {
  const auto found = store.job(options.id);
  if (!found) {
    return report(found.error());
  }
  if (!*found) {
    return no_job(options);
  }
  if (options.json) {
    print_line(job_json(**found));
    return done;
  }
  const auto& row = **found;
  const auto& job = row.job;
  print(aligned(
      {{"job", std::to_string(job.id)},
       {"state", state_text(job)},
       {"endpoint", job.endpoint},
       {"model", job.model},
       {"provider's id", job.provider_id},
       {"tag", job.tag},
       {"requests", with_commas(job.requests) + ": " + with_commas(row.answered()) + " answered, " +
                        with_commas(row.submitted) + " in the job, " + with_commas(row.queued) + " to be sent again, " +
                        with_commas(row.degraded) + " degraded, " + with_commas(row.parked) + " parked"},
       {"created", time_text(job.created_ms)},
       {"submitted", time_text(job.submitted_ms) + " after " + std::to_string(job.attempts) + " attempts"},
       {"polled", time_text(job.polled_ms)},
       {"ended", time_text(job.ended_ms)},
       {"detail", job.detail}}));
  return done;
}

int cancel(connectors::SqliteJobList& store, const Options& options) {
  const auto found = store.job(options.id);
  if (!found) {
    return report(found.error());
  }
  if (!*found) {
    return no_job(options);
  }
  const auto canceled = store.cancel(options.id);
  if (!canceled) {
    return report(canceled.error());
  }
  if (!*canceled) {
    complain("batch job " + std::to_string(options.id) + " is over: " + state_text((*found)->job));
    return work_failed;
  }
  print("batch job " + std::to_string(options.id) +
        " will be canceled at its provider; what it does not answer waits for `batch-jobs resume`\n");
  return done;
}

int resume(connectors::SqliteJobList& store, const Options& options) {
  const auto found = store.job(options.id);
  if (!found) {
    return report(found.error());
  }
  if (!*found) {
    return no_job(options);
  }
  const auto resumed = store.resume(options.id);
  if (!resumed) {
    return report(resumed.error());
  }
  print("queued " + with_commas(*resumed) + " requests of batch job " + std::to_string(options.id) + "\n");
  return done;
}

int batch_jobs(const Options& options) {
  if ((options.action == "list") != (options.id == 0)) {
    complain(options.action == "list" ? "list takes no id"
                                      : options.action + ": which job? `batch-jobs list` has them");
    return wrong_usage;
  }
  const auto chosen = chosen_store(options.store);
  if (!chosen) {
    return report(chosen.error());
  }
  const auto store = connectors::SqliteJobList::open(chosen->path);
  if (!store) {
    return report(store.error());
  }
  if (options.action == "list") {
    return list(**store, options);
  }
  if (options.action == "show") {
    return show(**store, options);
  }
  return options.action == "cancel" ? cancel(**store, options) : resume(**store, options);
}

}  // namespace

void add_batch_jobs(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("batch-jobs", "Providers' batch jobs: list, show, cancel or resume them");
  auto options = std::make_shared<Options>();
  command->add_option("action", options->action, "list; show ID; cancel ID; resume ID")
      ->required()
      ->check(CLI::IsMember({"list", "show", "cancel", "resume"}));
  command->add_option("id", options->id, "Which job, by its number")->check(CLI::PositiveNumber);
  command->add_option("--limit", options->limit, "list: at most this many jobs, newest first")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--json", options->json, "One JSON object per line");
  add_store_options(*command, options->store);
  command->callback([options, &exit_code] { exit_code = batch_jobs(*options); });
}

}  // namespace alluvium::app
