// SPDX-License-Identifier: Apache-2.0
#include "config/reader.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <type_traits>
#include <utility>

#include <simdjson.h>

#include "config/expand.hpp"
#include "config/secrets.hpp"
#include "config/suggestion.hpp"
#include "config/units.hpp"

namespace alluvium::config {
namespace {

/// A value as it stands in the file, for a fault. Never what it expands to, which may be a secret.
std::string shown(const Node& node) {
  constexpr std::size_t shown_bytes_max = 40;
  if (node.text.find("${") != std::string::npos) {
    return "what the ${...} stands for";
  }
  const auto text = redact_user_info(node.text);
  return text.size() <= shown_bytes_max ? '"' + text + '"' : "so long a text";
}

std::string range_text(const Key& key) {
  return format_limit(key, key.min) + " to " + format_limit(key, key.max);
}

std::string choices_text(const Key& key) {
  std::string out;
  for (const auto choice : choices_of(key)) {
    out.append(out.empty() ? "" : ", ").append(choice);
  }
  return "want one of " + out;
}

/// The whole of `text` as a number; what overflows is infinite, so that the range check names the limit.
std::optional<double> parse_number(const std::string& text, bool whole) {
  const auto* end = text.data() + text.size();
  if (whole && !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::invalid_argument || rest != end) {
    return std::nullopt;
  }
  return error == std::errc{} ? number : std::numeric_limits<double>::infinity();
}

struct Parsed {
  std::optional<double> number;
  std::string_view wanted;  ///< Said if there is no number.
};

Parsed parse_quantity(const Key& key, const std::string& text) {
  if (key.kind == Kind::size) {
    const auto size = parse_size(text);
    return {size ? std::optional{static_cast<double>(*size)} : std::nullopt,
            "want a size with its unit, such as 512MiB, 256KiB, 1GB or 10B"};
  }
  if (key.kind == Kind::duration) {
    const auto duration = parse_duration(text);
    return {duration ? std::optional{static_cast<double>(duration->count())} : std::nullopt,
            "want a duration with its unit, such as 500ms, 5s, 60m, 2h or 1d"};
  }
  return {parse_number(text, key.kind == Kind::count),
          key.kind == Kind::count ? "want a whole number" : "want a number"};
}

Slot slot_of(const Key& key, const Reader::Target& target) {
  if (target.rule != nullptr) {
    return key.rule_slot == nullptr ? Slot{} : key.rule_slot(*target.rule);
  }
  return key.slot == nullptr ? Slot{} : key.slot(*target.config, target.name);
}

}  // namespace

void Reader::fault(int line, const std::string& key, const std::string& reason) {
  out_.faults.push_back({.file = file_, .line = line, .key = key, .reason = reason});
}

void Reader::warn(int line, const std::string& key, const std::string& reason) {
  out_.warnings.push_back({.file = file_, .line = line, .key = key, .reason = reason});
}

int Reader::line_of(const std::string& path) const {
  const auto found = lines_.find(path);
  return found == lines_.end() ? 0 : found->second;
}

void Reader::read_config(const Node& root) {
  read_section(root, {}, {}, {.config = &out_.config, .name = {}, .rule = nullptr});
}

void Reader::read_rule(const Node& node, const std::string& label, pipeline::Rule& rule) {
  if (node.kind != Node::Kind::map) {
    fault(node.line, label, "want a rule: id, pattern and what else it has");
    return;
  }
  read_section(node, "rules.*", label, {.config = nullptr, .name = {}, .rule = &rule});
  require(node, "rules.*", label, node.line);
}

void Reader::read_section(const Node& map, std::string_view pattern, const std::string& path, const Target& target) {
  if (map.kind == Node::Kind::null) {
    return;
  }
  if (map.kind != Node::Kind::map) {
    fault(map.line, path, "want keys with values under it");
    return;
  }
  std::map<std::string_view, int> seen;
  for (const auto& member : map.members) {
    const auto name = target.rule == nullptr ? std::string_view{member.key} : rule_field(member.key);
    const auto full = path.empty() ? std::string{name} : path + '.' + std::string{name};
    const auto [first, is_new] = seen.emplace(name, member.line);
    if (!is_new) {
      fault(member.line, full, "given twice: it stands in line " + std::to_string(first->second) + " already");
      continue;
    }
    read_member(member, pattern, full, target);
  }
}

void Reader::read_member(const Member& member, std::string_view pattern, const std::string& path,
                         const Target& target) {
  const auto* key = find_key(pattern, target.rule == nullptr ? std::string_view{member.key} : rule_field(member.key));
  if (key == nullptr) {
    const auto hint = suggest_key(pattern, member.key);
    fault(member.line, path, "unknown key" + (hint.empty() ? hint : "; " + hint));
    return;
  }
  if (target.rule == nullptr) {
    lines_[path] = member.line;
  }
  if (key->kind == Kind::later) {
    fault(member.line, path, std::string{key->note});
    return;
  }
  if (key->kind == Kind::rules) {
    rules_ = &member.value;
    return;
  }
  if (key->kind != Kind::section) {
    const auto slot = slot_of(*key, target);
    assign(*key, member.value, member.line, path, slot);
    warn_if_without_effect(*key, member.value, member.line, path, slot);
    return;
  }
  Target below = target;
  if (key->name() == "*") {
    below.name = member.key;
    if (member.key.empty() || member.key.size() > free_name_bytes_max) {
      fault(member.line, path.substr(0, 40), "want a name of 1 to " + std::to_string(free_name_bytes_max) + " bytes");
      return;
    }
  }
  if (key->path == "source.kafka") {
    target.config->source = connectors::KafkaSourceOptions{};
  } else if (key->path == "source.file") {
    target.config->source = connectors::FileSourceOptions{};
  }
  read_section(member.value, key->path, path, below);
  require(member.value, key->path, path, member.line);
  warn_if_without_effect(*key, member.value, member.line, path, {});
}

void Reader::require(const Node& map, std::string_view pattern, const std::string& path, int line) {
  for (const auto& key : keys()) {
    if (key.required && key.parent() == pattern && format_default(key).empty() && map.find(key.name()) == nullptr) {
      fault(line, path + '.' + std::string{key.name()}, "missing");
    }
  }
}

void Reader::warn_if_without_effect(const Key& key, const Node& node, int line, const std::string& path,
                                    const Slot& slot) {
  const bool is_default = key.kind != Kind::section && format_value(key, slot) == format_default(key);
  if (!key.note.empty() && node.kind != Node::Kind::null && !is_default) {
    warn(line, path, std::string{key.note});
  }
}

void Reader::assign(const Key& key, const Node& node, int line, const std::string& path, const Slot& slot) {
  if (std::holds_alternative<std::monostate>(slot)) {
    return;  // The other source's: that both are given is a fault of its own.
  }
  if (auto* const* texts = std::get_if<std::vector<std::string>*>(&slot)) {
    assign_texts(key, node, path, **texts);
    return;
  }
  if (auto* const* properties = std::get_if<std::map<std::string, std::string>*>(&slot)) {
    assign_properties(node, path, **properties);
    return;
  }
  const auto text = expanded(node, line, path, key.secret);
  if (!text) {
    return;
  }
  const auto reason = key.required && text->empty() ? "want a value" : set(key, *text, slot);
  if (!reason.empty()) {
    fault(line, path, reason + (key.secret || text->empty() ? std::string{} : ", not " + shown(node)));
  }
}

void Reader::assign_texts(const Key& key, const Node& node, const std::string& path, std::vector<std::string>& out) {
  std::vector<std::string> texts;
  const auto take = [&](const Node& item) {
    if (auto text = expanded(item, item.line, path, key.secret)) {
      if (text->empty()) {
        fault(item.line, path, "an empty text in the list");
      }
      texts.push_back(std::move(*text));
    }
  };
  if (node.kind == Node::Kind::map) {
    fault(node.line, path, "want a list of texts");
    return;
  }
  if (node.kind == Node::Kind::scalar) {
    take(node);
  }
  std::ranges::for_each(node.items, take);
  if (key.required && node.kind != Node::Kind::scalar && node.items.empty()) {
    fault(node.line, path, "want at least one");
  }
  out = std::move(texts);
}

void Reader::assign_properties(const Node& node, const std::string& path, std::map<std::string, std::string>& out) {
  if (node.kind != Node::Kind::map && node.kind != Node::Kind::null) {
    fault(node.line, path, "want names with values under it");
    return;
  }
  for (const auto& member : node.members) {
    if (member.key.empty() || member.key.size() > free_name_bytes_max) {
      fault(member.line, path, "want names of 1 to " + std::to_string(free_name_bytes_max) + " bytes");
      continue;
    }
    const auto full = path + '.' + member.key;
    if (out.contains(member.key)) {
      fault(member.line, full, "given twice");
      continue;
    }
    if (auto text = expanded(member.value, member.line, full, is_secret_name(member.key))) {
      out.emplace(member.key, std::move(*text));
    }
  }
}

std::string Reader::set(const Key& key, const std::string& text, const Slot& slot) {
  return std::visit(
      [&](auto out) -> std::string {
        using T = std::remove_pointer_t<decltype(out)>;
        const auto choices = choices_of(key);
        const auto choice = std::ranges::find(choices, text);
        if (!choices.empty() && choice == choices.end()) {
          return choices_text(key);
        }
        if constexpr (std::is_same_v<T, std::string>) {
          *out = text;
        } else if constexpr (std::is_same_v<T, bool> || std::is_enum_v<T>) {
          if (choices.empty() && text != "true" && text != "false") {
            return "want true or false";
          }
          *out = choices.empty() ? static_cast<T>(text == "true") : static_cast<T>(choice - choices.begin());
        } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::chrono::milliseconds>) {
          const auto parsed = parse_quantity(key, text);
          const bool with_unit = key.kind == Kind::size || key.kind == Kind::duration;
          if (!parsed.number && with_unit) {
            return std::string{parsed.wanted};
          }
          if (!parsed.number || !(*parsed.number >= key.min && *parsed.number <= key.max)) {
            return (with_unit ? "want " : std::string{parsed.wanted} + " from ") + range_text(key);
          }
          if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
            *out = T{static_cast<typename T::rep>(*parsed.number)};
          } else {
            *out = static_cast<T>(*parsed.number);
          }
        }
        return {};
      },
      slot);
}

