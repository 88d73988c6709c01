// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "connectors/sqlite_memories.hpp"
#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::ExtractionMethod;
using testing::ElementsAre;
using testing::IsEmpty;

struct Made {
  std::string content;
  ExtractionMethod method = ExtractionMethod::rules;
  std::int64_t offset = 0;
  std::string user = "u-9";
};

pipeline::Memory memory_of(const Made& made) {
  pipeline::Memory memory;
  memory.content = made.content;
  memory.id = "mem_" + std::to_string(made.offset) + made.content + std::string{pipeline::name(made.method)};
  memory.method = made.method;
  memory.sources = {0};
  return memory;
}

pipeline::Batch batch_with(const Made& made, const std::string& agent) {
  pipeline::Batch batch{agent};
  batch.append({.id = "m" + std::to_string(made.offset),
                .agent_id = agent,
                .session_id = "s",
                .user_id = made.user,
                .org_id = "",
                .content = "hello",
                .role = pipeline::Role::user,
                .timestamp_ms = 1,
                .position = {.offset = made.offset}});
  return batch;
}

class NearDedupeTest : public SqliteTest {
 protected:
  void SetUp() override {
    create_store();
    database_ = std::make_unique<Database>(path_, Database::Mode::read_write, std::chrono::milliseconds{0});
    database_->execute("PRAGMA synchronous = OFF");
    batches_ = std::make_unique<BatchRows>(*database_);
    memories_ = std::make_unique<MemoryTable>(*database_, *batches_, DedupeOptions{.near = true});
  }

  std::int64_t insert(const Made& made, const std::string& agent = "a") {
    const auto batch = batch_with(made, agent);
    return memories_->insert(memory_of(made), batch, {.batch_row = 1, .first = {.offset = made.offset}}).of_all;
  }

  /// What is kept and what was merged into what, without the numbers of rows.
  std::vector<std::string> all(const std::string& agent = "a") {
    std::vector<std::string> lines;
    auto kept = database_->prepare("SELECT memory_id, connections FROM memories WHERE agent_id = ?1 ORDER BY 1");
    kept.with(agent);
    while (kept.step()) {
      lines.push_back("kept " + std::string{kept.text(0)} + " " + std::string{kept.text(1)});
    }
    auto merged = database_->prepare(
        "SELECT d.memory_id, m.memory_id, d.why FROM duplicates d LEFT JOIN memories m ON m.id = d.kept"
        " WHERE d.agent_id = ?1 ORDER BY 1");
    merged.with(agent);
    while (merged.step()) {
      lines.push_back("merged " + std::string{merged.text(0)} + " into " + std::string{merged.text(1)} + ": " +
                      std::string{merged.text(2)});
    }
    return lines;
  }

  std::vector<std::string> contents(const std::string& agent = "a") {
    std::vector<std::string> texts;
    auto rows = database_->prepare("SELECT content FROM memories WHERE agent_id = ?1 ORDER BY content");
    rows.with(agent);
    while (rows.step()) {
      texts.emplace_back(rows.text(0));
    }
    return texts;
  }

  std::unique_ptr<Database> database_;
  std::unique_ptr<BatchRows> batches_;
  std::unique_ptr<MemoryTable> memories_;
};

TEST_F(NearDedupeTest, KeepsTheEarliestOfThoseThatSayTheSame) {
  EXPECT_EQ(insert({.content = "I really like rowing", .offset = 5}), 1);
  EXPECT_EQ(insert({.content = "So, I like rowing", .offset = 7}), 0);
  EXPECT_EQ(insert({.content = "I like rowing!", .offset = 3}), 0);
  EXPECT_EQ(insert({.content = "I do not like rowing", .offset = 1}), 1);
  EXPECT_THAT(contents(), ElementsAre("I do not like rowing", "I like rowing!"));
  EXPECT_EQ(integer("SELECT count(*) FROM duplicates d JOIN memories m ON m.id = d.kept"), 2);
  EXPECT_EQ(insert({.content = "I like rowing", .offset = 3}, "b"), 1);  // Of another agent.
  EXPECT_EQ(insert({.content = "I like rowing", .offset = 3, .user = "u-1"}), 1);
}

