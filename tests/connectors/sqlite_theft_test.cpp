// SPDX-License-Identifier: Apache-2.0
// Two engines on one store, in any order of claims, commits, thefts, restarts and late commits.
#include <algorithm>
#include <array>
#include <map>

#include <rapidcheck.h>

#include "pipeline/offset_ledger.hpp"
#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Position;

using SqliteTheftTest = SqliteTest;

/// An engine as the store sees one: what it claimed, what it knows to be done, what it sent last.
struct Engine {
  struct Held {
    pipeline::Claim claim;
    pipeline::OffsetLedger ledger;
  };
  std::unique_ptr<pipeline::Store> store;
  std::map<pipeline::TopicPartition, Held> held;
  std::vector<pipeline::PartitionCommit> last;
};

constexpr std::int64_t stream_end = 12;

/// Every third record is a bundle of two; every fourth offset is a gap.
std::vector<Position> stream_positions() {
  std::vector<Position> all;
  for (std::int64_t offset = 0; offset < stream_end; ++offset) {
    if (offset % 4 == 3) {
      continue;
    }
    const std::uint32_t count = offset % 3 == 0 ? 2 : 1;
    for (std::uint32_t index = 0; index < count; ++index) {
      all.push_back({.offset = offset, .index = index, .count = count});
    }
  }
  return all;
}

void claim_with(Engine& engine, const pipeline::TopicPartition& partition) {
  Engine::Held held{.claim = claim(*engine.store, partition, {.first = 0, .end = stream_end}),
                    .ledger = pipeline::OffsetLedger{}};
  held.ledger = pipeline::OffsetLedger{held.claim.watermark};
  for (const auto& position : held.claim.done) {
    held.ledger.mark(position);
  }
  for (std::int64_t offset = 3; offset < stream_end; offset += 4) {
    held.ledger.mark_range(offset, offset + 1);
  }
  engine.held.insert_or_assign(partition, std::move(held));
}

/// Settles up to `count` messages of a partition from the `skip`th on that is not done yet.
pipeline::PartitionCommit next_commit(Engine::Held& held, const pipeline::TopicPartition& partition, std::size_t skip,
                                      std::size_t count) {
  std::vector<Position> open;
  for (const auto& position : stream_positions()) {
    if (!held.ledger.is_done(position)) {
      open.push_back(position);
    }
  }
  auto commit = commit_of(held.claim, 0, {}, partition);
  for (auto i = skip; i < std::min(open.size(), skip + count); ++i) {
    held.ledger.mark(open[i]);
    if (open[i].offset % 5 == 4) {
      commit.dead_letters.push_back(letter_at(open[i].offset, open[i].index, open[i].count));
    } else {
      commit.batches.push_back(batch_of("agent", {open[i]}, {0}, partition));
    }
  }
  commit.watermark = held.ledger.watermark();
  for (std::int64_t offset = 3; offset < stream_end; offset += 4) {
    if (offset >= held.claim.watermark && offset < commit.watermark) {
      commit.gaps.push_back({.from = offset, .to = offset + 1});
    }
  }
  return commit;
}

void send(Engine& engine, std::vector<pipeline::PartitionCommit> commits) {
  const auto result = engine.store->commit(commits);
  ASSERT_TRUE(result.has_value()) << result.error().detail;
  for (const auto index : result->fenced) {
    engine.held.erase(commits[index].partition);
  }
  if (!result->fenced.empty()) {  // Nothing was written: what the others sent is claimed and read again.
    engine.held.clear();
    return;
  }
  for (const auto& commit : commits) {
    auto& claim = engine.held.at(commit.partition).claim;
    ++claim.seq;
    claim.watermark = commit.watermark;
  }
  engine.last = std::move(commits);
}

TEST_F(SqliteTheftTest, KeepsEveryMessageOnceWhateverTwoEnginesDoToOneAnother) {
  const std::array partitions{chat0, chat1};
  const auto play = [&] {
    const ScratchFolder folder;
    path_ = folder.file("alluvium.db");
    std::array<Engine, 2> engines;
    for (auto& engine : engines) {
      engine.store = open_store();
    }
    const auto steps = *rc::gen::inRange(5, 40);
    for (int step = 0; step < steps; ++step) {
      auto& engine = engines.at(*rc::gen::element<std::size_t>(0, 1));
      switch (*rc::gen::inRange(0, 6)) {
        case 0:
          claim_with(engine, partitions.at(*rc::gen::element<std::size_t>(0, 1)));
          break;
        case 1:  // Late: the last commit once more, maybe after a theft.
        {
          const auto before = integer("SELECT count(*) FROM batches");
          static_cast<void>(engine.store->commit(engine.last));  // Whatever it answers, it may write nothing.
          RC_ASSERT(integer("SELECT count(*) FROM batches") == before);
          break;
        }
        case 2:  // The process dies and comes back.
          engine = {.store = open_store(), .held = {}, .last = {}};
          break;
        default: {
          std::vector<pipeline::PartitionCommit> commits;
          for (auto& [partition, held] : engine.held) {
            commits.push_back(next_commit(held, partition, *rc::gen::inRange<std::size_t>(0, 4),
                                          *rc::gen::inRange<std::size_t>(0, 4)));
          }
          send(engine, std::move(commits));
        }
      }
      RC_ASSERT(faults().empty());
    }
    auto& engine = engines.front();
    for (const auto& partition : partitions) {
      claim_with(engine, partition);
      send(engine, {next_commit(engine.held.at(partition), partition, 0, 99)});
    }
    RC_ASSERT(faults().empty());
    RC_ASSERT(integer("SELECT min(watermark) FROM partitions") == stream_end);
    const auto messages = static_cast<std::int64_t>(stream_positions().size());
    const auto dead = std::ranges::count_if(stream_positions(), [](const Position& p) { return p.offset % 5 == 4; });
    RC_ASSERT(integer("SELECT sum(extracted + dead) FROM partitions") == 2 * messages);
    RC_ASSERT(integer("SELECT count(*) FROM memories") == 2 * (messages - dead));
  };
  EXPECT_TRUE(rc::check("every position exactly once, and verify agrees at every moment", play));
}

}  // namespace
}  // namespace alluvium::connectors
