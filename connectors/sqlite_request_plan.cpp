// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_request_plan.hpp"

#include <algorithm>
#include <iterator>

namespace alluvium::connectors {
namespace {

using pipeline::CallMode;
using pipeline::Outcome;

/// Counting the backlog reads its index: once in this time is enough.
constexpr std::int64_t backlog_read_every_ms = 1000;

/// Parts of `places` that hold at most request_content_bytes_max each; one larger message is a part alone.
std::vector<std::vector<std::uint32_t>> parts_of(const pipeline::Batch& batch,
                                                 const std::vector<std::uint32_t>& places) {
  std::vector<std::vector<std::uint32_t>> parts;
  std::size_t bytes = 0;
  for (const auto place : places) {
    const auto size = batch.content(place).size();
    if (parts.empty() || bytes + size > pipeline::request_content_bytes_max) {
      parts.emplace_back();
      bytes = 0;
    }
    parts.back().push_back(place);
    bytes += size;
  }
  return parts;
}

}  // namespace

RequestPlan::RequestPlan(Database& database, const RequestPlanOptions& options)
    : options_{options},
      rows_{database},
      gathering_{database, options.tiers, options.gathering},
      ordinal_{database.prepare("INSERT INTO agents(agent_id, batches) VALUES(?1, 1)"
                                " ON CONFLICT(agent_id) DO UPDATE SET batches = batches + 1 RETURNING batches - 1")} {}

RequestPlan::Made RequestPlan::plan(const pipeline::ExtractedBatch& extracted, std::int64_t row, std::int64_t now_ms,
                                    std::vector<Outcome>& outcomes) {
  return options_.by_value ? plan_chosen(extracted, row, now_ms, outcomes)
                           : plan_whole(extracted, row, now_ms, outcomes);
}

RequestPlan::Made RequestPlan::plan_chosen(const pipeline::ExtractedBatch& extracted, std::int64_t row,
                                           std::int64_t now_ms, std::vector<Outcome>& outcomes) {
  Made made;
  std::vector<std::uint32_t> chosen;
  std::ranges::copy_if(extracted.meaningful, std::back_inserter(chosen),
                       [&](std::uint32_t place) { return extracted.batch.worth(place).is_chosen(); });
  if (!chosen.empty() && !has_room(now_ms)) {
    made.backlog_full = true;
    chosen.clear();
  }
  for (const auto place : extracted.meaningful) {
    if (outcomes[place] == Outcome::empty) {
      outcomes[place] = Outcome::skipped;
    }
  }
  for (const auto place : chosen) {
    if (outcomes[place] == Outcome::skipped) {
      outcomes[place] = Outcome::pending;
    }
    made.asked_bytes += extracted.batch.content(place).size();
  }
  made.requests = gathering_.add(extracted.batch, row, chosen, now_ms);
  return made;
}

RequestPlan::Made RequestPlan::plan_whole(const pipeline::ExtractedBatch& extracted, std::int64_t row,
                                          std::int64_t now_ms, std::vector<Outcome>& outcomes) {
  Made made;
  const auto& batch = extracted.batch;
  const auto& meaningful = extracted.meaningful;
  const auto tiers = pipeline::first_tiers(options_.tiers, meaningful.size());
  if (tiers.empty()) {
    return made;
  }
  const bool selected = pipeline::is_selected(options_.selection, batch.agent_id(), next_ordinal(batch.agent_id()));
  made.backlog_full = selected && !has_room(now_ms);
  const bool asked = selected && !made.backlog_full;
  for (const auto place : meaningful) {
    if (outcomes[place] == Outcome::empty) {
      outcomes[place] = asked ? Outcome::pending : Outcome::skipped;
    }
  }
  if (!asked) {
    return made;
  }
  for (const auto place : meaningful) {
    made.asked_bytes += batch.content(place).size();
  }
  const RequestOrigin origin{.batch = row,
                             .agent_id = batch.agent_id(),
                             .org_id = std::string{batch[meaningful.front()].org_id},
                             .halvings = 0,
                             .due_ms = 0};
  for (const auto tier : tiers) {
    for (const auto& part : parts_of(batch, meaningful)) {
      rows_.insert(origin, options_.tiers[tier].mode, pipeline::make_request(tier, batch, part), now_ms);
      ++made.requests;
    }
  }
  return made;
}

std::int64_t RequestPlan::next_ordinal(const std::string& agent_id) {
  ordinal_.with(agent_id);
  const auto ordinal = ordinal_.step() ? ordinal_.integer(0) : 0;
  ordinal_.reset();
  return ordinal;
}

bool RequestPlan::has_room(std::int64_t now_ms) {
  if (backlog_read_ms_ < 0 || now_ms - backlog_read_ms_ >= backlog_read_every_ms || now_ms < backlog_read_ms_) {
    backlog_ = rows_.backlog();
    backlog_read_ms_ = now_ms;
  }
  return backlog_.requests < options_.backlog_requests_max && backlog_.bytes < options_.backlog_bytes_max;
}

}  // namespace alluvium::connectors
