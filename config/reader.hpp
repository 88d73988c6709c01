// SPDX-License-Identifier: Apache-2.0
// Puts what stands in a YAML tree where the table of keys says, and notes all that is wrong.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/yaml_tree.hpp"

namespace alluvium::config {

inline constexpr std::size_t free_name_bytes_max = 256;  ///< Of a property, of an endpoint.

class Reader {
 public:
  /// What a section's values belong to: the config (with the name that "*" stood for), or one rule.
  struct Target {
    Config* config = nullptr;
    std::string name;
    pipeline::Rule* rule = nullptr;
  };

  /// `file` is the name for messages and tells the folder in which ${file:} looks.
  Reader(const std::string& file, const Environment& environment, Loaded& out)
      : file_{file}, folder_{std::filesystem::path{file}.parent_path()}, environment_{environment}, out_{out} {}

  void read_config(const Node& root);
  void read_rule(const Node& node, const std::string& label, pipeline::Rule& rule);
  /// A fault in line `line` of this reader's file.
  void fault(int line, const std::string& key, const std::string& reason);
  void warn(int line, const std::string& key, const std::string& reason);

  /// The line of a key that was given, sections included, or 0.
  [[nodiscard]] int line_of(const std::string& path) const;
  [[nodiscard]] bool given(const std::string& path) const {
    return lines_.contains(path);
  }
  /// Why the key of an endpoint could not be read: a fault only if a tier uses the endpoint.
  [[nodiscard]] std::optional<std::string> unset(const std::string& path) const {
    const auto found = unset_.find(path);
    return found == unset_.end() ? std::nullopt : std::optional{found->second};
  }
  /// A file that this one names.
  [[nodiscard]] pipeline::Result<std::string> file(const std::string& name, std::size_t bytes_max) const;
  /// The value of `rules`; null if it was not given.
  [[nodiscard]] const Node* rules() const {
    return rules_;
  }

 private:
  void read_section(const Node& map, std::string_view pattern, const std::string& path, const Target& target);
  void read_member(const Member& member, std::string_view pattern, const std::string& path, const Target& target);
  void require(const Node& map, std::string_view pattern, const std::string& path, int line);
  void assign(const Key& key, const Node& node, int line, const std::string& path, const Slot& slot);
  void assign_texts(const Key& key, const Node& node, const std::string& path, std::vector<std::string>& out);
  void assign_properties(const Node& node, const std::string& path, std::map<std::string, std::string>& out);
  /// Why the value can't be used, or nothing.
  [[nodiscard]] static std::string set(const Key& key, const std::string& text, const Slot& slot);
  std::optional<std::string> expanded(const Node& node, int line, const std::string& path, bool secret);
  void warn_if_without_effect(const Key& key, const Node& node, int line, const std::string& path, const Slot& slot);

  std::string file_;
  std::filesystem::path folder_;
  const Environment& environment_;
  Loaded& out_;
  std::map<std::string, int> lines_;
  std::map<std::string, std::string> unset_;  ///< Path -> reason.
  const Node* rules_ = nullptr;
};

}  // namespace alluvium::config
