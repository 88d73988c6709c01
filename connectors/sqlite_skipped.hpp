// SPDX-License-Identifier: Apache-2.0
// Messages that selection has left out, in the store: found, and given to models after all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "connectors/sqlite_store.hpp"
#include "pipeline/model_request.hpp"

namespace alluvium::connectors {

/// The skipped messages of one batch.
struct SkippedBatch {
  std::int64_t row = 0;
  std::string agent_id;
  pipeline::TopicPartition partition;
  std::vector<std::uint32_t> places;          ///< In the batch, ascending.
  std::vector<pipeline::Position> positions;  ///< Of the same messages.
  std::vector<int> scores = {};               ///< Of the same messages; empty: they were not scored.
};

/// Requests for some of an agent's.
struct SkippedRequests {
  std::string agent_id, org_id;
  std::vector<pipeline::ModelRequest> requests;  ///< With the rows of their batches, none of them 0.
};

class SqliteSkipped {
 public:
  /// Errors as open_sqlite_store().
  [[nodiscard]] static pipeline::Result<std::unique_ptr<SqliteSkipped>> open(const SqliteStoreOptions& options,
                                                                             pipeline::WallClock clock);
  virtual ~SqliteSkipped() = default;

  /// Of these agents (exact ids; empty: all). What a rebuild has made anew is not found in the batches before it, and
  /// what stands in the ledger of a stream that is no more is not found at all.
  virtual pipeline::Result<void> batches(const std::set<std::string, std::less<>>& agents,
                                         const std::function<void(const SkippedBatch&)>& each) = 0;
  /// Stores the requests; their messages are pending then. One transaction. A request about a
  /// message that is skipped no longer, since another process was quicker, is left out. Returns how many messages are
  /// pending now.
  virtual pipeline::Result<std::int64_t> ask(const std::vector<SkippedRequests>& all) = 0;
};

}  // namespace alluvium::connectors
