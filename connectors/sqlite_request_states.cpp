// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_request_states.hpp"

namespace alluvium::connectors {

using pipeline::Money;

CallRow RequestHead::call(const pipeline::CallEnd& end) const {
  return {.batch = batch,
          .agent_id = payer.agent_id,
          .org_id = payer.org_id,
          .tier = tier,
          .mode = mode,
          .month = payer.month.empty() ? pipeline::month_of(end.ended_ms) : payer.month,
          .messages = messages};
}

RequestStates::RequestStates(Database& database)
    : find_{database.prepare("SELECT agent_id, org_id, state, tier, mode, batch, reserved, month, messages, hash,"
                             " endpoint, model, lease_owner, updated_ms, job FROM requests WHERE id = ?1")},
      postpone_{database.prepare(
          "UPDATE requests SET state = ?2, due_ms = ?3, asks = asks + ?4, attempts = CASE ?5 WHEN 1 THEN 0 ELSE"
          " attempts END, rounds = rounds + ?5, mode = coalesce(?6, mode), reason = ?7, lease_owner = '',"
          " lease_ms = 0, reserved = NULL, updated_ms = ?8 WHERE id = ?1")} {}

std::optional<RequestHead> RequestStates::find(std::int64_t id) {
  std::optional<RequestHead> row;
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
    row->job = find_.integer(14);
  }
  find_.reset();
  return row;
}

void RequestStates::put_off(std::int64_t id, const pipeline::Postponement& how, std::int64_t now_ms) {
  const auto bind = [&](const auto& mode) {
    postpone_
        .with(id, pipeline::name(how.state), how.due_ms, how.asked ? 1 : 0, how.new_round ? 1 : 0, mode, how.reason,
              now_ms)
        .run();
  };
  how.mode ? bind(pipeline::name(*how.mode)) : bind(nullptr);
}

void book(AccountRows& accounts, const RequestHead& row, const pipeline::CallEnd& end) {
  const auto reserved = row.reserved.value_or(Money{});
  const auto spent = end.possibly_paid ? reserved : end.cost.value_or(Money{});
  const bool unknown = !end.from_cache && !end.cost && end.usage.prompt + end.usage.completion > 0;
  auto payer = row.payer;
  if (payer.month.empty()) {
    payer.month = pipeline::month_of(end.ended_ms);
  }
  accounts.book(payer, reserved, spent, unknown);
}

}  // namespace alluvium::connectors
