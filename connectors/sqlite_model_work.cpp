// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_model_work.hpp"

#include <algorithm>

#include "connectors/sqlite_request_rows.hpp"

namespace alluvium::connectors {

using pipeline::Outcome;

CallSums read_call_sums(Statement& row) {
  CallSums sums;
  sums.tier = row.text(0);
  sums.model = row.text(1);
  sums.outcome = row.text(2);
  sums.calls = row.integer(3);
  sums.prompt_tokens = row.integer(4);
  sums.completion_tokens = row.integer(5);
  sums.cached_tokens = row.integer(6);
  sums.memories = row.integer(7);
  if (row.integer(9) == 0) {
    sums.cost = pipeline::Money{row.integer(8)};
  }
  return sums;
}

ModelWork::ModelWork(Database& database) {
  if (database.integer("SELECT EXISTS(SELECT 1 FROM calls)") != 0) {
    calls_.emplace(
        database.prepare(std::string{call_sums_query} + " WHERE batch = ?1 GROUP BY 1, 2, 3 ORDER BY min(id)"));
  }
  if (database.integer("SELECT EXISTS(SELECT 1 FROM requests)") != 0) {
    requests_.emplace(
        database.prepare("SELECT id, tier, mode, state, attempts, due_ms, messages, reason, created_ms FROM requests"
                         " WHERE id IN (SELECT request_id FROM request_batches WHERE batch = ?1) ORDER BY id"));
    texts_.emplace(
        database.prepare("SELECT " + std::string{request_columns} +
                         ", batch FROM requests WHERE id IN (SELECT request_id FROM request_batches WHERE batch = ?1)"
                         " ORDER BY id"));
  }
}

void ModelWork::add_to(BatchRow& batch, std::int64_t row, bool places) {
  if (calls_) {
    add_calls(batch, row);
  }
  if (requests_) {
    add_requests(batch, row, places);
  }
  const auto waits_in_backlog = [](const RequestRow& request) {
    return request.state == "degraded" || request.state == "parked";
  };
  if (batch.outcome != "extracted" && (std::ranges::any_of(batch.requests, waits_in_backlog) ||
                                       std::ranges::find(batch.outcomes, Outcome::dead) != batch.outcomes.end())) {
    batch.outcome = "error";
  }
}

void ModelWork::add_calls(BatchRow& batch, std::int64_t row) {
  calls_->with(row);
  while (calls_->step()) {
    batch.calls.push_back(read_call_sums(*calls_));
  }
  calls_->reset();
}

void ModelWork::add_requests(BatchRow& batch, std::int64_t row, bool places) {
  requests_->with(row);
  while (requests_->step()) {
    auto& request = batch.requests.emplace_back();
    request.number = requests_->integer(0);
    request.tier = requests_->text(1);
    request.mode = requests_->text(2);
    request.state = requests_->text(3);
    request.attempts = requests_->integer(4);
    request.due_ms = requests_->integer(5);
    request.messages = requests_->integer(6);
    request.reason = requests_->text(7);
    request.created_ms = requests_->integer(8);
  }
  requests_->reset();
  if (!places || batch.requests.empty()) {
    return;
  }
  texts_->with(row);
  for (auto& request : batch.requests) {
    if (!texts_->step()) {
      break;
    }
    const auto about = read_request(*texts_).request;
    const auto origin = texts_->integer(request_columns_count);
    for (std::size_t i = 0; i < about.places.size(); ++i) {
      if ((about.batches[i] == 0 ? origin : about.batches[i]) == row) {
        request.places.push_back(about.places[i]);
      }
    }
  }
  texts_->reset();
}

}  // namespace alluvium::connectors
