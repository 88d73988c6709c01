// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_gathering.hpp"

#include <limits>
#include <map>
#include <utility>

namespace alluvium::connectors {
namespace {

using pipeline::RequestState;
using pipeline::Tier;

/// The tiers for what was gathered: it was chosen, so it is asked about however little company it found.
std::vector<Tier> tiers_for(const pipeline::TierPolicies& policies, std::size_t messages) {
  auto tiers = pipeline::first_tiers(policies, messages);
  for (const auto tier : {Tier::small, Tier::premium}) {
    if (tiers.empty() && policies[tier].enabled) {
      tiers.push_back(tier);
    }
  }
  return tiers;
}

}  // namespace

Gathering::Gathering(Database& database, const pipeline::TierPolicies& tiers, const GatheringOptions& options)
    : tiers_{tiers},
      options_{options},
      rows_{database},
      find_{database.prepare("SELECT " + std::string{request_columns} +
                             " FROM requests WHERE state = 'gathering' AND agent_id = ?1 AND org_id = ?2")},
      update_{database.prepare("UPDATE requests SET messages = ?2, bytes = ?3, request = ?4, updated_ms = ?5"
                               " WHERE id = ?1")},
      queue_{database.prepare("UPDATE requests SET state = 'queued', tier = ?2, mode = ?3, due_ms = 0, updated_ms = ?4"
                              " WHERE id = ?1")},
      due_{database.prepare("SELECT " + std::string{request_columns} +
                            ", batch FROM requests"
                            " WHERE state = 'gathering' AND due_ms <= ?1 ORDER BY due_ms LIMIT ?2")},
      open_{database.prepare("SELECT count(*) FROM requests WHERE state = 'gathering'")} {}

std::int64_t Gathering::add(const pipeline::Batch& batch, std::int64_t row, const std::vector<std::uint32_t>& places,
                            std::int64_t now_ms) {
  std::map<std::string, std::vector<std::uint32_t>> of_org;
  for (const auto place : places) {
    of_org[std::string{batch[place].org_id}].push_back(place);
  }
  std::int64_t queued = 0;
  for (const auto& [org_id, chosen] : of_org) {
    const RequestOrigin origin{.batch = row,
                               .agent_id = batch.agent_id(),
                               .org_id = org_id,
                               .halvings = 0,
                               .due_ms = now_ms + options_.wait_max.count()};
    auto gathered = find(batch.agent_id(), org_id);
    std::vector<std::uint32_t> fitting;  // Of this batch, not yet in `gathered`.
    std::size_t bytes = gathered.request.messages.content_bytes();
    const auto take = [&] {
      auto more = pipeline::make_request(gathered.request.tier, batch, fitting);
      more.batches.assign(fitting.size(), row);
      keep(origin, gathered, more, now_ms);
      fitting.clear();
    };
    const auto close_it = [&] {
      take();
      queued += close(gathered.id, origin, gathered.request, now_ms);
      gathered = find(batch.agent_id(), org_id);
      bytes = 0;
    };
    for (const auto place : chosen) {
      const auto size = batch.content(place).size();
      if (bytes > 0 && bytes + size > pipeline::request_content_bytes_max) {
        close_it();
      }
      fitting.push_back(place);
      bytes += size;
      if (gathered.request.messages.size() + fitting.size() >= options_.messages_max) {
        close_it();
      }
    }
    if (!fitting.empty()) {
      take();
    }
  }
  return queued;
}

std::int64_t Gathering::close_due(std::int64_t now_ms) {
  return close_until(now_ms, now_ms);
}

std::int64_t Gathering::close_all(std::int64_t now_ms) {
  return close_until(std::numeric_limits<std::int64_t>::max(), now_ms);
}

std::int64_t Gathering::open() {
  if (!tiers_.any()) {
    return 0;
  }
  open_.with();
  const auto count = open_.step() ? open_.integer(0) : 0;
  open_.reset();
  return count;
}

std::int64_t Gathering::close_until(std::int64_t due_ms, std::int64_t now_ms) {
  std::int64_t queued = 0;
  if (!tiers_.any()) {
    return queued;
  }
  std::vector<std::pair<pipeline::StoredRequest, RequestOrigin>> due;
  due_.with(due_ms, closed_at_once_max);
  while (due_.step()) {
    auto stored = read_request(due_);
    RequestOrigin origin{.batch = due_.integer(request_columns_count),
                         .agent_id = stored.agent_id,
                         .org_id = stored.org_id,
                         .halvings = 0,
                         .due_ms = 0};
    due.emplace_back(std::move(stored), std::move(origin));
  }
  due_.reset();
  for (const auto& [stored, origin] : due) {
    queued += close(stored.id, origin, stored.request, now_ms);
  }
  return queued;
}

Gathering::Gathered Gathering::find(const std::string& agent_id, const std::string& org_id) {
  Gathered gathered{.id = 0,
                    .request = {.tier = tiers_for(tiers_, options_.messages_max).front(),
                                .messages = pipeline::Batch{agent_id},
                                .places = {},
                                .batches = {}}};
  find_.with(agent_id, org_id);
  if (find_.step()) {
    auto stored = read_request(find_);
    gathered = {.id = stored.id, .request = std::move(stored.request)};
  }
  find_.reset();
  return gathered;
}

void Gathering::keep(const RequestOrigin& origin, Gathered& gathered, const pipeline::ModelRequest& more,
                     std::int64_t now_ms) {
  if (more.places.empty()) {
    return;
  }
  pipeline::append(gathered.request, more);
  if (gathered.id == 0) {
    gathered.id =
        rows_.insert(origin, tiers_[gathered.request.tier].mode, gathered.request, now_ms, RequestState::gathering);
    return;
  }
  const auto text = pipeline::encode_request(gathered.request);
  update_.with(gathered.id, gathered.request.places.size(), text.size(), text, now_ms).run();
  rows_.rest_on(gathered.id, origin.batch);
}

std::int64_t Gathering::close(std::int64_t id, const RequestOrigin& origin, const pipeline::ModelRequest& request,
                              std::int64_t now_ms) {
  const auto tiers = tiers_for(tiers_, request.places.size());
  queue_.with(id, pipeline::name(tiers.front()), pipeline::name(tiers_[tiers.front()].mode), now_ms).run();
  auto at_once = origin;
  at_once.due_ms = 0;
  for (std::size_t i = 1; i < tiers.size(); ++i) {
    auto next = request;
    next.tier = tiers[i];
    rows_.insert(at_once, tiers_[next.tier].mode, next, now_ms);
  }
  return static_cast<std::int64_t>(tiers.size());
}

}  // namespace alluvium::connectors
