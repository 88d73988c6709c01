// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_store.hpp"

#include <gmock/gmock.h>

#include "connectors/sqlite_ledger.hpp"
#include "connectors/sqlite_memories.hpp"
#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::Outcome;
using pipeline::Position;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using SqliteStoreTest = SqliteTest;

// ---- claim

TEST_F(SqliteStoreTest, StartsANewPartitionAtItsFirstOffset) {
  const auto claimed = claim(*open_store(), chat0, {.first = 7, .end = 50});
  EXPECT_EQ(claimed.watermark, 7);
  EXPECT_EQ(claimed.seq, 1);
  EXPECT_EQ(claimed.token.size(), 32U);
  EXPECT_THAT(claimed.done, IsEmpty());
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteStoreTest, StartsAtTheEndOnlyForATopicThatIsNew) {
  const auto store = open_store();
  const auto claim_at_end = [&](const pipeline::TopicPartition& partition) {
    return store
        ->claim({.partition = partition, .identity = "", .range = {.first = 7, .end = 50}, .start_at_end = true})
        ->watermark;
  };
  EXPECT_EQ(claim_at_end(chat0), 50);
  EXPECT_EQ(claim_at_end(chat1), 50) << "is of the same new topic";
  test_now_ms += pipeline::topic_begins_within_ms;
  EXPECT_EQ(claim_at_end({"chat", 2}), 50) << "is claimed at the last moment that counts as the topic's beginning";
  test_now_ms += 1;
  EXPECT_EQ(claim_at_end({"chat", 3}), 7) << "was added later";
  EXPECT_EQ(claim_at_end({"other", 0}), 50);
  EXPECT_EQ(claim_at_end(chat0), 50) << "is known";
}

TEST_F(SqliteStoreTest, GivesBackWhatIsDoneAtOrAboveTheWatermark) {
  {
    const auto store = open_store();
    const auto claimed = claim(*store);
    auto first = commit_of(claimed, 2, {batch_of("a", {{.offset = 0}, {.offset = 1}, {.offset = 5}})});
    first.dead_letters = {letter_at(3), letter_at(8, 1, 2)};
    commit(*store, {first});
  }
  const auto claimed = claim(*open_store());
  EXPECT_EQ(claimed.watermark, 2);
  EXPECT_EQ(claimed.seq, 3);
  EXPECT_THAT(claimed.done,
              ElementsAre(Position{.offset = 3}, Position{.offset = 5}, Position{.offset = 8, .index = 1, .count = 2}));
}

TEST_F(SqliteStoreTest, FindsDoneOffsetsFromTheFloorOnlyOfItsOwnPartition) {
  const auto store = open_store();
  auto zero = claim(*store, chat0);
  auto one = claim(*store, chat1);
  for (std::int64_t i = 0; i < 10; ++i) {
    commit(*store, {commit_of(zero, i + 1, {batch_of("a", {{.offset = i}})}),
                    commit_of(one, 0, {batch_of("b", {{.offset = i + 1}}, {}, chat1)}, chat1)});
    ++zero.seq;
    ++one.seq;
  }
  EXPECT_EQ(integer("SELECT floor_batch FROM partitions WHERE partition = 0"), 20);  // Above its last, 19.
  EXPECT_EQ(integer("SELECT floor_batch FROM partitions WHERE partition = 1"), 2);
  commit(*store, {commit_of(one, 11, {batch_of("b", {{.offset = 0}}, {}, chat1)}, chat1)});
  EXPECT_EQ(integer("SELECT floor_batch FROM partitions WHERE partition = 1"), 22);
  EXPECT_THAT(claim(*store, chat0).done, IsEmpty());
  EXPECT_THAT(claim(*store, chat1).done, IsEmpty());
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteStoreTest, RefusesAnotherStreamOfTheSameName) {
  const auto store = open_store();
  claim(*store);
  const auto refused = store->claim({.partition = chat0, .identity = "new", .range = {.first = 0, .end = 9}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unsafe_to_go_on);
  EXPECT_THAT(refused.error().detail, HasSubstr("chat/0: the ledger is of another stream"));
  EXPECT_TRUE(store->claim({.partition = chat0, .identity = "", .range = {.first = 0, .end = 9}}).has_value());
  EXPECT_TRUE(store->claim({.partition = chat0, .identity = "id", .range = {.first = 0, .end = 9}}).has_value());
}

TEST_F(SqliteStoreTest, RefusesALedgerBeyondTheStreamsEnd) {
  const auto store = open_store();
  auto claimed = claim(*store);
  commit(*store, {commit_of(claimed, 2, {batch_of("a", {{.offset = 0}, {.offset = 1}})})});
  EXPECT_TRUE(store->claim({.partition = chat0, .identity = "", .range = {.first = 0, .end = 2}}).has_value());
  for (const std::int64_t end : {1, 0}) {
    const auto refused = store->claim({.partition = chat0, .identity = "", .range = {.first = 0, .end = end}});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::unsafe_to_go_on);
    EXPECT_THAT(refused.error().detail, HasSubstr("--reset-ledger"));
  }
  claimed = claim(*store);
  commit(*store, {commit_of(claimed, 2, {batch_of("a", {{.offset = 9}})})});
  EXPECT_FALSE(store->claim({.partition = chat0, .identity = "", .range = {.first = 0, .end = 9}}).has_value());
  EXPECT_TRUE(store->claim({.partition = chat0, .identity = "", .range = {.first = 0, .end = 10}}).has_value());
}