TEST_F(NearDedupeTest, PrefersRules) {
  insert({.content = "I like rowing", .method = ExtractionMethod::premium_model, .offset = 1});
  insert({.content = "I really like rowing", .method = ExtractionMethod::small_model, .offset = 2});
  insert({.content = "Oh, I like rowing", .method = ExtractionMethod::rules, .offset = 3});
  EXPECT_THAT(contents(), ElementsAre("Oh, I like rowing"));
}

TEST_F(NearDedupeTest, LinksWhatMayBeAnUpdateToTheEarlierOne) {
  insert({.content = "I live in a small flat in Munich", .offset = 9});
  insert({.content = "I live in a small flat in Berlin", .offset = 4});
  EXPECT_THAT(all(), ElementsAre("kept mem_4I live in a small flat in Berlinrules []",
                                 "kept mem_9I live in a small flat in Munichrules [{\"type\":\"possible_update\","
                                 "\"memory_id\":\"mem_4I live in a small flat in Berlinrules\"}]"));
}

TEST_F(NearDedupeTest, LeavesTheConnectionsOfModels) {
  const Made made{.content = "I live in a small flat in Munich", .offset = 9};
  const auto batch = batch_with(made, "a");
  memories_->insert(
      memory_of(made), batch,
      {.batch_row = 1, .first = {.offset = 9}, .connections = R"([{"memory_id":"mem_x","type":"cause"}])"});
  insert({.content = "I live in a small flat in Berlin", .offset = 4});
  EXPECT_EQ(database_->text("SELECT connections FROM memories WHERE first_offset = 9"),
            R"([{"memory_id":"mem_x","type":"cause"},{"type":"possible_update",)"
            R"("memory_id":"mem_4I live in a small flat in Berlinrules"}])");
  insert({.content = "Oh, I live in a small flat in Munich", .offset = 1});  // Now the other is the later one.
  EXPECT_EQ(database_->text("SELECT connections FROM memories WHERE first_offset = 1"), "[]");
}

TEST_F(NearDedupeTest, TakesNothingTwiceWhenTheLedgerIsReset) {
  for (int i = 0; i < 2; ++i) {
    insert({.content = "I like rowing", .offset = 1});
    insert({.content = "I like rowing", .offset = 2});
    insert({.content = "I really like rowing", .offset = 3});
    EXPECT_EQ(integer("SELECT count(*) FROM memories"), 1);
    EXPECT_EQ(integer("SELECT count(*) FROM duplicates"), 2);
    EXPECT_EQ(integer("SELECT count(*) FROM near_keys"), 1);
  }
}

TEST_F(NearDedupeTest, ComparesWithWhatWasStoredWithoutIt) {
  MemoryTable exact{*database_, *batches_};
  const auto insert_exact = [&](const Made& made) {
    exact.insert(memory_of(made), batch_with(made, "a"), {.batch_row = 1, .first = {.offset = made.offset}});
  };
  insert_exact({.content = "I like rowing", .offset = 1});
  insert_exact({.content = "I really like rowing", .offset = 2});  // Stays.
  EXPECT_EQ(insert({.content = "well, I like rowing", .offset = 3}), 0);
  EXPECT_EQ(integer("SELECT count(*) FROM memories"), 2);
  insert_exact({.content = "I keep bees", .offset = 4});  // Once more without.
  EXPECT_EQ(insert({.content = "I keep bees!", .offset = 5}), 0);
  EXPECT_EQ(insert({.content = "I keep bees!", .offset = 0}), 0);
  EXPECT_THAT(contents(), ElementsAre("I keep bees!", "I like rowing", "I really like rowing"));
}

TEST_F(NearDedupeTest, ReadsBackWhatWasMergedIntoWhat) {
  insert({.content = "I like rowing in my garden", .offset = 1});
  insert({.content = "I really like rowing in my garden", .offset = 2});
  insert({.content = "I like rowing in my gadren", .offset = 3});
  const auto reader = open_reader();
  std::vector<std::string> merged;
  ASSERT_TRUE(reader->duplicates_of("mem_1I like rowing in my gardenrules", [&](const DuplicateRow& row) {
    merged.push_back(row.memory.content + ": " + row.why);
    EXPECT_EQ(row.into, "mem_1I like rowing in my gardenrules");
    EXPECT_THAT(row.memory.source_message_ids, ElementsAre("m" + row.memory.id.substr(4, 1)));
    return true;
  }));
  EXPECT_THAT(merged, ElementsAre("I really like rowing in my garden: same key", "I like rowing in my gadren: near"));
  EXPECT_EQ(reader->duplicate("mem_3I like rowing in my gadrenrules").value()->why, "near");
  EXPECT_FALSE(reader->duplicate("mem_1I like rowing in my gardenrules").value().has_value());
}

