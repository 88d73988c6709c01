// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_reader.hpp"

#include <fstream>

#include <gmock/gmock.h>

#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::Outcome;
using pipeline::Position;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SqliteReaderTest : public SqliteTest {
 protected:
  template <class Row, class Call>
  static std::vector<Row> rows(const Call& call) {
    std::vector<Row> all;
    const auto done = call([&](const Row& row) {
      all.push_back(row);
      return true;
    });
    EXPECT_TRUE(done.has_value()) << done.error().detail;
    return all;
  }
  [[nodiscard]] std::vector<MemoryRow> memories(const RowFilter& filter = {}) const {
    const auto reader = open_reader();
    return rows<MemoryRow>([&](const auto& each) { return reader->memories(filter, each); });
  }
  [[nodiscard]] std::vector<BatchRow> batches(const RowFilter& filter = {}) const {
    const auto reader = open_reader();
    return rows<BatchRow>([&](const auto& each) { return reader->batches(filter, each); });
  }
  [[nodiscard]] std::vector<DeadLetterRow> dead_letters(const RowFilter& filter = {}) const {
    const auto reader = open_reader();
    return rows<DeadLetterRow>([&](const auto& each) { return reader->dead_letters(filter, each); });
  }

  /// Two batches, a bundle, a gap and two dead letters; 0 to 7 done, and 9 above the watermark.
  void fill() const {
    const auto store = open_store();
    auto written =
        commit_of(claim(*store), 8,
                  {batch_of("ada", {{.offset = 0}, {.offset = 1, .index = 0, .count = 2}, {.offset = 2}}, {0, 2}),
                   batch_of("bob", {{.offset = 1, .index = 1, .count = 2}, {.offset = 5}, {.offset = 9}}, {1})});
    written.gaps = {{.from = 3, .to = 5}};
    written.dead_letters = {letter_at(6), letter_at(7, 0, 2), letter_at(7, 1, 2)};
    commit(*store, {written});
  }
};

