// SPDX-License-Identifier: Apache-2.0
// Finds in one pass over a text which of many patterns can match it at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct hs_database;
struct hs_scratch;

namespace alluvium::pipeline {

/// Hyperscan databases over patterns that RE2 accepts, taken without regard to case. What they say
/// is never too little: a pattern it can't take, or that the two libraries read differently, is a
/// candidate for every text; on a machine without SSSE3 all are. Immutable; many threads may use it.
class RulePrefilter {
 public:
  explicit RulePrefilter(const std::vector<std::string>& patterns);

  /// What one thread needs to scan.
  class Scratch {
   public:
    explicit Scratch(const RulePrefilter& prefilter);

   private:
    friend class RulePrefilter;
    struct Free {
      void operator()(hs_scratch* scratch) const;
    };
    std::unique_ptr<hs_scratch, Free> scratch_;
    std::string marked_;
  };

  /// The patterns that can match `text`, by index, ascending; each at most once.
  void find(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& candidates) const;

  /// How many patterns are candidates for every text.
  [[nodiscard]] std::size_t always() const {
    return always_.size();
  }

 private:
  struct Expression {
    std::uint32_t pattern;
    unsigned flags;
  };
  struct Free {
    void operator()(hs_database* database) const;
  };
  using Database = std::unique_ptr<hs_database, Free>;
  Database build(const std::vector<std::string>& patterns, std::vector<Expression> expressions);

  // Null if no pattern is in it.
  Database bytes_;  ///< Patterns that name ASCII characters only: without UTF-8 they take half the time to compile.
  Database code_points_;               ///< The others.
  std::vector<std::uint32_t> always_;  ///< Ascending.
  std::uint32_t count_;
};

}  // namespace alluvium::pipeline
