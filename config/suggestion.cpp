// SPDX-License-Identifier: Apache-2.0
#include "config/suggestion.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "config/keys.hpp"

namespace alluvium::config {
namespace {

constexpr std::size_t name_bytes_max = 64;  ///< A longer name is no slip of the fingers.

/// Insertions, deletions and replacements that turn one into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// max-hold and maxHold are the same word as max_hold.
std::string spelling(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (c != '_' && c != '-' && c != ' ') {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string suggest_key(std::string_view parent, std::string_view unknown) {
  if (unknown.size() > name_bytes_max) {
    return {};
  }
  if (unknown.find('.') != std::string_view::npos) {
    const auto whole = std::ranges::find(keys(), unknown, &Key::path);
    return whole == keys().end() ? std::string{}
                                 : "write " + std::string{whole->name()} + " under " + std::string{whole->parent()};
  }
  const auto wanted = spelling(unknown);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const auto& key : keys()) {
    if (key.parent() == parent && key.name() != "*") {
      const auto distance = edit_distance(wanted, spelling(key.name()));
      if (distance < best_distance) {
        best_distance = distance;
        best = key.name();
      }
    }
  }
  if (best.empty() && !parent.starts_with("rules.")) {
    const auto elsewhere = std::ranges::find_if(
        keys(), [&](const Key& key) { return !key.is_of_rule() && spelling(key.name()) == wanted; });
    best = elsewhere == keys().end() ? std::string{} : std::string{elsewhere->path};
  }
  return best.empty() ? best : "did you mean " + best + "?";
}

}  // namespace alluvium::config