TEST_F(SqliteReaderTest, GivesMemoriesBackWhole) {
  fill();
  const auto all = memories();
  ASSERT_EQ(all.size(), 3U);
  const auto& memory = all[1];
  EXPECT_EQ(memory.id, "mem_Note chat/0/2");
  EXPECT_EQ(memory.agent_id, "ada");
  EXPECT_EQ(memory.session_id, "s-7");
  EXPECT_EQ(memory.user_id, "u-9");
  EXPECT_EQ(memory.content, "Note chat/0/2");
  EXPECT_EQ(memory.type, "semantic");
  EXPECT_EQ(memory.method, "rules");
  EXPECT_EQ(memory.rule_id, "note");
  EXPECT_EQ(memory.batch_id, "batch_ada_0.0_1.0_2.0");
  EXPECT_EQ(memory.created_at, "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(memory.importance, 0.5);
  EXPECT_THAT(memory.keywords, ElementsAre("a", "\"b\""));
  EXPECT_THAT(memory.source_message_ids, ElementsAre("mchat/0/2"));
}

TEST_F(SqliteReaderTest, GivesBatchesBackWhole) {
  fill();
  const auto all = batches();
  ASSERT_EQ(all.size(), 2U);
  const auto& batch = all[1];
  EXPECT_EQ(batch.id, "batch_bob_1.1_5.0_9.0");
  EXPECT_EQ(batch.agent_id, "bob");
  EXPECT_EQ(batch.topic, "chat");
  EXPECT_EQ(batch.partition, 0);
  EXPECT_EQ(batch.outcome, "extracted");
  EXPECT_THAT(batch.message_ids, ElementsAre("mchat/0/1/1", "mchat/0/5", "mchat/0/9"));
  EXPECT_THAT(batch.outcomes, ElementsAre(Outcome::empty, Outcome::extracted, Outcome::empty));
  EXPECT_THAT(batch.positions,
              ElementsAre(Position{.offset = 1, .index = 1, .count = 2}, Position{.offset = 5}, Position{.offset = 9}));
  EXPECT_EQ(batch.started_ms, 10);
  EXPECT_EQ(batch.ended_ms, 20);
  EXPECT_EQ(batch.memories, 1);
}

TEST_F(SqliteReaderTest, GivesDeadLettersBackWhole) {
  fill();
  const auto all = dead_letters();
  ASSERT_EQ(all.size(), 3U);
  const auto& row = all[1];
  EXPECT_EQ(row.number, 2);
  EXPECT_EQ(row.topic, "chat");
  EXPECT_EQ(row.created_ms, test_now_ms);
  EXPECT_EQ(row.letter.position, (Position{.offset = 7, .index = 0, .count = 2}));
  EXPECT_EQ(row.letter.key, "agent-1");
  EXPECT_EQ(row.letter.message_id, "m-7");
  EXPECT_EQ(row.letter.reason, pipeline::DeadReason::not_json);
  EXPECT_EQ(row.letter.detail, "no JSON at byte 0");
  EXPECT_EQ(row.letter.payload, (std::string{"\0\xFFoops", 6}));
  EXPECT_EQ(row.letter.payload_bytes, 6U);
  EXPECT_EQ(row.letter.timestamp_ms, 5);
}

TEST_F(SqliteReaderTest, DerivesIdsThatAreTheDefaultInsteadOfStoringThem) {
  {
    const auto store = open_store();
    pipeline::ExtractedBatch extracted = batch_of("a", {});
    for (const Position position : {Position{.offset = 0}, Position{.offset = 1, .index = 1, .count = 2}}) {
      const auto id = default_message_id(chat0, position);
      extracted.batch.append({.id = id,
                              .agent_id = "a",
                              .session_id = "",
                              .user_id = "",
                              .org_id = "",
                              .content = "hello",
                              .role = pipeline::Role::user,
                              .timestamp_ms = 0,
                              .position = position});
      extracted.outcomes.push_back(Outcome::empty);
    }
    commit(*store, {commit_of(claim(*store), 1, {extracted})});
  }
  EXPECT_EQ(integer("SELECT count(*) FROM batches WHERE message_ids IS NULL"), 1);
  EXPECT_THAT(batches().front().message_ids, ElementsAre("chat/0/0", "chat/0/1/1"));
}

TEST_F(SqliteReaderTest, FiltersByAgentAndLimits) {
  fill();
  EXPECT_EQ(memories({.agent_id = "ada"}).size(), 2U);
  EXPECT_EQ(memories({.agent_id = "nobody"}).size(), 0U);
  EXPECT_EQ(memories({.agent_id = "ada", .limit = 1}).size(), 1U);
  EXPECT_EQ(memories({.agent_id = "", .limit = 0}).size(), 0U);
  EXPECT_EQ(memories({.agent_id = "", .limit = 2}).size(), 2U);
  EXPECT_EQ(batches({.agent_id = "bob"}).size(), 1U);
  EXPECT_EQ(dead_letters({.agent_id = "agent-1"}).size(), 3U);
  EXPECT_EQ(dead_letters({.agent_id = "agent-2"}).size(), 0U);
}

TEST_F(SqliteReaderTest, StopsWhenTheCallerHasEnough) {
  fill();
  int seen = 0;
  const auto reader = open_reader();
  EXPECT_TRUE(reader->memories({}, [&](const MemoryRow&) { return ++seen < 2; }).has_value());
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(reader->verify().has_value()) << "and can be asked again";
}

TEST_F(SqliteReaderTest, FindsOneById) {
  fill();
  const auto reader = open_reader();
  EXPECT_EQ(reader->memory("mem_Note chat/0/5").value()->agent_id, "bob");
  EXPECT_FALSE(reader->memory("mem_x").value().has_value());
  EXPECT_EQ(reader->batch("batch_bob_1.1_5.0_9.0").value()->memories, 1);
  EXPECT_FALSE(reader->batch("batch_x").value().has_value());
}

TEST_F(SqliteReaderTest, ShowsHowFarEachPartitionIs) {
  fill();
  const auto all = open_reader()->partitions().value();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].topic, "chat");
  EXPECT_EQ(all[0].watermark, 8);
  EXPECT_EQ(all[0].done_above, 1);
  EXPECT_EQ(all[0].gaps, 2);
  EXPECT_EQ(all[0].batches, 2);
  EXPECT_EQ(all[0].seq, 2);
  EXPECT_EQ(all[0].outcomes[Outcome::extracted], 3);
  EXPECT_EQ(all[0].outcomes[Outcome::dead], 3);
}

