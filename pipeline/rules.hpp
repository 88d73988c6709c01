// SPDX-License-Identifier: Apache-2.0
// The free tier: users' patterns, matched against every message.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.hpp"
#include "pipeline/memory.hpp"

namespace alluvium::pipeline {

enum class RuleKind : std::uint8_t {
  regex,   ///< RE2 syntax, case-insensitive unless it says (?-i).
  simple,  ///< Plain text, matched without regard to case: "refund" finds "Refund?".
};
enum class RuleScope : std::uint8_t {
  message,  ///< Each message by itself: no match across speakers.
  batch,    ///< All messages joined with a blank; a memory then rests on every message it touches.
};

/// One user's pattern. Every match of it is a memory.
struct Rule {
  std::string id;    ///< Unique in its set.
  std::string name;  ///< For people; the id if empty.
  std::string pattern;
  RuleKind kind = RuleKind::regex;
  RuleScope scope = RuleScope::message;
  MemoryType memory_type = MemoryType::semantic;
  double importance = 0.5;  ///< 0..1
  std::vector<std::string> keywords;
  bool active = true;
  std::vector<std::string> agents = {"*"};  ///< Globs over agent ids: * and ?.
};

/// A rule that can't run, and why.
struct RuleProblem {
  std::size_t rule = 0;  ///< Index into the rules given.
  std::string reason;
};

/// Rules, compiled. Hyperscan finds in one pass which rules can match a message; RE2 then gives
/// every non-overlapping leftmost match. Both are linear in the text: no pattern can stall a
/// worker. Immutable and shared; each thread matches with its own Scratch.
class RuleSet {
 public:
  struct Limits {
    std::size_t rules_max = 10'000;
    std::size_t pattern_bytes_max = 4096;
    std::size_t program_bytes_max = std::size_t{1} << 20;  ///< RE2's memory per pattern.
    std::size_t matches_per_message_max = 1000;            ///< Of one rule; more are not looked for.
  };

  /// Rules that can't run are left out and reported in `problems`; the others run.
  /// Fails with `invalid_config` only where no set can be made at all (too many rules).
  [[nodiscard]] static Result<std::shared_ptr<const RuleSet>> compile(std::vector<Rule> rules, const Limits& limits,
                                                                      std::vector<RuleProblem>& problems);
  ~RuleSet();
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  /// What one thread needs to match. Cheap to keep, costly to make: one per worker.
  class Scratch {
   public:
    explicit Scratch(const RuleSet& rules);
    ~Scratch();
    Scratch(Scratch&&) noexcept;
    Scratch& operator=(Scratch&&) noexcept;

   private:
    friend class RuleSet;
    struct State;
    std::unique_ptr<State> state_;
  };

  /// Every match in the batch as a memory (id, content trimmed of blanks, sources), in order of
  /// messages, then rules, then place; batch-scope matches last. Empty matches make no memory.
  [[nodiscard]] std::vector<Memory> match(const Batch& batch, Scratch& scratch) const;

  [[nodiscard]] std::size_t size() const;  ///< Rules that run.

 private:
  RuleSet();
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace alluvium::pipeline
