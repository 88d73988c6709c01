// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_neighbours.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace alluvium::connectors {
namespace {

using pipeline::Neighbour;

static_assert(std::endian::native == std::endian::little, "blocks are stored as they stand in memory");
constexpr std::size_t words = 6;
constexpr std::size_t entry_bytes = words * sizeof(std::uint64_t);

void append_entry(std::string& bytes, const Neighbour& of) {
  const auto& rank = of.rank;
  const std::array<std::uint64_t, words> entry{of.simhash,
                                               of.speaker,
                                               static_cast<std::uint64_t>(of.item),
                                               static_cast<std::uint64_t>(rank.offset),
                                               rank.tie,
                                               static_cast<std::uint64_t>(rank.method) << 32U | rank.index};
  std::array<char, entry_bytes> raw{};
  std::memcpy(raw.data(), entry.data(), raw.size());
  bytes.append(raw.data(), raw.size());
}

Neighbour read_entry(std::string_view bytes) {
  std::array<std::uint64_t, words> entry{};
  std::memcpy(entry.data(), bytes.data(), entry_bytes);
  return {.rank = {.method = static_cast<pipeline::ExtractionMethod>(entry[5] >> 32U),
                   .offset = static_cast<std::int64_t>(entry[3]),
                   .index = static_cast<std::uint32_t>(entry[5]),
                   .tie = entry[4]},
          .simhash = entry[0],
          .speaker = entry[1],
          .item = static_cast<std::int64_t>(entry[2])};
}

}  // namespace

NeighbourTable::NeighbourTable(Database& database)
    : read_{database.prepare("SELECT block, entries FROM near_blocks WHERE agent_id = ?1 ORDER BY block")},
      write_{database.prepare("INSERT INTO near_blocks(agent_id, block, entries) VALUES(?1, ?2, ?3)"
                              " ON CONFLICT(agent_id, block) DO UPDATE SET entries = excluded.entries")},
      erase_{database.prepare("DELETE FROM near_blocks WHERE agent_id = ?1 AND block = ?2")} {}

void NeighbourTable::load(const std::string& agent_id) {
  agent_id_ = agent_id;
  all_.clear();
  blocks_.clear();
  changed_.clear();
  read_.with(agent_id);
  while (read_.step()) {
    const auto block = read_.integer(0);
    const auto bytes = read_.blob(1);
    const auto count = bytes.size() / entry_bytes;
    for (std::size_t i = 0; i < count; ++i) {
      all_.push_back(read_entry(bytes.substr(i * entry_bytes)));
    }
    blocks_.insert(blocks_.end(), count, block);
  }
  read_.reset();
}

void NeighbourTable::add(const Neighbour& neighbour) {
  auto block = blocks_.empty() ? 1 : blocks_.back();
  if (static_cast<std::size_t>(std::ranges::count(
          blocks_.end() - std::min<std::ptrdiff_t>(std::ssize(blocks_), block_entries_max), blocks_.end(), block)) ==
      block_entries_max) {
    ++block;
  }
  all_.push_back(neighbour);
  blocks_.push_back(block);
  changed_.insert(block);
  if (all_.size() > pipeline::neighbours_max) {
    const auto oldest = blocks_.front();
    const auto count = std::ranges::upper_bound(blocks_, oldest) - blocks_.begin();
    all_.erase(all_.begin(), all_.begin() + count);
    blocks_.erase(blocks_.begin(), blocks_.begin() + count);
    changed_.insert(oldest);
  }
}

void NeighbourTable::remove(std::int64_t item) {
  const auto found = std::ranges::find(all_, item, &Neighbour::item);
  if (found == all_.end()) {
    return;
  }
  const auto at = found - all_.begin();
  changed_.insert(blocks_[static_cast<std::size_t>(at)]);
  all_.erase(found);
  blocks_.erase(blocks_.begin() + at);
}

void NeighbourTable::write() {
  for (const auto block : std::exchange(changed_, {})) {
    const auto [begin, end] = std::ranges::equal_range(blocks_, block);
    std::string bytes;
    for (auto at = begin; at != end; ++at) {
      append_entry(bytes, all_[static_cast<std::size_t>(at - blocks_.begin())]);
    }
    if (bytes.empty()) {
      erase_.with(agent_id_, block).run();
    } else {
      write_.with(agent_id_, block, Blob{bytes}).run();
    }
  }
}

}  // namespace alluvium::connectors
