// SPDX-License-Identifier: Apache-2.0
// What a rebuild would change, as people and scripts read it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "connectors/sqlite_shadow.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {

class DifferenceReport {
 public:
  explicit DifferenceReport(bool json) : json_{json} {}

  /// With JSON, prints a line per memory that is not the same. Else keeps the first rows for text().
  void add(const connectors::AgentDifference& agent);
  [[nodiscard]] std::string text() const;
  /// The counts, as fields of an object that is open.
  void add_counts(pipeline::JsonText& json) const;

 private:
  /// Rows shown to a person.
  static constexpr std::size_t rows_max = 50;

  [[nodiscard]] std::int64_t count(pipeline::MemoryChange change) const {
    return counts_[static_cast<std::size_t>(change)];
  }

  bool json_;
  std::array<std::int64_t, 4> counts_{};
  std::int64_t agents_ = 0, not_compared_ = 0;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace alluvium::app
