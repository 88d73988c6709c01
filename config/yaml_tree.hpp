// SPDX-License-Identifier: Apache-2.0
// YAML as a tree that remembers its lines and its duplicate keys, within bounds.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.hpp"

namespace alluvium::config {

inline constexpr std::size_t yaml_bytes_max = std::size_t{4} << 20;
inline constexpr std::size_t yaml_depth_max = 32;
// Both count what aliases repeat, so that a few lines can't stand for gigabytes.
inline constexpr std::size_t yaml_nodes_max = 500'000;
inline constexpr std::size_t yaml_text_bytes_max = std::size_t{16} << 20;

struct Member;

struct Node {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  int line = 0;                 ///< From 1.
  std::string text;             ///< Of a scalar, as written: nothing is expanded yet.
  std::vector<Node> items;      ///< Of a list.
  std::vector<Member> members;  ///< Of a map, in the order of the file, duplicates included.

  /// The first member of that name, or null.
  [[nodiscard]] const Node* find(std::string_view key) const;
};

struct Member {
  std::string key;
  int line = 0;
  Node value;
};

struct YamlFault {
  int line = 0;
  std::string reason;
};

/// One document, empty or not. UTF-8 without control characters.
[[nodiscard]] tl::expected<Node, YamlFault> read_yaml(const std::string& text);

}  // namespace alluvium::config