pipeline::Result<std::string> Reader::file(const std::string& name, std::size_t bytes_max) const {
  return read_file(folder_ / name, bytes_max);
}

std::optional<std::string> Reader::expanded(const Node& node, int line, const std::string& path, bool secret) {
  if (node.kind != Node::Kind::scalar) {
    fault(line, path, node.kind == Node::Kind::null ? "want a value" : "want one value, not a list or keys");
    return std::nullopt;
  }
  const bool is_key = path.starts_with("endpoints.") && path.ends_with(".api_key");
  auto value = expand(node.text, environment_, folder_);
  if (!value) {
    if (is_key) {
      unset_[path] = value.error().detail;
    } else {
      fault(line, path, value.error().detail);
    }
    return std::nullopt;
  }
  if (is_key && !node.text.empty() && node.text.find("${") == std::string::npos) {
    warn(line, path, "a secret in the config file: give it as ${VAR} or ${file:PATH}");
  }
  if (value->text.find('\0') != std::string::npos || !simdjson::validate_utf8(value->text)) {
    fault(line, path, "want UTF-8 text without NUL");
    return std::nullopt;
  }
  for (auto& info : user_info(value->text)) {
    out_.secrets.push_back(std::move(info));
  }
  if (!value->from_files.empty()) {
    out_.secret_keys.push_back(path);
    std::ranges::move(value->from_files, std::back_inserter(out_.secrets));
  }
  if (secret && !value->text.empty()) {
    out_.secrets.push_back(value->text);
  }
  return std::move(value->text);
}

}  // namespace alluvium::config
