// SPDX-License-Identifier: Apache-2.0
// The links of memories that are much alike: which there are is a function of the agent's kept memories and of what a
// model has said of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "connectors/sqlite_adjudication.hpp"
#include "connectors/sqlite_database.hpp"
#include "connectors/sqlite_neighbours.hpp"
#include "pipeline/neighbourhood.hpp"
#include "pipeline/sameness.hpp"

namespace alluvium::connectors {

/// All its calls belong inside the caller's write transaction.
class NearLinks {
 public:
  /// Both outlive it.
  NearLinks(Database& database, NeighbourTable& neighbours, Adjudication& adjudication);

  /// What has changed among an agent's kept memories since the links were written.
  struct Change {
    std::vector<pipeline::Neighbour> added, removed;
    std::vector<std::int64_t> judged;  ///< Rows of kept memories of which something was said.
    bool any_verdicts = false;         ///< Something was asked about this agent's memories, now or before.
  };
  /// Writes the links anew as far as they can differ. Pairs that are linked for the first time are added to `question`,
  /// those of what was added first, pipeline::pairs_max in all.
  void update(const std::string& agent_id, const Change& change, PairQuestion* question);

 private:
  /// A kept memory with what its text is compared by.
  struct Text {
    std::string memory_id, content;
    pipeline::Sketch sketch;
  };
  struct Link {
    std::string memory_id, model;  ///< model: it says that the other one is an update. Empty: nobody says so.
  };

  void link(const std::string& agent_id, const pipeline::Neighbour& neighbour, PairQuestion* question);
  Text read_text(std::int64_t item);
  static std::string connections_with(std::string_view json, const std::vector<Link>& links);
  void ask(PairQuestion& question, const Text& earlier, const Text& later);

  NeighbourTable& neighbours_;
  Adjudication& adjudication_;
  bool judged_ = false;  ///< There may be verdicts.
  Statement content_, connections_, connect_;
};

}  // namespace alluvium::connectors
