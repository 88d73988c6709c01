// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_difference.hpp"

#include <algorithm>
#include <unordered_map>

#include "pipeline/dedupe.hpp"

namespace alluvium::pipeline {
namespace {

using Memories = std::vector<ComparedMemory>;

/// One text for a list: no id and no keyword has a line feed in it.
void append(std::string& text, const std::vector<std::string>& items) {
  for (const auto& item : items) {
    text += item;
    text += '\n';
  }
}

std::vector<std::string> sorted(std::vector<std::string> items) {
  std::ranges::sort(items);
  return items;
}

bool equal(const ComparedMemory& one, const ComparedMemory& other) {
  return one.content == other.content && one.type == other.type && one.importance == other.importance &&
         sorted(one.keywords) == sorted(other.keywords);
}

/// Pairs what has no partner yet and gives the same text, first with first.
template <class TextOf>
void pair_by(const Memories& before, const Memories& after, std::vector<int>& partner_of_before,
             std::vector<int>& partner_of_after, const TextOf& text_of) {
  struct Waiting {
    std::vector<int> places;
    std::size_t next = 0;
  };
  std::unordered_map<std::string, Waiting> waiting;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (partner_of_after[i] < 0) {
      waiting[text_of(after[i])].places.push_back(static_cast<int>(i));
    }
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (partner_of_before[i] >= 0) {
      continue;
    }
    const auto found = waiting.find(text_of(before[i]));
    if (found != waiting.end() && found->second.next < found->second.places.size()) {
      const auto place = found->second.places[found->second.next++];
      partner_of_before[i] = place;
      partner_of_after[static_cast<std::size_t>(place)] = static_cast<int>(i);
    }
  }
}

}  // namespace

std::string_view name(MemoryChange change) {
  switch (change) {
    case MemoryChange::same:
      return "same";
    case MemoryChange::added:
      return "added";
    case MemoryChange::gone:
      return "gone";
    case MemoryChange::changed:
      return "changed";
  }
  return "";
}

std::vector<MemoryPair> difference(const Memories& before, const Memories& after) {
  std::vector<int> of_before(before.size(), -1);
  std::vector<int> of_after(after.size(), -1);
  pair_by(before, after, of_before, of_after, [](const ComparedMemory& memory) { return dedupe_key(memory.content); });
  pair_by(before, after, of_before, of_after, [](const ComparedMemory& memory) {
    auto text = memory.method + "\n" + memory.rule_id + "\n";
    append(text, memory.sources);
    return text;
  });
  pair_by(before, after, of_before, of_after, [](const ComparedMemory& memory) {
    std::string text;
    append(text, memory.sources);
    return text;
  });
  std::vector<MemoryPair> rows;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto partner = of_before[i];
    auto change = MemoryChange::gone;
    if (partner >= 0) {
      change = equal(before[i], after[static_cast<std::size_t>(partner)]) ? MemoryChange::same : MemoryChange::changed;
    }
    rows.push_back({.change = change, .before = static_cast<int>(i), .after = partner});
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (of_after[i] < 0) {
      rows.push_back({.change = MemoryChange::added, .before = -1, .after = static_cast<int>(i)});
    }
  }
  return rows;
}

}  // namespace alluvium::pipeline
