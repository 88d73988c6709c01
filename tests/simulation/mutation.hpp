// SPDX-License-Identifier: Apache-2.0
// Shortcuts that look harmless and lose or double messages: each can be put into a run, to see it caught.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace alluvium::simulation {

enum class Mutation : std::uint8_t {
  none,
  no_fence,
  stale_verdict,
  counter_token,
  claim_keeps_token,
  token_without_seq,
  seq_without_token,
  todays_claim,
  yesterdays_grant,
  buffers_mix_claims,
  resumes_silently,
  kafka_offset,
  watermark_only,
  skip_whole_offsets,
  ledger_before_data,
  ledger_after_data,
  blind_retry,
  ambiguous_is_done,
  gaps_not_counted,
  gaps_not_recorded,
  trailing_gaps_not_counted,
  highest_seen,
  highest_done,
  dead_not_settled,
  lost_not_recorded,
  random_skip,
  random_selection,
  random_ids,
  any_extractor,
  no_hold,
  post_next,
  deaf_selector,
  selector_hears_news_only,
  selector_ahead,
};

struct MutationEntry {
  Mutation mutation;
  std::string_view name;
  std::string_view what;
};
/// All but none.
[[nodiscard]] std::span<const MutationEntry> mutations();
[[nodiscard]] std::optional<Mutation> find_mutation(std::string_view name);

}  // namespace alluvium::simulation
