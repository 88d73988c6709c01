// SPDX-License-Identifier: Apache-2.0
// The one table of all keys: what each means, where its value goes, what it may be. It drives the
// reader, the printer, the annotated default, the schema and docs/configuration.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.hpp"

namespace alluvium::config {

enum class Kind {
  section,     ///< Keys below it.
  text,        ///< Any text, or one of `choices`.
  flag,        ///< true or false.
  choice,      ///< One of `choices`; its place in them is the value.
  count,       ///< A whole number from min to max.
  number,      ///< A number from min to max.
  size,        ///< 512MiB; min and max in bytes.
  duration,    ///< 60m; min and max in milliseconds.
  texts,       ///< A list of texts; one text is a list of one.
  properties,  ///< Any names, each with a text.
  rules,       ///< A list of rules, whose keys are "rules.*.id" and so on.
  later,       ///< Known, and refused by this version: `note` says why.
};

/// Where a value lives. Empty: nowhere in this Config, or the reader deals with the key by itself.
using Slot = std::variant<std::monostate, std::string*, bool*, int*, std::size_t*, double*, std::chrono::milliseconds*,
                          std::vector<std::string>*, std::map<std::string, std::string>*, pipeline::RuleKind*,
                          pipeline::RuleScope*, pipeline::MemoryType*, pipeline::CallMode*>;

struct Key {
  std::string_view path;  ///< From the root, with dots; "*" stands for any name.
  Kind kind;
  std::string_view doc;                                            ///< One or two sentences.
  Slot (*slot)(Config& config, const std::string& name) = nullptr; /**< `name`: what "*" stands for. */
  Slot (*rule_slot)(pipeline::Rule& rule) = nullptr;               ///< Of keys below "rules.*".
  double min = 0, max = 0;
  std::string_view choices = {};  ///< "one|two"
  std::string_view example = {};  ///< A value to show where the default is to have none.
  std::string_view note = {};     ///< Why it has no effect yet: a warning, if it is not the default.
  bool secret = false;
  bool required = false;   ///< Once its section is there. Never empty then.
  bool commented = false;  ///< Of a section: the annotated default shows it commented out.

  [[nodiscard]] std::string_view name() const {
    return path.substr(path.rfind('.') + 1);
  }
  [[nodiscard]] std::string_view parent() const {
    const auto dot = path.rfind('.');
    return dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
  }
  [[nodiscard]] bool is_of_rule() const {
    return path.starts_with("rules.*.");
  }
};

/// Sections before what is in them, in the order in which people read them.
[[nodiscard]] std::span<const Key> keys();
/// The key `name` below `parent`, or the "*" there; null if there is neither.
[[nodiscard]] const Key* find_key(std::string_view parent, std::string_view name);
[[nodiscard]] std::vector<std::string_view> choices_of(const Key& key);

/// The names that F14 of the documents gives to fields of a rule, as ours.
[[nodiscard]] std::string_view rule_field(std::string_view name);

/// A limit of `key` with its unit: "10000", "64MiB", "7d".
[[nodiscard]] std::string format_limit(const Key& key, double limit);
/// What `slot` holds, as YAML in one line, without any redaction.
[[nodiscard]] std::string format_value(const Key& key, const Slot& slot);
/// The key's default as YAML in one line; empty if it has none.
[[nodiscard]] std::string format_default(const Key& key);
/// `text` as a YAML scalar in one line that reads back the same, also through expand().
[[nodiscard]] std::string format_text(std::string_view text);
/// The same for a key, which is never expanded.
[[nodiscard]] std::string format_name(std::string_view name);

}  // namespace alluvium::config
