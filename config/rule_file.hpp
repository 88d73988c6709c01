// SPDX-License-Identifier: Apache-2.0
// Rules from a config or from a file of their own, over those of a preset.
#pragma once

#include <map>
#include <string>

#include "config/config.hpp"
#include "config/reader.hpp"

namespace alluvium::config {

/// How messages call a rule, by its id: "rules[2] (Account Problems)".
using RuleLabels = std::map<std::string, std::string>;

/// Reads `rules` or `rules_file` (not both) into `out.config`, whose rules are the preset's so far.
[[nodiscard]] RuleLabels read_rules(Reader& reader, const std::string& file, const Environment& environment,
                                    Loaded& out);

/// Compiles the rules for the engine. Those that can't run are faults; if `lenient`, warnings, and the others run.
void check_rules(const RuleLabels& labels, bool lenient, Loaded& out);

}  // namespace alluvium::config