TEST_F(SqliteReaderTest, ReadsWhileAnEngineWritesAndSeesEachCommitWhole) {
  const auto store = open_store();
  auto claimed = claim(*store);
  const auto reader = open_reader();
  commit(*store, {commit_of(claimed, 2, {batch_of("a", {{.offset = 0}, {.offset = 1}}, {0, 1})})});
  ++claimed.seq;
  int seen = 0;
  ASSERT_TRUE(reader->memories({}, [&](const MemoryRow&) {
    if (++seen == 1) {
      commit(*store, {commit_of(claimed, 3, {batch_of("a", {{.offset = 2}}, {0})})});
    }
    return true;
  }));
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(memories().size(), 3U);
}

TEST_F(SqliteReaderTest, AMemoryOfAModelNamesModelPromptAndConnections) {
  fill();
  EXPECT_EQ(memories()[0].model, "");
  EXPECT_EQ(memories()[0].prompt_id, "");
  EXPECT_EQ(memories()[0].connections, "[]");
  execute(
      "UPDATE memories SET model = 'tiny', prompt_id = 'cafe', connections = '[{\"memory_id\":\"mem_1\"}]'"
      " WHERE id = 1");
  execute("UPDATE memories SET connections = 'no list' WHERE id = 2");
  EXPECT_EQ(memories()[0].model, "tiny");
  EXPECT_EQ(memories()[0].prompt_id, "cafe");
  EXPECT_EQ(memories()[0].connections, "[{\"memory_id\":\"mem_1\"}]");
  EXPECT_EQ(memories()[1].connections, "[]");
}

/// Rows about models, past the store: only what the reader looks at differs.
class SqliteReaderModelTest : public SqliteReaderTest {
 protected:
  void call(int batch, const std::string& tier, const std::string& outcome, int prompt, int completion,
            const std::string& cost, int memories) const {
    execute(
        "INSERT INTO calls(batch, agent_id, org_id, tier, mode, endpoint, model, month, hash, messages, outcome,"
        " prompt_tokens, completion_tokens, cached_tokens, cost, memories, error, started_ms, ended_ms) VALUES(" +
        std::to_string(batch) + ", 'ada', '', '" + tier + "', 'call', 'e', 'tiny', '2026-01', 'h', 3, '" + outcome +
        "', " + std::to_string(prompt) + ", " + std::to_string(completion) + ", 0, " + cost + ", " +
        std::to_string(memories) + ", '', 1, 2)");
  }
  void request(int batch, const std::string& state, const std::string& reason, int due_ms = 0) const {
    const auto sample = batch_of("ada", {{.offset = 0}, {.offset = 1}, {.offset = 2}}).batch;
    const auto text = pipeline::encode_request(pipeline::make_request(pipeline::Tier::small, sample, {0, 2}));
    execute(
        "INSERT INTO requests(batch, agent_id, org_id, tier, mode, state, attempts, due_ms, created_ms, updated_ms,"
        " messages, bytes, reason, request) VALUES(" +
        std::to_string(batch) + ", 'ada', '', 'small', 'call', '" + state + "', 2, " + std::to_string(due_ms) +
        ", 0, 0, 2, 9, '" + reason + "', '" + text + "'); INSERT INTO request_batches(batch, request_id) SELECT " +
        std::to_string(batch) + ", max(id) FROM requests");
  }
  [[nodiscard]] BatchRow first() const {
    const auto all = batches();
    const auto one = open_reader()->batch(all.front().id).value();
    EXPECT_EQ(one->outcome, all.front().outcome) << "listed and shown alike";
    EXPECT_EQ(one->calls.size(), all.front().calls.size());
    return *one;
  }
};

