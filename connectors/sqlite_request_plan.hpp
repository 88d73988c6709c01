// SPDX-License-Identifier: Apache-2.0
// Decides, inside the commit of a batch, whether models are asked about it, and writes the requests beside it.
#pragma once

#include <cstdint>
#include <vector>

#include "connectors/sqlite_gathering.hpp"
#include "connectors/sqlite_request_rows.hpp"
#include "pipeline/selection.hpp"
#include "pipeline/tier.hpp"

namespace alluvium::connectors {

struct RequestPlanOptions {
  pipeline::TierPolicies tiers;
  pipeline::SelectionOptions selection;  ///< Of whole batches, unless by_value.
  bool by_value = false;                 ///< Each message was chosen, or not, as it was read: MessageView::worth.
  GatheringOptions gathering;            ///< Of what was chosen by value.
  // The backlog: requests whose endpoint does not answer, that have no budget, or that wait for a provider's batch
  // job. At its bound a batch keeps what rules found, and its other messages end as `skipped`.
  std::int64_t backlog_requests_max = 100'000;
  std::int64_t backlog_bytes_max = std::int64_t{1} << 30;
};

/// All its calls belong inside the caller's write transaction.
class RequestPlan {
 public:
  RequestPlan(Database& database, const RequestPlanOptions& options);

  struct Made {
    std::int64_t requests = 0;  ///< Queued.
    bool backlog_full = false;
    std::size_t asked_bytes = 0;  ///< Content of the messages that models are asked about.
  };
  /// Writes the requests of the batch in row `row`; `outcomes` are its messages', and change: what is asked about is
  /// pending, what is not selected skipped, unless a rule found something in it.
  Made plan(const pipeline::ExtractedBatch& batch, std::int64_t row, std::int64_t now_ms,
            std::vector<pipeline::Outcome>& outcomes);

 private:
  Made plan_chosen(const pipeline::ExtractedBatch& extracted, std::int64_t row, std::int64_t now_ms,
                   std::vector<pipeline::Outcome>& outcomes);
  Made plan_whole(const pipeline::ExtractedBatch& extracted, std::int64_t row, std::int64_t now_ms,
                  std::vector<pipeline::Outcome>& outcomes);
  std::int64_t next_ordinal(const std::string& agent_id);
  bool has_room(std::int64_t now_ms);

  RequestPlanOptions options_;
  RequestRows rows_;
  Gathering gathering_;
  Statement ordinal_;
  RequestRows::Backlog backlog_;  ///< As of backlog_read_ms_, and what was added since.
  std::int64_t backlog_read_ms_ = -1;
};

}  // namespace alluvium::connectors
