// SPDX-License-Identifier: Apache-2.0
// The table of what an agent's kept memories look like, read as a whole to find those that are much alike.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "connectors/sqlite_database.hpp"
#include "pipeline/neighbourhood.hpp"

namespace alluvium::connectors {

/// Blocks of at most 20 memories (960 bytes), clustered by agent: 10,000 memories are 500 rows that stand together.
class NeighbourTable {
 public:
  static constexpr std::size_t block_entries_max = 20;

  explicit NeighbourTable(Database& database);

  /// Reads an agent's, in the caller's transaction; what was added or removed and not written before is forgotten.
  void load(const std::string& agent_id);
  [[nodiscard]] std::span<const pipeline::Neighbour> all() const {
    return all_;
  }
  /// Beyond neighbours_max the oldest ones go.
  void add(const pipeline::Neighbour& neighbour);
  /// Of what is not there: nothing.
  void remove(std::int64_t item);
  /// Writes the blocks that have changed.
  void write();

 private:
  std::string agent_id_;
  std::vector<pipeline::Neighbour> all_;
  std::vector<std::int64_t> blocks_;  ///< Of each of them; ascending.
  std::set<std::int64_t> changed_;
  Statement read_, write_, erase_;
};

}  // namespace alluvium::connectors
