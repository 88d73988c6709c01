// SPDX-License-Identifier: Apache-2.0
// What a swap does to memories that near dedupe has merged into others, and the copying of rows in general.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_shadow_rows.hpp"

namespace alluvium::connectors {

/// The columns of a table by name, so that what is added to the schema is copied as well. `instead`: expressions for
/// some of them; an empty one leaves the column out.
struct Columns {
  std::string into, from;
};
using Renaming = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] Columns columns_of(Database& database, std::string_view table, std::string_view alias,
                                 const Renaming& instead);

/// All its calls belong inside the swap's transaction. The index of near dedupe is taken from the agents concerned: the
/// next memory of each makes it anew, from what is stored then.
class SwappedDuplicates {
 public:
  SwappedDuplicates(Database& live, const ShadowScope& scope);

  /// Before these memories go: what was merged into one of them, and is in scope itself, goes too.
  void leave(const std::string& agent_id, const std::vector<LiveMemory>& going);
  /// When the shadow's memories are there: what was merged into one that is gone, and is not in scope, is merged into
  /// the same memory where that was made again, or is a memory of its own again. Returns how many are.
  std::int64_t settle();
  /// Brings those of the shadow along. `condition` on the agents of table s.
  void copy(std::int64_t batches_before, std::int64_t requests_before, const std::string& condition);

 private:
  struct Orphan {
    std::int64_t row = 0;
    std::string agent_id, memory_id;  ///< memory_id: of the memory that it was merged into.
  };

  Database& database_;
  const ShadowScope& scope_;
  std::vector<Orphan> orphans_;  ///< As many as memories beyond the scope were merged into some within it.
};

}  // namespace alluvium::connectors