TEST_F(SqliteReaderModelTest, AddsUpTheCallsOfABatchThatEndedAlike) {
  fill();
  EXPECT_THAT(first().calls, IsEmpty());
  call(1, "small", "failed", 0, 0, "NULL", 0);
  call(1, "small", "answered", 100, 20, "5", 1);
  call(1, "small", "answered", 50, 10, "3", 2);
  call(1, "premium", "answered", 7, 1, "NULL", 0);
  call(2, "small", "answered", 1, 1, "1", 0);
  const auto calls = first().calls;
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].outcome, "failed");
  EXPECT_EQ(calls[0].cost, pipeline::Money{0}) << "nothing was paid for";
  EXPECT_EQ(calls[1].calls, 2);
  EXPECT_EQ(calls[1].prompt_tokens, 150);
  EXPECT_EQ(calls[1].completion_tokens, 30);
  EXPECT_EQ(calls[1].memories, 3);
  EXPECT_EQ(calls[1].cost, pipeline::Money{8});
  EXPECT_EQ(calls[2].tier, "premium");
  EXPECT_EQ(calls[2].cost, std::nullopt);
}

TEST_F(SqliteReaderModelTest, ShowsTheRequestsOfABatchAndTheirMessages) {
  fill();
  request(1, "degraded", "no reply", 77);
  request(1, "queued", "");
  const auto requests = first().requests;
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].tier, "small");
  EXPECT_EQ(requests[0].state, "degraded");
  EXPECT_EQ(requests[0].attempts, 2);
  EXPECT_EQ(requests[0].due_ms, 77);
  EXPECT_EQ(requests[0].reason, "no reply");
  EXPECT_THAT(requests[0].places, ElementsAre(0U, 2U));
  EXPECT_THAT(batches().front().requests.front().places, IsEmpty());
}

TEST_F(SqliteReaderModelTest, ABatchIsAnErrorIfNothingCameOfItAndAModelDoesNotAnswer) {
  fill();
  execute("UPDATE batches SET outcomes = 'ppp', outcome = 'pending' WHERE id = 1");
  request(1, "queued", "");
  EXPECT_EQ(first().outcome, "pending");
  request(1, "degraded", "no reply");
  EXPECT_EQ(first().outcome, "error");
  execute("UPDATE batches SET outcomes = 'xpp', outcome = 'extracted' WHERE id = 1");
  EXPECT_EQ(first().outcome, "extracted");
  execute("DELETE FROM requests");
  execute("UPDATE batches SET outcomes = 'ede', outcome = 'empty' WHERE id = 1");
  EXPECT_EQ(first().outcome, "error") << "a model refused one";
}

TEST_F(SqliteReaderTest, DropsADeadLetterAndKeepsItsOffsetAccountedFor) {
  fill();
  const auto reader = open_reader();
  EXPECT_TRUE(reader->drop_dead_letter(2).value());
  EXPECT_FALSE(reader->drop_dead_letter(2).value());
  EXPECT_FALSE(reader->drop_dead_letter(99).value());
  EXPECT_EQ(dead_letters().size(), 2U);
  EXPECT_EQ(integer("SELECT length(payload) FROM dead_letters WHERE id = 2"), 0);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteReaderTest, SaysWhatIsWrongWithAFileItCantRead) {
  const auto error = [&] { return SqliteReader::open(path_).error(); };
  EXPECT_EQ(error().code, Errc::invalid_config);
  EXPECT_THAT(error().detail, HasSubstr(path_ + ": there is no store here"));
  std::ofstream{path_}.close();
  EXPECT_EQ(error().code, Errc::unsafe_to_go_on);
  EXPECT_THAT(error().detail, HasSubstr("is empty"));
  std::ofstream{path_} << std::string(5000, 'x');
  EXPECT_EQ(error().code, Errc::unsafe_to_go_on);
  std::filesystem::remove(path_);
  create_store();
  execute("PRAGMA user_version = 0");
  EXPECT_THAT(error().detail, HasSubstr("older schema"));
  execute("PRAGMA user_version = 1");
  EXPECT_THAT(error().detail, HasSubstr("older schema"));
  execute("PRAGMA user_version = 99");
  EXPECT_THAT(error().detail, HasSubstr("newer Alluvium"));
}

// ---- verify

TEST_F(SqliteReaderTest, VerifiesAStoreWithoutFault) {
  fill();
  const auto reports = open_reader()->verify().value();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_THAT(reports[0].faults, IsEmpty());
  EXPECT_EQ(reports[0].messages, 9);
  EXPECT_EQ(reports[0].records, 7);
  EXPECT_EQ(reports[0].gaps, 2);
  EXPECT_EQ(reports[0].outcomes[Outcome::extracted], 3);
}

