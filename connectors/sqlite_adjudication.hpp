// SPDX-License-Identifier: Apache-2.0
// Asks the small model about memories that are much alike: as a request beside the others, in the transaction in which
// the memories are linked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/sqlite_request_rows.hpp"
#include "connectors/sqlite_verdicts.hpp"
#include "pipeline/model_request.hpp"
#include "pipeline/tier.hpp"

namespace alluvium::connectors {

struct AdjudicationOptions {
  bool enabled = false;  ///< Off: nothing is asked. What was said before holds all the same.
  pipeline::CallMode mode = pipeline::CallMode::call;
  // Of all requests that wait, for whatever reason: beyond, a pair stays as it is.
  std::int64_t requests_max = 100'000;
  std::int64_t bytes_max = std::int64_t{1} << 30;
};

/// What is new about one memory, and where it was found.
struct PairQuestion {
  RequestOrigin origin;
  std::vector<WordingPair> wordings;
  std::vector<pipeline::TextPair> texts;  ///< Of the same pairs; at most pipeline::pairs_max.
};

/// All its calls belong inside the caller's write transaction.
class Adjudication {
 public:
  Adjudication(Database& database, const AdjudicationOptions& options);

  [[nodiscard]] bool enabled() const {
    return options_.enabled;
  }
  [[nodiscard]] VerdictRows& verdicts() {
    return verdicts_;
  }
  /// Makes the request. False if there is no room for it.
  bool ask(const PairQuestion& question, std::int64_t now_ms);

 private:
  bool has_room(std::int64_t now_ms);

  AdjudicationOptions options_;
  RequestRows rows_;
  VerdictRows verdicts_;
  Statement waiting_;
  RequestRows::Backlog backlog_;  ///< As of backlog_read_ms_, and what was added since.
  std::int64_t backlog_read_ms_ = -1;
};

}  // namespace alluvium::connectors
