// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/key_tables.hpp"

namespace alluvium::config {
namespace {

using pipeline::Rule;

constexpr std::array table{
    Key{.path = "rules",
        .kind = Kind::rules,
        .doc = "Your patterns; each match is a memory. They take the place of the preset's.",
        .commented = true},
    Key{.path = "rules.*.id",
        .kind = Kind::text,
        .doc = "Unique, at most 256 bytes. Memories carry it, so keep it when you change the rule.",
        .rule_slot = of_rule<&Rule::id>,
        .example = "account-issues",
        .required = true},
    Key{.path = "rules.*.name",
        .kind = Kind::text,
        .doc = "For people. Empty: the id.",
        .rule_slot = of_rule<&Rule::name>},
    Key{.path = "rules.*.pattern",
        .kind = Kind::text,
        .doc = "What to find, without regard to case: at most 4096 bytes.",
        .rule_slot = of_rule<&Rule::pattern>,
        .example = "\"(account|login).*(problem|failed)\"",
        .required = true},
    Key{.path = "rules.*.kind",
        .kind = Kind::choice,
        .doc = "RE2 syntax, or plain text.",
        .rule_slot = of_rule<&Rule::kind>,
        .choices = "regex|simple"},
    Key{.path = "rules.*.scope",
        .kind = Kind::choice,
        .doc = "Each message by itself, or all of a batch joined with blanks.",
        .rule_slot = of_rule<&Rule::scope>,
        .choices = "message|batch"},
    Key{.path = "rules.*.memory_type",
        .kind = Kind::choice,
        .doc = "The type of its memories. Also memoryType.",
        .rule_slot = of_rule<&Rule::memory_type>,
        .choices = "semantic|episodic|procedural"},
    Key{.path = "rules.*.importance",
        .kind = Kind::number,
        .doc = "Of its memories.",
        .rule_slot = of_rule<&Rule::importance>,
        .min = 0,
        .max = 1},
    Key{.path = "rules.*.keywords",
        .kind = Kind::texts,
        .doc = "Of its memories.",
        .rule_slot = of_rule<&Rule::keywords>},
    Key{.path = "rules.*.active",
        .kind = Kind::flag,
        .doc = "false: the rule is off. Also isActive.",
        .rule_slot = of_rule<&Rule::active>},
    Key{.path = "rules.*.agents",
        .kind = Kind::texts,
        .doc = "The agents it is for, with * for any characters and ? for any one.",
        .rule_slot = of_rule<&Rule::agents>,
        .required = true},
    Key{.path = "rules_file",
        .kind = Kind::text,
        .doc = "A YAML file with the list of rules, or with `rules:` over it, instead of `rules`. As seen from this "
               "file's folder.",
        .slot = at<&Config::rules_file>,
        .example = "rules.yaml"},
};

}  // namespace

std::span<const Key> extraction_keys() {
  return table;
}

}  // namespace alluvium::config