TEST_F(SqliteStoreTest, RecordsWhatRetentionDeletedButNotWhatWasDone) {
  const auto store = open_store();
  const auto claimed = claim(*store);
  auto done = commit_of(claimed, 1, {batch_of("a", {{.offset = 0}, {.offset = 3}, {.offset = 7}})});
  done.batches.push_back(batch_of("b", {{.offset = 4, .index = 0, .count = 2}}));  // Its other half is lost.
  done.dead_letters = {letter_at(2)};
  commit(*store, {done});
  const auto again = claim(*store, chat0, {.first = 7, .end = 100});
  EXPECT_EQ(again.lost, 4);       // 1, 4, 5, 6
  EXPECT_EQ(again.watermark, 8);  // 7 was done.
  EXPECT_THAT(again.done, IsEmpty());
  EXPECT_THAT(faults(), IsEmpty());
  EXPECT_EQ(claim(*store, chat0, {.first = 8, .end = 100}).lost, 0);
  EXPECT_EQ(integer("SELECT lost FROM partitions"), 4);
  EXPECT_EQ(open_reader()->verify()->front().lost, 4);
}

TEST_F(SqliteStoreTest, StartsOverOnResetAndKeepsMemoriesFromBeingDoubled) {
  auto store = open_store();
  auto claimed = claim(*store);
  auto written = commit_of(claimed, 3, {batch_of("a", {{.offset = 0}, {.offset = 1}}, {0, 1})});
  written.dead_letters = {letter_at(2)};
  EXPECT_EQ(commit(*store, {written}).memories, 2);

  const pipeline::ClaimRequest reset{
      .partition = chat0, .identity = "new", .range = {.first = 0, .end = 2}, .start_at_end = true, .reset = true};
  auto again = store->claim(reset);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->watermark, 0);
  EXPECT_THAT(again->done, IsEmpty());
  EXPECT_EQ(store->commit(std::vector{commit_of(claimed, 4, {})})->fenced.size(), 1U) << "the old claim is void";
  written = commit_of(*again, 2, {batch_of("a", {{.offset = 0}, {.offset = 1}}, {0, 1})});
  const auto result = commit(*store, {written});
  EXPECT_EQ(result.memories, 0);
  EXPECT_EQ(result.duplicates, 2);
  EXPECT_THAT(faults(), IsEmpty());
  EXPECT_EQ(store->claim(reset)->watermark, 2) << "a store resets a partition once";
  EXPECT_EQ(store->watermarks()->size(), 1U);

  store = open_store();
  EXPECT_EQ(store->claim(reset)->watermark, 0) << "another run may reset again";
  EXPECT_THAT(faults(), IsEmpty());
}

// ---- commit

