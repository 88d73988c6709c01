// SPDX-License-Identifier: Apache-2.0
// Which memories of an agent are kept when some say the same, and which are linked: a function of the set of memories
// and of what a model has said of them alone, whatever the order in which they came.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/memory.hpp"
#include "pipeline/message.hpp"
#include "pipeline/sameness.hpp"

namespace alluvium::pipeline {

/// The newest memories of an agent among which links are sought. Memories that are the same are found among all.
inline constexpr std::size_t neighbours_max = 10'000;
inline constexpr std::size_t links_max = 8;
/// The closest ones, of which those that are alike() are linked.
inline constexpr std::size_t link_candidates_max = 32;
/// Ways of writing that are compared for one meaning; beyond, those that were stored first.
inline constexpr std::size_t variants_max = 64;

/// The lower one stays: rules before small before premium model, then the place of the first message it rests on.
struct Rank {
  ExtractionMethod method = ExtractionMethod::rules;
  std::int64_t offset = -1;
  std::uint32_t index = 0;
  std::uint64_t tie = 0;  ///< Hash of the memory's id.
  auto operator<=>(const Rank&) const = default;
};
[[nodiscard]] Rank rank_of(ExtractionMethod method, std::int64_t offset, std::uint32_t index,
                           std::string_view memory_id);

struct Variant {
  Rank rank;
  const Sketch* sketch = nullptr;
};
/// What becomes of a memory: kept, or merged into another (by index) that is kept.
struct Fate {
  std::optional<std::size_t> into;
  Sameness why = Sameness::same_key;
  bool operator==(const Fate&) const = default;
};
/// Two variants, by index, of which a model says that they say the same.
using CalledSame = std::pair<std::size_t, std::size_t>;
/// In order of rank, each is kept unless it is the same as one that is kept already: then it is merged into the lowest
/// of those. What is called the same as one that was merged goes where that one went, and so does what is the same, by
/// rules, as one that was merged because of a model. One fate per variant.
[[nodiscard]] std::vector<Fate> settle(std::span<const Variant> variants, std::span<const CalledSame> called_same = {});

/// A kept memory, as far as it matters for links.
struct Neighbour {
  Rank rank;
  std::uint64_t simhash = 0;
  std::uint64_t speaker = 0;  ///< Hash of the user's id.
  std::int64_t item = 0;      ///< Its number in the store.
};
/// Indexes of those that `of` may be an update of: lower in rank, by the same speaker, at most near_bits_max bits away;
/// the closest first, equally close ones by rank, at most link_candidates_max.
[[nodiscard]] std::vector<std::size_t> nearest(std::span<const Neighbour> kept, const Neighbour& of);
/// Those whose links may change when `changed` comes to or goes from `kept`.
[[nodiscard]] std::vector<std::size_t> touched(std::span<const Neighbour> kept, const Neighbour& changed);

}  // namespace alluvium::pipeline