/// What someone or something does to the file, and a part of what verify has to say to it.
struct Tampering {
  const char* sql;
  const char* fault;
};

class SqliteVerifyTest : public SqliteReaderTest, public testing::WithParamInterface<Tampering> {};

TEST_P(SqliteVerifyTest, FindsWhatWasChanged) {
  fill();
  ASSERT_THAT(faults(), IsEmpty());
  execute(GetParam().sql);
  EXPECT_THAT(faults(), testing::Contains(HasSubstr(GetParam().fault)));
}

INSTANTIATE_TEST_SUITE_P(
    , SqliteVerifyTest,
    testing::Values(
        Tampering{"DELETE FROM batches WHERE id = 1", "offset 0 missing below the watermark"},
        Tampering{"DELETE FROM batches WHERE id = 1", "its batch, row 1, is missing"},
        Tampering{"DELETE FROM batches WHERE id = 2", "offset 1: 1 of 2 messages of the bundle are missing"},
        Tampering{
            "INSERT INTO batches SELECT 3, partition_id, max_offset, batch_id, agent_id, positions, message_ids,"
            " outcomes, outcome, started_ms, ended_ms, memories, bytes, noise_bytes, chosen_bytes, scores FROM batches"
            " WHERE id = 1",
            "offset 0 is there twice"},
        Tampering{"UPDATE partitions SET watermark = 9", "offset 8 missing below the watermark"},
        Tampering{"UPDATE partitions SET watermark = 7", "the watermark stops before it"},
        Tampering{"UPDATE partitions SET start_offset = 1", "below the start"},
        Tampering{"UPDATE partitions SET noise = 1", "noise: the ledger counts 1 messages"},
        Tampering{"UPDATE partitions SET batches = 3", "the ledger counts 3 batches, there are 2"},
        Tampering{"UPDATE partitions SET gaps = 3", "3 offsets in gaps"},
        Tampering{"UPDATE partitions SET last_batch = 1", "above the partition's last batch"},
        Tampering{"DELETE FROM partitions", "there is no partition 1"},
        Tampering{"DELETE FROM gaps", "offsets 3 to 4 missing"},
        Tampering{"UPDATE gaps SET kind = 'hole'", "gaps row 1: can't be read"},
        Tampering{"UPDATE gaps SET count = 3", "its count is not that of its ranges"},
        Tampering{"UPDATE gaps SET ranges = x'0201'", "offsets 3 to 4 missing"},
        Tampering{"DELETE FROM dead_letters WHERE id = 1", "offset 6 missing"},
        Tampering{"DELETE FROM dead_letters WHERE id = 2", "offset 7: 1 of 2 messages"},
        Tampering{
            "INSERT INTO dead_letters SELECT 9, partition_id, offset, bundle_index, bundle_count, message_id,"
            " reason, detail, payload_bytes, timestamp_ms, created_ms, dropped, key, payload, batch FROM dead_letters"
            " WHERE id = 1",
            "offset 6 is there twice"},
        Tampering{"UPDATE dead_letters SET partition_id = 5", "there is no partition 5"},
        Tampering{"UPDATE batches SET positions = x'80' WHERE id = 1", "do not belong together"},
        Tampering{"UPDATE batches SET outcomes = 'x' WHERE id = 1", "do not belong together"},
        Tampering{"UPDATE batches SET outcomes = 'xed' WHERE id = 1",
                  "batches hold 1 dead messages, but there are 0 dead letters for them"},
        Tampering{"UPDATE batches SET outcomes = 'xe?' WHERE id = 1", "an outcome that no message can have"},
        Tampering{"UPDATE batches SET max_offset = 3 WHERE id = 1", "max_offset is not its highest offset"},
        Tampering{"UPDATE batches SET message_ids = 'a' WHERE id = 1", "rests on a message that is not in its batch"},
        Tampering{"UPDATE memories SET source_message_ids = '[]' WHERE id = 1", "rests on a message that is not"},
        Tampering{"UPDATE memories SET batch = 2 WHERE id = 1", "rests on a message that is not in its batch"},
        Tampering{"DELETE FROM memories WHERE id = 1", "batches record 3 memories, but there are 2"}));

}  // namespace
}  // namespace alluvium::connectors
