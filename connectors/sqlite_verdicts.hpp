// SPDX-License-Identifier: Apache-2.0
// The table of what a model was asked, and has said, of two memories that are much alike. It knows texts, not rows: a
// verdict holds for whatever is written like the two, however often it is stored again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/sqlite_database.hpp"
#include "pipeline/adjudication.hpp"

namespace alluvium::connectors {

/// A memory's text, by the hashes of its Sketch.
struct Wording {
  std::int64_t form = 0, shape = 0;
  std::string memory_id;  ///< Of the one that was asked about, for receipts.
};
struct WordingPair {
  Wording earlier, later;  ///< By rank.
};

/// All its calls belong inside the caller's write transaction.
class VerdictRows {
 public:
  explicit VerdictRows(Database& database);

  /// Whether anything was ever asked about this agent's memories.
  [[nodiscard]] bool any(const std::string& agent_id);
  struct Said {
    std::optional<pipeline::Verdict> verdict;  ///< Nothing: asked, and not answered.
    std::string model;
  };
  /// Nothing: never asked.
  [[nodiscard]] std::optional<Said> find(const std::string& agent_id, std::int64_t form, std::int64_t other);
  /// What a model has called the same as this form.
  [[nodiscard]] std::vector<Wording> same_as(const std::string& agent_id, std::int64_t form);
  /// `pairs` are those of the request, in order; none of them was asked about before.
  void ask(const std::string& agent_id, std::span<const WordingPair> pairs, std::int64_t request, std::int64_t now_ms);

  struct Decided {
    std::string agent_id;
    Wording one, other;
    pipeline::Verdict verdict = pipeline::Verdict::unsure;
  };
  /// Writes what was answered to a request: one verdict per pair, none if nobody could say. Returns the pairs that were
  /// waiting for it.
  std::vector<Decided> decide(std::int64_t request, std::span<const pipeline::Verdict> verdicts, std::string_view model,
                              std::int64_t now_ms);

 private:
  Statement any_, find_, same_, ask_, waiting_, decide_;
};

}  // namespace alluvium::connectors
