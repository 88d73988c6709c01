// SPDX-License-Identifier: Apache-2.0
// Values as YAML text.
#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>

#include "config/expand.hpp"
#include "config/keys.hpp"
#include "config/units.hpp"

namespace alluvium::config {
namespace {

/// Text that means itself without quotes, in a block as well as between [ and ].
bool is_plain(std::string_view text) {
  constexpr std::array<std::string_view, 8> other_meanings{"true", "false", "yes", "no", "on", "off", "null", "y"};
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_safe = [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
  };
  return !text.empty() && (is_letter(text.front()) || text.front() == '/') && std::ranges::all_of(text, is_safe) &&
         std::ranges::find(other_meanings, text) == other_meanings.end();
}

std::string in_quotes(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out.append("\\x").append(1, hex[byte >> 4U]).append(1, hex[byte & 15U]);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string number_text(double number) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end};
}

}  // namespace

std::string format_text(std::string_view text) {
  return is_plain(text) ? std::string{text} : in_quotes(escape_expansion(text));
}

std::string format_name(std::string_view name) {
  return is_plain(name) ? std::string{name} : in_quotes(name);
}

std::string format_limit(const Key& key, double limit) {
  switch (key.kind) {
    case Kind::size:
      return format_size(static_cast<std::size_t>(limit));
    case Kind::duration:
      return format_duration(std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(limit)});
    case Kind::count:
      return std::to_string(static_cast<std::size_t>(limit));
    default:
      return number_text(limit);
  }
}

std::string format_value(const Key& key, const Slot& slot) {
  return std::visit(
      [&](auto value) -> std::string {
        using Pointer = decltype(value);
        if constexpr (std::is_same_v<Pointer, std::monostate>) {
          return {};
        } else {
          using T = std::remove_pointer_t<Pointer>;
          if constexpr (std::is_same_v<T, std::string>) {
            return format_text(*value);
          } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
            std::string out = "[";
            for (const auto& item : *value) {
              out.append(out.size() > 1 ? ", " : "").append(format_text(item));
            }
            return out + "]";
          } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
            std::string out = "{";
            for (const auto& [name, text] : *value) {
              out.append(out.size() > 1 ? ", " : "").append(format_name(name)).append(": ").append(format_text(text));
            }
            return out + "}";
          } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
            return format_duration(*value);
          } else if constexpr (std::is_same_v<T, bool> || std::is_enum_v<T>) {
            if (key.kind == Kind::flag) {
              return static_cast<bool>(*value) ? "true" : "false";
            }
            return std::string{choices_of(key).at(static_cast<std::size_t>(*value))};
          } else if constexpr (std::is_same_v<T, double>) {
            return number_text(*value);
          } else {
            return key.kind == Kind::size ? format_size(static_cast<std::size_t>(*value)) : std::to_string(*value);
          }
        }
      },
      slot);
}

std::string format_default(const Key& key) {
  if (key.rule_slot != nullptr) {
    pipeline::Rule rule;
    const auto text = format_value(key, key.rule_slot(rule));
    return key.required && text == "\"\"" ? std::string{} : text;
  }
  if (key.slot == nullptr) {
    return {};
  }
  Config defaults;
  if (key.path.starts_with("source.kafka.")) {
    defaults.source = connectors::KafkaSourceOptions{};
  }
  const auto text = format_value(key, key.slot(defaults, "name"));
  const bool nothing = text == "\"\"" || text == "[]";
  return nothing && (key.required || !key.example.empty()) ? std::string{} : text;
}

}  // namespace alluvium::config
