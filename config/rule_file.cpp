// SPDX-License-Identifier: Apache-2.0
#include "config/rule_file.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config/expand.hpp"
#include "config/secrets.hpp"

namespace alluvium::config {
namespace {

constexpr std::size_t label_bytes_max = 128;

/// "rules[2] (Account Problems)", from what is written, before anything is read.
std::string label_of(const Node& node, std::size_t index) {
  const auto label = "rules[" + std::to_string(index) + "]";
  for (const auto* key : {"name", "id"}) {
    const auto* name = node.find(key);
    if (name != nullptr && name->kind == Node::Kind::scalar && !name->text.empty()) {
      return label + " (" + name->text.substr(0, label_bytes_max) + ")";
    }
  }
  return label;
}

/// Compiling says "importance: want 0 to 1"; a reason without a field is the pattern's.
std::pair<std::string, std::string> field_and_reason(const std::string& text) {
  const auto colon = text.find(": ");
  if (colon != std::string::npos && find_key("rules.*", text.substr(0, colon)) != nullptr) {
    return {text.substr(0, colon), text.substr(colon + 2)};
  }
  return {"pattern", text};
}

/// RE2's reasons end with the part of the pattern that is wrong. Where a secret is in the pattern, that
/// part could be a part of the secret.
std::string without_pattern(const std::string& reason, const pipeline::Rule& rule, const Loaded& loaded) {
  const bool is_secret =
      std::ranges::find(loaded.secret_keys, "rules." + rule.id + ".pattern") != loaded.secret_keys.end() ||
      scrub(rule.pattern, loaded.secrets) != rule.pattern;
  return is_secret ? reason.substr(0, reason.find(": ")) : reason;
}

void read_list(Reader& reader, const Node& list, RuleLabels& labels, Loaded& out) {
  if (list.kind == Node::Kind::null) {
    return;
  }
  if (list.kind != Node::Kind::list) {
    reader.fault(list.line, "rules", "want a list of rules");
    return;
  }
  if (list.items.size() > out.config.rule_limits.rules_max) {
    reader.fault(list.line, "rules", "want at most " + std::to_string(out.config.rule_limits.rules_max) + " rules");
    return;
  }
  out.config.rules.clear();  // A list of one's own takes the place of the preset's.
  out.config.rule_lines.clear();
  std::map<std::string, int> lines_of_ids;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const auto& node = list.items[i];
    const auto label = label_of(node, i);
    const auto secrets_before = out.secret_keys.size();
    pipeline::Rule rule;
    reader.read_rule(node, label, rule);
    // From here on a rule is known by its id: print() numbers the preset's rules too.
    for (auto at = secrets_before; at < out.secret_keys.size(); ++at) {
      auto& key = out.secret_keys[at];
      key = "rules." + rule.id + key.substr(key.rfind('.'));
    }
    const auto [first, is_new] = lines_of_ids.emplace(rule.id, node.line);
    if (!is_new && !rule.id.empty()) {
      reader.fault(node.line, label + ".id",
                   "given twice: the rule in line " + std::to_string(first->second) + " has it already");
    }
    labels.emplace(rule.id, label);
    if (is_new || rule.id.empty()) {
      out.config.rules.push_back(std::move(rule));
      out.config.rule_lines.push_back(node.line);
    }
  }
}

void read_rule_file(const std::string& path, const Environment& environment, RuleLabels& labels, Loaded& out) {
  Reader reader{path, environment, out};
  const auto text = read_file(path, yaml_bytes_max);
  if (!text) {
    reader.fault(0, "rules_file", text.error().detail);
    return;
  }
  const auto root = read_yaml(*text);
  if (!root) {
    reader.fault(root.error().line, "rules_file", root.error().reason);
    return;
  }
  if (root->kind != Node::Kind::map) {
    read_list(reader, *root, labels, out);
    return;
  }
  for (const auto& member : root->members) {
    if (member.key != "rules") {
      reader.fault(member.line, member.key, "unknown key; want a list of rules, or rules with the list under it");
    }
  }
  if (const auto* rules = root->find("rules")) {
    read_list(reader, *rules, labels, out);
  }
}

}  // namespace

RuleLabels read_rules(Reader& reader, const std::string& file, const Environment& environment, Loaded& out) {
  RuleLabels labels;
  const auto named = std::exchange(out.config.rules_file, file);
  if (named.empty()) {
    if (reader.rules() != nullptr) {
      read_list(reader, *reader.rules(), labels, out);
    }
    return labels;
  }
  const int line = reader.line_of("rules_file");
  const auto path = (std::filesystem::path{file}.parent_path() / named).string();
  std::error_code error;
  if (reader.rules() != nullptr) {
    reader.fault(line, "rules_file", "give rules or rules_file, not both");
  } else if (!std::filesystem::exists(path, error)) {
    reader.fault(line, "rules_file", "there is no file " + path);
  } else {
    out.config.rules_file = path;
    read_rule_file(path, environment, labels, out);
  }
  return labels;
}

void check_rules(const RuleLabels& labels, bool lenient, Loaded& out) {
  auto& config = out.config;
  std::vector<pipeline::RuleProblem> problems;
  if (auto compiled = pipeline::RuleSet::compile(config.rules, config.rule_limits, problems)) {
    config.engine.extraction.rules = std::move(*compiled);
  } else {
    out.faults.push_back({.file = config.rules_file, .line = 0, .key = "rules", .reason = compiled.error().detail});
  }
  for (const auto& problem : problems) {
    const auto& rule = config.rules.at(problem.rule);
    const auto label = labels.find(rule.id);
    const auto [field, whole_reason] = field_and_reason(problem.reason);
    const auto reason = without_pattern(whole_reason, rule, out);
    Fault fault{.file = config.rules_file,
                .line = config.rule_lines.at(problem.rule),
                .key = (label == labels.end() ? "rules" : label->second) + '.' + field,
                .reason = reason};
    if (lenient && field == "pattern") {
      fault.reason = "Invalid pattern in rule " + (rule.name.empty() ? rule.id : rule.name) + ": " + reason;
      out.warnings.push_back(std::move(fault));
    } else if (std::ranges::find(out.faults, fault.key, &Fault::key) == out.faults.end()) {
      out.faults.push_back(std::move(fault));  // Unless something is said of that field already.
    }
  }
}

}  // namespace alluvium::config
