// SPDX-License-Identifier: Apache-2.0
// The rules of a workload, and texts that they match.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/workload/random.hpp"

namespace alluvium::bench {

/// How a match of a rule is put together: one of the beginnings, something between, one of the ends.
struct Rule {
  std::string id;
  std::string pattern;
  std::vector<std::string> beginnings;
  std::vector<std::string> ends;
  bool adjacent = false;  ///< Nothing but a blank may stand between.
};

/// The first two are those of a support desk. The others look for made-up words, which no text has by
/// chance: anywhere in a line, one after the other, and one rule in twenty at a bounded distance, whose automaton is
/// large. They do not hang on the seed. At most 2,600.
[[nodiscard]] std::vector<Rule> make_rules(std::size_t count);

/// A list as `rules_file` of Alluvium takes it.
[[nodiscard]] std::string rules_as_yaml(const std::vector<Rule>& rules);

/// One line per rule, `ID<tab>PATTERN`: for programs that read no YAML.
[[nodiscard]] std::string rules_as_lines(const std::vector<Rule>& rules);

/// Appends a text that `rule` matches as a whole, and no other rule.
void append_match(std::string& out, const Rule& rule, Random& random);

}  // namespace alluvium::bench