TEST_F(NearDedupeTest, GivesEachVariantOfAnExactKeyItsOwnPlace) {
  for (int i = 0; i < MemoryTable::probes_max + 10; ++i) {
    EXPECT_EQ(insert({.content = "I own a" + std::string(static_cast<std::size_t>(i), '+'), .offset = i}), 1);
  }
}

/// Texts of which many say the same, some only by way of a third one, and some are nearly the same.
constexpr std::array<const char*, 14> contents_pool{
    "my garden is in the north of town",        "my gadren is in the north of town",
    "my graden is in the north of town",        "my garden is in the nroth of town",
    "My Garden is in the North of town",        "My garden is in the north of town!",
    "so my garden is in the north of town lol", "my garden is in the south of town",
    "my garden is not in the north of town",    "my garden is in the north of town?",
    "my old garden was in the north of town",   "I paid $20 for the garden in the north",
    "I paid 20 for the garden in the north",    "I keep bees"};

TEST_F(NearDedupeTest, EndsAlikeInWhateverOrderMemoriesCome) {
  int agents = 0;
  EXPECT_TRUE(rc::check([&] {
    std::vector<Made> all_made;
    const auto count = *rc::gen::inRange(1, 16);
    for (int i = 0; i < count; ++i) {
      all_made.push_back({.content = *rc::gen::elementOf(contents_pool),
                          .method = *rc::gen::element(ExtractionMethod::rules, ExtractionMethod::small_model),
                          .offset = *rc::gen::inRange(0, 12),
                          .user = "u"});
    }
    const auto in_order = [&](const std::vector<Made>& order) {
      const auto agent = std::to_string(agents++);
      std::int64_t memories = 0;
      Transaction transaction{*database_, Transaction::Kind::write};
      for (const auto& made : order) {
        memories += insert(made, agent);
      }
      transaction.commit();
      auto lines = all(agent);
      RC_ASSERT(memories == static_cast<std::int64_t>(contents(agent).size()));
      std::set<std::string> ids;
      for (const auto& made : order) {
        ids.insert(memory_of(made).id);
      }
      RC_ASSERT(lines.size() == ids.size());  // Each is kept or merged, and none is lost.
      return lines;
    };
    const auto first = in_order(all_made);
    const auto shuffled = *rc::gen::exec([&] {
      auto order = all_made;
      for (std::size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[*rc::gen::inRange<std::size_t>(0, i)]);
      }
      return order;
    });
    RC_ASSERT(in_order(shuffled) == first);
    std::ranges::sort(all_made, {}, [](const Made& made) { return std::tuple{made.method, made.offset}; });
    RC_ASSERT(in_order(all_made) == first);
  }));
}

TEST_F(NearDedupeTest, KeepsTheLedgersCountsRight) {
  memories_.reset();
  database_.reset();
  const auto store = open_sqlite_store({.path = path_, .near_dedupe = true}, test_clock);
  ASSERT_TRUE(store.has_value());
  auto claimed = claim(**store);
  const auto remember = [&](std::int64_t offset, const std::vector<const char*>& texts) {
    auto batch = batch_of("a", {{.offset = offset}});
    for (const auto* content : texts) {
      batch.memories.push_back(memory_of({.content = content, .offset = offset}));
    }
    const auto result = commit(**store, {commit_of(claimed, 0, {std::move(batch)})});
    ++claimed.seq;
    return std::pair{result.memories, result.duplicates};
  };
  EXPECT_EQ(remember(8, {"I like rowing", "I like bees"}), (std::pair{2L, 0L}));
  EXPECT_EQ(remember(3, {"Oh, I like rowing", "well, I like rowing"}), (std::pair{0L, 2L}));
  EXPECT_EQ(integer("SELECT group_concat(memories, '') FROM batches"), 11);
  EXPECT_THAT(faults(), IsEmpty());
}

}  // namespace
}  // namespace alluvium::connectors
