// SPDX-License-Identifier: Apache-2.0
// Gathers an agent's chosen messages over its batches until they are enough for a model: a request in state
// `gathering`, one per agent and organisation.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "connectors/sqlite_request_rows.hpp"
#include "pipeline/tier.hpp"

namespace alluvium::connectors {

struct GatheringOptions {
  std::size_t messages_max = 20;                     ///< Then the request is queued; or at
                                                     ///< pipeline::request_content_bytes_max.
  std::chrono::milliseconds wait_max{2 * 3600'000};  ///< Since its first message.
};

/// All its calls belong inside the caller's write transaction. Which messages share a request depends on nothing but
/// the order of the agent's chosen messages, unless the wait ends it.
class Gathering {
 public:
  Gathering(Database& database, const pipeline::TierPolicies& tiers, const GatheringOptions& options);

  /// Adds the messages at `places` (ascending) of the batch in row `row`. Returns how many requests were queued.
  std::int64_t add(const pipeline::Batch& batch, std::int64_t row, const std::vector<std::uint32_t>& places,
                   std::int64_t now_ms);
  /// Of what is closed, so many in one call: a transaction that holds up nobody.
  static constexpr std::int64_t closed_at_once_max = 500;
  /// Queues those that have waited long enough, closed_at_once_max at most. Returns how many requests that makes.
  std::int64_t close_due(std::int64_t now_ms);
  /// Queues any, closed_at_once_max at most: again, until there are none.
  std::int64_t close_all(std::int64_t now_ms);
  /// Open ones; 0 if no tier is on.
  [[nodiscard]] std::int64_t open();

 private:
  /// What is gathered for one agent, and its row; 0: none yet.
  struct Gathered {
    std::int64_t id = 0;
    pipeline::ModelRequest request;
  };
  Gathered find(const std::string& agent_id, const std::string& org_id);
  void keep(const RequestOrigin& origin, Gathered& gathered, const pipeline::ModelRequest& more, std::int64_t now_ms);
  std::int64_t close(std::int64_t id, const RequestOrigin& origin, const pipeline::ModelRequest& request,
                     std::int64_t now_ms);
  std::int64_t close_until(std::int64_t due_ms, std::int64_t now_ms);

  pipeline::TierPolicies tiers_;
  GatheringOptions options_;
  RequestRows rows_;
  Statement find_, update_, queue_, due_, open_;
};

}  // namespace alluvium::connectors
