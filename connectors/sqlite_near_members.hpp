// SPDX-License-Identifier: Apache-2.0
// What near dedupe compares a memory with: all ways of writing something that can be the same, and what becomes of
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_verdicts.hpp"
#include "pipeline/neighbourhood.hpp"
#include "pipeline/sameness.hpp"

namespace alluvium::connectors {

/// A hash as SQLite has numbers.
[[nodiscard]] constexpr std::int64_t signed_number(std::uint64_t hash) {
  return static_cast<std::int64_t>(hash);
}

/// One way of writing something: the lowest of the memories that are written so. Number: row in `memories`, or minus
/// the row in `duplicates`; 0: it is the arrival.
struct NearMember {
  std::int64_t number = 0;
  std::int64_t kept = 0;  ///< Row in `memories` of what it was merged into, or its own; 0: it is the arrival.
  std::int64_t batch = 0;
  std::string id, why;
  pipeline::Rank rank;
  pipeline::Sketch sketch;
  [[nodiscard]] std::int64_t form() const {
    return signed_number(sketch.form);
  }
  [[nodiscard]] std::int64_t shape() const {
    return signed_number(sketch.shape);
  }
};

/// All that can be the same, by rules or because a model says so.
struct NearCircle {
  static constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();
  std::vector<NearMember> members;
  std::set<std::pair<std::int64_t, std::int64_t>> called_same;  ///< Forms.

  /// One per member. `replaced`: a member whose place the last one takes, written like it; it goes where that one goes.
  [[nodiscard]] std::vector<pipeline::Fate> fates(std::size_t replaced = nobody) const;
};

/// The index of an agent's members by shape. All its calls belong inside the caller's write transaction.
class NearMembers {
 public:
  /// `verdicts` outlives it.
  NearMembers(Database& database, VerdictRows& verdicts);

  [[nodiscard]] bool has(const std::string& agent_id, std::int64_t shape, std::int64_t number);
  void add(const std::string& agent_id, std::int64_t shape, std::int64_t number);
  void remove(const std::string& agent_id, std::int64_t shape, std::int64_t number);
  [[nodiscard]] std::optional<NearMember> read(std::int64_t number);
  /// The members with these shapes; if it is `judged`, also those that verdicts lead to, from them and from `newcomer`,
  /// which is not stored yet. What verdicts lead to is left out beyond pipeline::variants_max members.
  [[nodiscard]] NearCircle circle(const std::string& agent_id, std::set<std::int64_t> shapes, bool judged,
                                  const pipeline::Sketch* newcomer);

 private:
  VerdictRows& verdicts_;
  Statement keys_, has_, add_, remove_, kept_, merged_;
};

}  // namespace alluvium::connectors
