// SPDX-License-Identifier: Apache-2.0
// What a claim does to a partition's row, from what the store knows: where reading starts, what is done
// above that, what retention took, or why the claim is refused. docs/delivery.md explains the protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/error.hpp"
#include "pipeline/message.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::pipeline {

/// Partitions of one topic that are first claimed within this time of its first one count as there from its
/// beginning (several engines share out a new topic); a later one was added and is read from its start.
inline constexpr std::int64_t topic_begins_within_ms = 10 * 60 * 1000;

/// A partition's row, as the store keeps it.
struct LedgerRow {
  std::string identity;  ///< Of the stream; empty if no claim could tell.
  std::string token;     ///< Of the newest claim: only its owner may write.
  std::int64_t seq = 0;
  std::int64_t watermark = 0;
  SelectorState selector = {};
};

/// Messages that a claim reads again for the selector, at most: if its state is older, it begins anew. A partition is
/// so far behind only if other runs did not select by value.
inline constexpr std::int64_t selector_replay_max = 200'000;

/// What decides where a partition without a row begins.
struct FirstSight {
  std::optional<std::int64_t> topic_begun_ms;  ///< First claim of any of the topic's partitions; nothing: none was.
  bool was_reset = false;                      ///< It had a row, which --reset-ledger retired.
  std::int64_t now_ms = 0;
};
[[nodiscard]] std::int64_t first_watermark(const ClaimRequest& request, const FirstSight& sight);

/// What the row becomes, beside a new token, and what the claim is told.
struct ClaimPlan {
  std::string identity;
  std::int64_t seq = 0;
  std::int64_t watermark = 0;
  std::vector<Position> done;  ///< At or above the watermark, ascending.
  std::vector<Gap> lost;       ///< To be recorded: deleted by retention before they were read. Some may be empty.
  std::optional<SelectorState> selector = {};  ///< If the request said `selects`.
};

/// `done`: the positions that batches and dead letters of the partition hold, in any order; those below the
/// row's watermark may be missing.
/// Fails with `unsafe_to_go_on` if the row is another stream's, or beyond the stream's end.
[[nodiscard]] Result<ClaimPlan> plan_claim(const LedgerRow& row, std::vector<Position> done,
                                           const ClaimRequest& request);

}  // namespace alluvium::pipeline
