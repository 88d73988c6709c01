// SPDX-License-Identifier: Apache-2.0
#include "config/keys.hpp"

#include <algorithm>
#include <unordered_map>

#include "config/key_tables.hpp"

namespace alluvium::config {
namespace {

std::vector<Key> all_keys() {
  std::vector<Key> all;
  for (const auto part : {input_keys(), extraction_keys(), model_keys(), output_keys()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::unordered_map<std::string_view, const Key*> keys_by_path() {
  std::unordered_map<std::string_view, const Key*> by_path;
  for (const auto& key : keys()) {
    by_path.emplace(key.path, &key);
  }
  return by_path;
}

}  // namespace

std::span<const Key> keys() {
  static const auto all = all_keys();
  return all;
}

const Key* find_key(std::string_view parent, std::string_view name) {
  static const auto by_path = keys_by_path();
  if (name.find('.') != std::string_view::npos) {
    return nullptr;  // "a.b" is one name, not two.
  }
  const auto prefix = parent.empty() ? std::string{} : std::string{parent} + '.';
  auto found = by_path.find(prefix + std::string{name});
  if (found == by_path.end()) {
    found = by_path.find(prefix + '*');
  }
  return found == by_path.end() ? nullptr : found->second;
}

std::vector<std::string_view> choices_of(const Key& key) {
  std::vector<std::string_view> all;
  for (auto rest = key.choices; !rest.empty();) {
    const auto bar = std::min(rest.find('|'), rest.size());
    all.push_back(rest.substr(0, bar));
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return all;
}

std::string_view rule_field(std::string_view name) {
  return name == "memoryType" ? "memory_type" : name == "isActive" ? "active" : name;
}

}  // namespace alluvium::config