TEST_F(SqliteStoreTest, WritesNothingForAFencedClaim) {
  const auto old = open_store();
  const auto zero = claim(*old, chat0);
  const auto one = claim(*old, chat1);
  const auto thief = open_store();
  claim(*thief, chat1);
  const std::vector commits{commit_of(zero, 1, {batch_of("a", {{.offset = 0}}, {0})}),
                            commit_of(one, 1, {batch_of("b", {{.offset = 0}}, {0}, chat1)}, chat1)};
  const auto result = old->commit(commits);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->fenced, ElementsAre(1U));
  for (const auto* table : {"batches", "memories", "gaps", "dead_letters"}) {
    EXPECT_EQ(integer(std::string{"SELECT count(*) FROM "} + table), 0) << table;
  }
  EXPECT_EQ(commit(*old, {commits[0]}).memories, 1) << "the other partition goes on with the same seq";
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteStoreTest, FencesAPartitionItNeverSaw) {
  const auto store = open_store();
  EXPECT_THAT(store->commit(std::vector{commit_of({}, 0, {})})->fenced, ElementsAre(0U));
  EXPECT_THAT(store->commit({})->fenced, IsEmpty());
}

TEST_F(SqliteStoreTest, RecognisesACommitThatIsThereAlready) {
  const auto store = open_store();
  auto zero = claim(*store, chat0);
  const auto one = claim(*store, chat1);
  const std::vector commits{commit_of(zero, 1, {batch_of("a", {{.offset = 0}}, {0})}),
                            commit_of(one, 1, {batch_of("b", {{.offset = 0}}, {0}, chat1)}, chat1)};
  EXPECT_EQ(commit(*store, commits).memories, 2);
  EXPECT_EQ(commit(*store, commits).memories, 0);
  const auto restarted = open_store();
  EXPECT_EQ(commit(*restarted, commits).memories, 0) << "also after the writer was restarted";
  claim(*restarted, chat1);
  EXPECT_EQ(commit(*store, commits).memories, 0) << "also after one of its partitions was claimed by another";
  EXPECT_EQ(integer("SELECT count(*) FROM batches"), 2);
  EXPECT_EQ(integer("SELECT sum(batches) FROM partitions"), 2);
  ++zero.seq;
  commit(*store, {commit_of(zero, 2, {batch_of("a", {{.offset = 1}})})});
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteStoreTest, RefusesACommitThatIsThereByHalf) {
  const auto store = open_store();
  const std::vector commits{commit_of(claim(*store, chat0), 0, {}), commit_of(claim(*store, chat1), 0, {}, chat1)};
  commit(*store, {commits[0]});
  const auto refused = store->commit(commits);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unsafe_to_go_on);
}

TEST_F(SqliteStoreTest, RefusesAWatermarkThatGoesBackAndASeqFromNowhere) {
  const auto store = open_store();
  auto claimed = claim(*store);
  commit(*store, {commit_of(claimed, 1, {batch_of("a", {{.offset = 0}})})});
  for (const std::int64_t seq : {0, 1, 5}) {  // 1: it has another watermark than the commit of that seq.
    auto wrong = commit_of(claimed, 5, {});
    wrong.seq = claimed.seq + seq;
    if (seq == 1) {
      wrong.watermark = 0;
    }
    const auto refused = store->commit(std::vector{wrong});
    ASSERT_FALSE(refused.has_value()) << seq;
    EXPECT_EQ(refused.error().code, Errc::unsafe_to_go_on);
  }
  ++claimed.seq;
  EXPECT_FALSE(store->commit(std::vector(2, commit_of(claimed, 1, {}))).has_value()) << "one partition twice";
  commit(*store, {commit_of(claimed, 1, {})});
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteStoreTest, WritesNothingOfACommitWithABatchThatLacksOutcomes) {
  const auto store = open_store();
  const auto claimed = claim(*store);
  auto written = commit_of(claimed, 2, {batch_of("a", {{.offset = 0}}, {0}), batch_of("b", {{.offset = 1}}, {0})});
  written.batches.back().outcomes.clear();
  const auto refused = store->commit(std::vector{written});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unsafe_to_go_on);
  EXPECT_EQ(integer("SELECT (SELECT count(*) FROM batches) + (SELECT count(*) FROM memories)"), 0);
  written.batches.back().outcomes = {Outcome::extracted};
  EXPECT_EQ(commit(*store, {written}).memories, 2);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteStoreTest, CountsOutcomesGapsAndBatches) {
  const auto store = open_store();
  auto written = commit_of(claim(*store), 9, {batch_of("a", {{.offset = 0}, {.offset = 1}, {.offset = 2}}, {1})});
  written.batches.front().outcomes[2] = Outcome::noise;
  written.batches.push_back(batch_of("b", {{.offset = 5}}));
  written.batches.back().outcomes[0] = Outcome::skipped;
  written.gaps = {{.from = 3, .to = 5}, {.from = 6, .to = 8}};
  written.dead_letters = {letter_at(8)};
  commit(*store, {written});
  EXPECT_EQ(integer("SELECT extracted * 100000 + empty * 10000 + skipped * 1000 + noise * 100 + dead * 10 + batches"
                    " FROM partitions"),
            111112);
  EXPECT_EQ(integer("SELECT gaps FROM partitions"), 4);
  EXPECT_EQ(integer("SELECT count(*) FROM gaps"), 1);
  EXPECT_THAT(faults(), IsEmpty());
  std::vector<std::string> outcomes;
  ASSERT_TRUE(open_reader()->batches({}, [&](const BatchRow& row) {
    outcomes.push_back(row.outcome);
    return true;
  }));
  EXPECT_THAT(outcomes, ElementsAre("extracted", "skipped"));
}

