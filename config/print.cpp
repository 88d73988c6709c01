// SPDX-License-Identifier: Apache-2.0
// The effective config as YAML: what the components get, without the secrets.
#include <algorithm>
#include <set>

#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/secrets.hpp"

namespace alluvium::config {
namespace {

std::string without_secrets(const std::string& text, const Loaded& loaded) {
  return scrub(redact_user_info(text), loaded.secrets);
}

class Printer {
 public:
  /// Works on a copy: reading a slot needs a config that can be written.
  explicit Printer(const Loaded& loaded) : loaded_{loaded}, config_{loaded.config} {}

  std::string print() {
    for (const auto& key : keys()) {
      if (key.kind == Kind::rules) {
        print_rules();
      } else if (key.path == "endpoints") {
        print_endpoints();
      } else if (key.path != "rules_file" && !key.path.starts_with("endpoints.") && key.slot != nullptr) {
        print_key(key, std::string{key.path}, key.slot(config_, {}));
      }
    }
    return std::move(out_);
  }

 private:
  void line(std::size_t depth, const std::string& text) {
    out_.append(2 * depth, ' ').append(text) += '\n';
  }

  /// The sections over a key, each once, before the first key in it.
  void open_sections(std::string_view path) {
    std::size_t depth = 0;
    for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1), ++depth) {
      const auto section = path.substr(0, dot);
      if (opened_.emplace(section).second) {
        line(depth, std::string{section.substr(section.rfind('.') + 1)} + ':');
      }
    }
  }

  void print_key(const Key& key, const std::string& path, const Slot& slot) {
    if (std::holds_alternative<std::monostate>(slot)) {
      return;
    }
    if (auto* const* properties = std::get_if<std::map<std::string, std::string>*>(&slot)) {
      print_properties(path, **properties);
      return;
    }
    const auto value = value_of(key, path, slot);
    if (value != "\"\"" && value != "[]") {
      open_sections(path);
      line(static_cast<std::size_t>(std::ranges::count(path, '.')), std::string{key.name()} + ": " + value);
    }
  }

  [[nodiscard]] bool is_secret_key(const std::string& path) const {
    return std::ranges::find(loaded_.secret_keys, path) != loaded_.secret_keys.end();
  }

  [[nodiscard]] std::string value_of(const Key& key, const std::string& path, const Slot& slot) const {
    if (is_secret_key(path)) {
      return format_text(redacted);
    }
    if (auto* const* text = std::get_if<std::string*>(&slot); text != nullptr && key.choices.empty()) {
      const bool hidden = key.secret && !(*text)->empty();
      auto shown = hidden             ? std::string{redacted}
                   : key.is_of_rule() ? scrub(**text, loaded_.secrets)
                                      : without_secrets(**text, loaded_);
      return format_value(key, &shown);
    }
    if (auto* const* texts = std::get_if<std::vector<std::string>*>(&slot)) {
      auto shown = **texts;
      std::ranges::transform(shown, shown.begin(), [&](const auto& text) { return without_secrets(text, loaded_); });
      return format_value(key, &shown);
    }
    return format_value(key, slot);
  }

  void print_properties(const std::string& path, const std::map<std::string, std::string>& properties) {
    if (properties.empty()) {
      return;
    }
    open_sections(path + '.');
    const auto depth = static_cast<std::size_t>(std::ranges::count(path, '.')) + 1;
    for (const auto& [name, text] : properties) {
      const bool hidden = (is_secret_name(name) && !text.empty()) || is_secret_key(path + '.' + name);
      line(depth,
           format_name(name) + ": " + format_text(hidden ? std::string{redacted} : without_secrets(text, loaded_)));
    }
  }

  void print_rules() {
    if (config_.rules.empty() && !config_.preset.empty()) {
      line(0, "rules: []");
    } else if (!config_.rules.empty()) {
      line(0, "rules:");
    }
    for (auto& rule : config_.rules) {
      bool first = true;
      for (const auto& key : keys()) {
        if (key.is_of_rule()) {
          const auto value = value_of(key, "rules." + rule.id + '.' + std::string{key.name()}, key.rule_slot(rule));
          if (value != "\"\"") {
            line(1, (first ? "- " : "  ") + std::string{key.name()} + ": " + value);
            first = false;
          }
        }
      }
    }
  }

  void print_endpoints() {
    if (!config_.endpoints.empty()) {
      line(0, "endpoints:");
    }
    for (const auto& [name, endpoint] : loaded_.config.endpoints) {
      line(1, format_name(name) + ':');
      for (const auto& key : keys()) {
        if (key.path.starts_with("endpoints.*.")) {
          const auto path = "endpoints." + name + '.' + std::string{key.name()};
          line(2, std::string{key.name()} + ": " + value_of(key, path, key.slot(config_, name)));
        }
      }
    }
  }

  const Loaded& loaded_;
  Config config_;
  std::set<std::string, std::less<>> opened_;
  std::string out_;
};

}  // namespace

std::string print(const Loaded& loaded) {
  return Printer{loaded}.print();
}

}  // namespace alluvium::config
