// SPDX-License-Identifier: Apache-2.0
// The rows of model requests: how they are written beside a batch, read, and changed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/sqlite_database.hpp"
#include "pipeline/model_ports.hpp"

namespace alluvium::connectors {

/// What a request belongs to.
struct RequestOrigin {
  std::int64_t batch = 0;  ///< Its row.
  std::string agent_id, org_id;
  std::size_t halvings = 0;
  std::int64_t due_ms = 0;
};

/// All its calls belong inside the caller's write transaction.
class RequestRows {
 public:
  explicit RequestRows(Database& database);

  /// Returns its number.
  std::int64_t insert(const RequestOrigin& origin, pipeline::CallMode mode, const pipeline::ModelRequest& request,
                      std::int64_t now_ms, pipeline::RequestState state = pipeline::RequestState::queued);
  /// The request is about messages of this batch too.
  void rest_on(std::int64_t request, std::int64_t batch);
  /// `batch`: where it was made.
  void remove(const pipeline::StoredRequest& request, std::int64_t batch);
  /// Requests that wait in the backlog (degraded, parked, or for a batch job), and their bytes. What is being gathered
  /// counts with its bytes.
  struct Backlog {
    std::int64_t requests = 0, bytes = 0;
  };
  [[nodiscard]] Backlog backlog();
  /// Requests that an engine sends by itself, sooner or later: queued or sent, or in the backlog and due by `now_ms`.
  /// Of tiers that are on: nobody sends the others.
  [[nodiscard]] std::int64_t open_calls(const pipeline::TierPolicies& tiers, std::int64_t now_ms);

 private:
  Database& database_;
  Statement insert_, rest_on_, remove_, forget_, backlog_, open_;
};

/// The value of an enum whose name is stored. Throws SqliteFailure for a word that is none.
template <class Enum, std::size_t Count>
[[nodiscard]] Enum named(const std::array<Enum, Count>& all, std::string_view word) {
  for (const auto value : all) {
    if (name(value) == word) {
      return value;
    }
  }
  throw SqliteFailure{pipeline::Errc::unsafe_to_go_on, "a row has an unknown word: " + std::string{word}};
}

/// The columns that read_request() reads, in order.
inline constexpr int request_columns_count = 12;
inline constexpr std::string_view request_columns =
    "id, agent_id, org_id, tier, mode, state, attempts, rounds, asks, halvings, due_ms, request";
[[nodiscard]] pipeline::StoredRequest read_request(Statement& row);

}  // namespace alluvium::connectors