// ---- dedupe

TEST_F(SqliteStoreTest, StoresAMemoryOncePerAgent) {
  const auto store = open_store();
  auto claimed = claim(*store);
  const auto remember = [&](std::int64_t offset, const std::string& agent, const std::vector<std::string>& contents) {
    auto batch = batch_of(agent, {{.offset = offset}}, {});
    for (const auto& content : contents) {
      pipeline::Memory memory;
      memory.id = "mem_" + content;
      memory.content = content;
      memory.sources = {0};
      batch.memories.push_back(memory);
    }
    auto result = commit(*store, {commit_of(claimed, offset + 1, {std::move(batch)})});
    ++claimed.seq;
    return std::pair{result.memories, result.duplicates};
  };
  EXPECT_EQ(remember(0, "a", {"Login failed", "LOGIN -- failed!", "login failed twice"}), (std::pair{2L, 1L}));
  EXPECT_EQ(remember(1, "a", {"login failed."}), (std::pair{0L, 1L}));
  EXPECT_EQ(remember(2, "b", {"login failed."}), (std::pair{1L, 0L}));
  EXPECT_EQ(remember(3, "a", {"ログイン", "失敗"}), (std::pair{2L, 0L}));
  EXPECT_EQ(integer("SELECT group_concat(memories, '') FROM batches"), 2012);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteStoreTest, FindsAnotherPlaceForAKeyWhoseHashIsTaken) {
  create_store();
  Database database{path_, Database::Mode::read_write, std::chrono::milliseconds{0}};
  BatchRows batches{database};
  MemoryTable memories{
      database, batches, {}, [](std::string_view) { return ~std::uint64_t{0}; }};  // The next place wraps.
  const auto batch = batch_of("a", {{.offset = 0}}).batch;
  const auto insert = [&](const std::string& content) {
    pipeline::Memory memory;
    memory.id = "mem_" + content;
    memory.content = content;
    memory.sources = {0};
    return memories.insert(memory, batch, {.batch_row = 1, .first = {}}).of_all == 1;
  };
  EXPECT_TRUE(insert("one"));
  EXPECT_TRUE(insert("two"));
  EXPECT_TRUE(insert("three"));
  EXPECT_FALSE(insert("One!"));
  EXPECT_FALSE(insert("two?"));
  EXPECT_EQ(integer("SELECT count(*) FROM memories"), 3);
  for (int i = 3; i < MemoryTable::probes_max; ++i) {
    EXPECT_TRUE(insert(std::to_string(i)));
  }
  EXPECT_THROW(insert("one too many"), SqliteFailure);
}

}  // namespace
}  // namespace alluvium::connectors
