// SPDX-License-Identifier: Apache-2.0
#include "pipeline/claim_plan.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::pipeline {
namespace {

std::string text_of(const TopicPartition& partition) {
  return partition.topic + "/" + std::to_string(partition.partition);
}

/// Offsets whose messages are all in `done`, which is sorted.
std::vector<std::int64_t> settled_offsets(const std::vector<Position>& done) {
  std::vector<std::int64_t> settled;
  for (std::size_t i = 0; i < done.size();) {
    auto next = i;
    while (next < done.size() && done[next].offset == done[i].offset) {
      ++next;
    }
    if (next - i >= done[i].count) {
      settled.push_back(done[i].offset);
    }
    i = next;
  }
  return settled;
}

/// Retention has deleted what was below `first`: what of that is not done is lost, and reading goes on behind it.
void pass_lost(ClaimPlan& plan, std::int64_t first) {
  if (plan.watermark >= first) {
    return;
  }
  const auto settled = settled_offsets(plan.done);
  auto from = plan.watermark;
  for (const auto offset : settled) {
    if (offset >= first) {
      break;
    }
    plan.lost.push_back({.from = from, .to = offset});
    from = offset + 1;
  }
  plan.lost.push_back({.from = from, .to = first});
  // What follows may be done already: the watermark is the first offset that is not.
  plan.watermark = first;
  for (const auto offset : settled) {
    plan.watermark += offset == plan.watermark ? 1 : 0;
  }
}

SelectorState selector_at(const SelectorState& kept, std::int64_t watermark, std::int64_t first) {
  if (kept.offset > watermark || watermark - kept.offset > selector_replay_max) {
    return {.offset = watermark, .bytes = {}};
  }
  return {.offset = std::max(kept.offset, first), .bytes = kept.bytes};
}

}  // namespace

std::int64_t first_watermark(const ClaimRequest& request, const FirstSight& sight) {
  const bool new_topic =
      !sight.topic_begun_ms || (!sight.was_reset && sight.now_ms - *sight.topic_begun_ms <= topic_begins_within_ms);
  return request.start_at_end && new_topic ? request.range.end : request.range.first;
}

Result<ClaimPlan> plan_claim(const LedgerRow& row, std::vector<Position> done, const ClaimRequest& request) {
  if (!row.identity.empty() && !request.identity.empty() && row.identity != request.identity) {
    return fail(Errc::unsafe_to_go_on,
                text_of(request.partition) +
                    ": the ledger is of another stream with this name (was it re-created?); --reset-ledger "
                    "starts over, and memories that are there already stay and are not stored twice");
  }
  std::sort(done.begin(), done.end());
  const auto reached = done.empty() ? row.watermark : std::max(row.watermark, done.back().offset + 1);
  if (reached > request.range.end) {
    return fail(Errc::unsafe_to_go_on, text_of(request.partition) + ": the ledger is beyond the stream's end (" +
                                           std::to_string(reached) + " > " + std::to_string(request.range.end) +
                                           "): was the topic re-created or cut off? --reset-ledger starts over");
  }
  ClaimPlan plan{.identity = request.identity.empty() ? row.identity : request.identity,
                 .seq = row.seq + 1,
                 .watermark = row.watermark,
                 .done = std::move(done),
                 .lost = {},
                 .selector = std::nullopt};
  std::erase_if(plan.done, [&](const Position& position) { return position.offset < plan.watermark; });
  pass_lost(plan, request.range.first);
  if (request.selects) {
    plan.selector = selector_at(row.selector, plan.watermark, request.range.first);
  }
  std::erase_if(plan.done, [&](const Position& position) { return position.offset < plan.watermark; });
  return plan;
}

}  // namespace alluvium::pipeline
