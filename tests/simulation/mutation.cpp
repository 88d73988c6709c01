// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/mutation.hpp"

#include <algorithm>
#include <array>

namespace alluvium::simulation {
namespace {

constexpr auto entries = std::to_array<MutationEntry>({
    {Mutation::no_fence, "no_fence", "commits are written whoever has claimed the partition since"},
    {Mutation::stale_verdict, "stale_verdict", "token and seq are checked in a transaction before the one that writes"},
    {Mutation::counter_token, "counter_token", "the claim's token is a counter in the row, which a failover repeats"},
    {Mutation::claim_keeps_token, "claim_keeps_token", "a claim takes over the token that it finds"},
    {Mutation::token_without_seq, "token_without_seq", "the fence checks the token alone"},
    {Mutation::seq_without_token, "seq_without_token", "the fence checks the seq alone"},
    {Mutation::todays_claim, "todays_claim", "a batch read under an earlier claim is committed under today's"},
    {Mutation::yesterdays_grant, "yesterdays_grant",
     "a claim that was granted late is taken for the one that was asked for since"},
    {Mutation::buffers_mix_claims, "buffers_mix_claims", "buffers outlive the claim and are filled on under the next"},
    {Mutation::resumes_silently, "resumes_silently", "after a crash of the stage, reading goes on without a new claim"},
    {Mutation::kafka_offset, "kafka_offset", "reading starts at the offset committed to Kafka"},
    {Mutation::watermark_only, "watermark_only",
     "reading starts at the watermark, and what is done above it is read again"},
    {Mutation::skip_whole_offsets, "skip_whole_offsets", "a bundle counts as done with the first of its messages"},
    {Mutation::ledger_before_data, "ledger_before_data", "the ledger moves in a transaction before the data's"},
    {Mutation::ledger_after_data, "ledger_after_data", "the ledger moves in a transaction after the data's"},
    {Mutation::blind_retry, "blind_retry", "a commit whose answer was lost is written again"},
    {Mutation::ambiguous_is_done, "ambiguous_is_done", "a commit whose answer was lost counts as done"},
    {Mutation::gaps_not_counted, "gaps_not_counted", "a jump in the offsets is waited for"},
    {Mutation::gaps_not_recorded, "gaps_not_recorded", "the watermark passes gaps that are not recorded"},
    {Mutation::trailing_gaps_not_counted, "trailing_gaps_not_counted", "a gap at the log's end is waited for"},
    {Mutation::highest_seen, "highest_seen", "the watermark is the highest offset read"},
    {Mutation::highest_done, "highest_done", "the watermark is the highest offset done"},
    {Mutation::dead_not_settled, "dead_not_settled",
     "a message that can't be processed is dropped without a dead letter"},
    {Mutation::lost_not_recorded, "lost_not_recorded", "what retention deleted is passed in silence"},
    {Mutation::random_skip, "random_skip", "messages are skipped by chance, and that is not recorded"},
    {Mutation::random_selection, "random_selection", "batches are selected by chance"},
    {Mutation::random_ids, "random_ids", "a memory's id is random"},
    {Mutation::any_extractor, "any_extractor", "an agent's batches go to any extractor"},
    {Mutation::no_hold, "no_hold",
     "only size and idle time flush, so a quiet agent with too few messages waits for ever"},
    {Mutation::deaf_selector, "deaf_selector",
     "the selector goes on at the watermark with a state from before, without the messages between"},
    {Mutation::selector_hears_news_only, "selector_hears_news_only",
     "what is done already is not shown to the selector"},
    {Mutation::selector_ahead, "selector_ahead", "the selector's newest state is kept, wherever the watermark is"},
    {Mutation::post_next, "post_next", "the offset posted to Kafka is the one read, not the one committed"},
});

}  // namespace

std::span<const MutationEntry> mutations() {
  return entries;
}

std::optional<Mutation> find_mutation(std::string_view name) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
  return found == entries.end() ? std::nullopt : std::optional{found->mutation};
}

}  // namespace alluvium::simulation
