// SPDX-License-Identifier: Apache-2.0
// A shadow store: a second file beside a store, the live one, in which a part of the stream is made anew. It has no
// accounts and no answers of its own (sqlite_books.hpp). docs/rebuild.md explains its life.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/error.hpp"
#include "pipeline/memory_difference.hpp"
#include "pipeline/money.hpp"
#include "pipeline/stream_scope.hpp"

namespace alluvium::connectors {

/// What a shadow is made for.
struct ShadowPlan {
  std::string id;      ///< Its own, unlike any other's.
  std::string config;  ///< Tells the config that it is made with from others.
  pipeline::StreamScope scope;
};

struct ShadowState {
  bool swapped = false;                      ///< What it holds is in the live store already.
  bool same_store = false;                   ///< The live store is the one that it was made from.
  bool read = false;                         ///< All of its scope is in it.
  std::int64_t requests = 0;                 ///< To models, that wait for their answer.
  std::int64_t calls = 0;                    ///< Made for it and paid for, also those that nobody answered.
  std::optional<pipeline::Money> cost = {};  ///< Of them; nothing: a price is unknown.
};

// Each of these opens the files, does its work in one transaction or snapshot, and closes them. `live` is the path of
// the live store.

[[nodiscard]] std::string shadow_path(const std::string& live);
/// What the live store has done of each partition: from where it began up to its watermark.
[[nodiscard]] pipeline::Result<std::map<pipeline::TopicPartition, pipeline::PartitionScope>> covered_by(
    const std::string& live);
/// Nothing if there is no shadow, or one whose making was cut short before it had a plan.
[[nodiscard]] pipeline::Result<std::optional<ShadowPlan>> find_shadow(const std::string& live);
/// Makes an empty one, in place of one that may be there.
[[nodiscard]] pipeline::Result<void> make_shadow(const std::string& live, const ShadowPlan& plan);
[[nodiscard]] pipeline::Result<ShadowState> state_of_shadow(const std::string& live);
/// Which of these requests (hashes) the live store knows the answer to.
[[nodiscard]] pipeline::Result<std::vector<bool>> are_answered(const std::string& live,
                                                               const std::vector<std::string>& hashes);
/// Its requests that are not answered and not in the backlog: queued, under way, or in a provider's batch job.
[[nodiscard]] pipeline::Result<std::int64_t> open_requests_of_shadow(const std::string& live);
/// Makes its requests that wait in the backlog due at once.
[[nodiscard]] pipeline::Result<void> revive_shadow(const std::string& live);
/// Removes it. The calls that were made for it stay known in the live store, without a batch.
[[nodiscard]] pipeline::Result<void> drop_shadow(const std::string& live);

/// The memories of one agent in the scope: before in the live store, after in the shadow.
struct AgentDifference {
  std::string agent_id;
  std::vector<pipeline::ComparedMemory> before, after;
  std::vector<pipeline::MemoryPair> rows;
  std::int64_t not_compared = 0;  ///< Memories of models in the live store, with `rules_only`.
};
/// Agent by agent, by id; those without memories on either side are left out. `rules_only`: what rules made.
[[nodiscard]] pipeline::Result<void> compare_with_shadow(const std::string& live, bool rules_only,
                                                         const std::function<void(const AgentDifference&)>& each);

struct ShadowSwap {
  std::int64_t removed = 0, stored = 0;  ///< Memories.
  std::int64_t duplicates = 0;           ///< Not stored: the agent has the same memory from outside of the scope.
  std::int64_t cancelled = 0;            ///< Requests to models about messages in scope.
  std::int64_t skipped = 0;              ///< Messages that had waited for them.
};
/// Puts the shadow's memories in the place of the live ones, and removes the shadow. `unsafe_to_go_on` if the shadow is
/// not finished or of another store; `unavailable` if a model is being asked about a message in scope right now, or
/// the live store's lock can't be had. Then nothing is changed.
[[nodiscard]] pipeline::Result<ShadowSwap> swap_in_shadow(const std::string& live, std::int64_t now_ms);

}  // namespace alluvium::connectors
