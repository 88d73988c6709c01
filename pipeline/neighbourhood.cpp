// SPDX-License-Identifier: Apache-2.0
#include "pipeline/neighbourhood.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include <xxhash.h>

namespace alluvium::pipeline {
namespace {

/// Without std::popcount(), which is a call into the compiler's library where the target is any x86-64.
int distance(const Neighbour& a, const Neighbour& b) {
  auto bits = a.simhash ^ b.simhash;
  bits -= bits >> 1U & 0x5555555555555555U;
  bits = (bits & 0x3333333333333333U) + (bits >> 2U & 0x3333333333333333U);
  bits = (bits + (bits >> 4U)) & 0x0F0F0F0F0F0F0F0FU;
  return static_cast<int>(bits * 0x0101010101010101U >> 56U);
}

bool may_link(const Neighbour& later, const Neighbour& earlier) {
  return later.speaker == earlier.speaker && earlier.rank < later.rank && distance(later, earlier) <= near_bits_max;
}

}  // namespace

Rank rank_of(ExtractionMethod method, std::int64_t offset, std::uint32_t index, std::string_view memory_id) {
  return {.method = method, .offset = offset, .index = index, .tie = XXH3_64bits(memory_id.data(), memory_id.size())};
}

std::vector<Fate> settle(std::span<const Variant> variants, std::span<const CalledSame> called_same) {
  std::vector<std::size_t> order(variants.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return variants[i].rank; });
  std::set<CalledSame> called;
  for (const auto& [a, b] : called_same) {
    called.insert(std::minmax(a, b));
  }
  std::vector<Fate> fates(variants.size());
  std::vector<bool> by_model(variants.size());  // Merged because a model called it the same as something.
  for (std::size_t at = 0; at < order.size(); ++at) {
    const auto i = order[at];
    auto& fate = fates[i];
    for (const auto earlier : std::span{order}.first(at)) {
      const auto& into = fates[earlier].into;
      auto why = Sameness::different;
      if (!into || by_model[earlier]) {
        why = same(*variants[earlier].sketch, *variants[i].sketch);
      }
      const bool is_called = why == Sameness::different && called.contains(std::minmax(earlier, i));
      if (why == Sameness::different && !is_called) {
        continue;
      }
      const auto target = into.value_or(earlier);
      if (!fate.into || variants[target].rank < variants[*fate.into].rank) {
        fate = {.into = target, .why = into || is_called ? Sameness::by_model : why};
        by_model[i] = is_called;
      }
    }
  }
  return fates;
}

std::vector<std::size_t> nearest(std::span<const Neighbour> kept, const Neighbour& of) {
  std::vector<std::size_t> near;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (may_link(of, kept[i])) {
      near.push_back(i);
    }
  }
  const auto closeness = [&](std::size_t i) { return std::tuple{distance(kept[i], of), kept[i].rank}; };
  const auto count = std::min(near.size(), link_candidates_max);
  std::ranges::partial_sort(near, near.begin() + static_cast<std::ptrdiff_t>(count), {}, closeness);
  near.resize(count);
  return near;
}

std::vector<std::size_t> touched(std::span<const Neighbour> kept, const Neighbour& changed) {
  std::vector<std::size_t> later;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!may_link(kept[i], changed)) {
      continue;
    }
    const auto closeness = std::tuple{distance(kept[i], changed), changed.rank};
    std::size_t closer = 0;
    for (std::size_t j = 0; j < kept.size() && closer < link_candidates_max; ++j) {
      if (may_link(kept[i], kept[j]) && std::tuple{distance(kept[i], kept[j]), kept[j].rank} < closeness) {
        ++closer;
      }
    }
    if (closer < link_candidates_max) {
      later.push_back(i);
    }
  }
  return later;
}

}  // namespace alluvium::pipeline
