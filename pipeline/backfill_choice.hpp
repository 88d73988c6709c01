// SPDX-License-Identifier: Apache-2.0
// Of what was skipped, what a budget can still pay for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/money.hpp"

namespace alluvium::pipeline {

/// One batch with skipped messages.
struct SkippedWork {
  std::int64_t batch = 0;     ///< Its row.
  int score = 0;              ///< The best of its skipped messages' (0: not scored).
  std::int64_t messages = 0;  ///< That the stream still has.
  Money cost;                 ///< The most that asking about them may cost.
};

struct BackfillChoice {
  std::vector<std::int64_t> batches;  ///< Rows, ascending.
  std::int64_t messages = 0;
  Money cost;
};

/// The best first, among equals the oldest, until one does not fit into `budget` (absent: without limit). What has no
/// message left is never chosen.
[[nodiscard]] BackfillChoice choose_backfill(std::vector<SkippedWork> work, std::optional<Money> budget);

}  // namespace alluvium::pipeline
