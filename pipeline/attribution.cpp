// SPDX-License-Identifier: Apache-2.0
#include "pipeline/attribution.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "pipeline/dedupe.hpp"

namespace alluvium::pipeline {
namespace {

constexpr std::size_t word_bytes_min = 3;

template <class Visit>
void each_word(std::string_view key, Visit visit) {
  while (!key.empty()) {
    const auto size = std::min(key.find(' '), key.size());
    if (size >= word_bytes_min) {
      visit(key.substr(0, size));
    }
    key.remove_prefix(std::min(size + 1, key.size()));
  }
}

}  // namespace

Attribution::Attribution(const Batch& messages) : messages_{static_cast<std::uint32_t>(messages.size())} {
  for (std::uint32_t i = 0; i < messages_; ++i) {
    each_word(dedupe_key(messages.content(i)), [&](std::string_view word) {
      auto& with = messages_with_[std::string{word}];
      if (with.empty() || with.back() != i) {
        with.push_back(i);
      }
    });
  }
}

std::vector<std::uint32_t> Attribution::sources_of(std::string_view content) const {
  std::vector<std::uint32_t> shared(messages_);
  const auto key = dedupe_key(content);
  std::unordered_set<std::string_view> counted;
  each_word(key, [&](std::string_view word) {
    const auto with = messages_with_.find(std::string{word});
    if (with != messages_with_.end() && counted.insert(word).second) {
      for (const auto message : with->second) {
        ++shared[message];
      }
    }
  });
  // With nothing shared, the most is 0: then all have it.
  const auto most = shared.empty() ? 0 : *std::ranges::max_element(shared);
  std::vector<std::uint32_t> sources(messages_);
  std::iota(sources.begin(), sources.end(), 0U);
  std::erase_if(sources, [&](std::uint32_t message) { return shared[message] != most; });
  return sources;
}

}  // namespace alluvium::pipeline
