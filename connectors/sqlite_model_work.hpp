// SPDX-License-Identifier: Apache-2.0
// Reads what models were asked about a batch: the calls that were made, and the requests that wait.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_reader.hpp"

namespace alluvium::connectors {

/// Reads within the caller's transaction. A store without calls or requests is not searched for them: a million
/// batches that no model was asked about cost nothing here.
/// The columns that read_call_sums() reads, to be grouped by the first three.
inline constexpr std::string_view call_sums_query =
    // A call without tokens cost nothing, whatever the price: only the others may be of unknown cost.
    "SELECT tier, model, outcome, count(*), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens),"
    " sum(memories), coalesce(sum(cost), 0), sum(cost IS NULL AND prompt_tokens + completion_tokens > 0) FROM calls";
[[nodiscard]] CallSums read_call_sums(Statement& row);

class ModelWork {
 public:
  explicit ModelWork(Database& database);

  /// Adds to `batch` what there is about it, and puts its outcome right; `row`: its number in the store. `places`: also
  /// which of its messages each request is about, for which the request's text is read.
  void add_to(BatchRow& batch, std::int64_t row, bool places);

 private:
  void add_calls(BatchRow& batch, std::int64_t row);
  void add_requests(BatchRow& batch, std::int64_t row, bool places);

  std::optional<Statement> calls_, requests_, texts_;  ///< Nothing where the table is empty.
};

}  // namespace alluvium::connectors
