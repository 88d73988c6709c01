// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_request_rows.hpp"

#include <array>
#include <set>

namespace alluvium::connectors {
namespace {

using pipeline::CallMode;
using pipeline::RequestState;
using pipeline::Tier;

constexpr std::array tiers{Tier::small, Tier::premium};
constexpr std::array modes{CallMode::call, CallMode::batch};
constexpr std::array states{RequestState::gathering, RequestState::queued,   RequestState::sent,
                            RequestState::submitted, RequestState::degraded, RequestState::parked};

/// The batches it is about, ascending; `origin`: the one it was made with.
std::set<std::int64_t> batches_of(const pipeline::ModelRequest& request, std::int64_t origin) {
  std::set<std::int64_t> batches;
  for (const auto batch : request.batches) {
    batches.insert(batch == 0 ? origin : batch);
  }
  return batches;
}

}  // namespace

RequestRows::RequestRows(Database& database)
    : database_{database},
      insert_{database.prepare(
          "INSERT INTO requests(batch, agent_id, org_id, tier, mode, state, halvings, created_ms, updated_ms, messages,"
          " bytes, request, due_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?12, ?6, ?7, ?7, ?8, ?9, ?10, ?11)")},
      rest_on_{database.prepare("INSERT INTO request_batches(batch, request_id) VALUES(?1, ?2) ON CONFLICT DO NOTHING")},
      remove_{database.prepare("DELETE FROM requests WHERE id = ?1")},
      forget_{database.prepare("DELETE FROM request_batches WHERE batch = ?1 AND request_id = ?2")},
      backlog_{database.prepare("SELECT coalesce(sum(state <> 'gathering'), 0), coalesce(sum(bytes), 0) FROM requests"
                                " WHERE state IN ('degraded', 'parked', 'submitted', 'gathering') OR mode = 'batch'")},
      open_{database.prepare("SELECT count(*) FROM requests WHERE mode = 'call' AND (state IN ('queued', 'sent')"
                             " OR (state IN ('degraded', 'parked') AND due_ms <= ?1)) AND ((tier = 'small' AND ?2) OR"
                             " (tier = 'premium' AND ?3))")} {}

std::int64_t RequestRows::insert(const RequestOrigin& origin, CallMode mode, const pipeline::ModelRequest& request,
                                 std::int64_t now_ms, RequestState state) {
  const auto text = pipeline::encode_request(request);
  insert_
      .with(origin.batch, origin.agent_id, origin.org_id, pipeline::name(request.tier), pipeline::name(mode),
            origin.halvings, now_ms, request.places.size(), text.size(), text, origin.due_ms, pipeline::name(state))
      .run();
  const auto id = database_.last_row();
  for (const auto batch : batches_of(request, origin.batch)) {
    rest_on(id, batch);
  }
  return id;
}

void RequestRows::rest_on(std::int64_t request, std::int64_t batch) {
  rest_on_.with(batch, request).run();
}

void RequestRows::remove(const pipeline::StoredRequest& request, std::int64_t batch) {
  for (const auto about : batches_of(request.request, batch)) {
    forget_.with(about, request.id).run();
  }
  remove_.with(request.id).run();
}

RequestRows::Backlog RequestRows::backlog() {
  backlog_.with();
  Backlog backlog;
  if (backlog_.step()) {
    backlog = {.requests = backlog_.integer(0), .bytes = backlog_.integer(1)};
  }
  backlog_.reset();
  return backlog;
}

std::int64_t RequestRows::open_calls(const pipeline::TierPolicies& tiers, std::int64_t now_ms) {
  open_.with(now_ms, tiers[Tier::small].enabled ? 1 : 0, tiers[Tier::premium].enabled ? 1 : 0);
  const auto count = open_.step() ? open_.integer(0) : 0;
  open_.reset();
  return count;
}

pipeline::StoredRequest read_request(Statement& row) {
  const auto tier = named(tiers, row.text(3));
  auto request = pipeline::decode_request(tier, row.text(11));
  if (!request) {
    throw SqliteFailure{request.error().code,
                        "request " + std::to_string(row.integer(0)) + ": " + request.error().detail};
  }
  return {.id = row.integer(0),
          .agent_id = std::string{row.text(1)},
          .org_id = std::string{row.text(2)},
          .request = std::move(*request),
          .mode = named(modes, row.text(4)),
          .state = named(states, row.text(5)),
          .attempts = static_cast<std::size_t>(row.integer(6)),
          .rounds = static_cast<std::size_t>(row.integer(7)),
          .asks = static_cast<std::size_t>(row.integer(8)),
          .halvings = static_cast<std::size_t>(row.integer(9)),
          .due_ms = row.integer(10)};
}

}  // namespace alluvium::connectors
