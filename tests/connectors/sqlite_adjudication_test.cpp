// SPDX-License-Identifier: Apache-2.0
// What the small model is asked of memories that are much alike, and what follows from its verdicts.
#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>

#include "connectors/sqlite_memories.hpp"
#include "connectors/sqlite_requests.hpp"
#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::CallMode;
using pipeline::Money;
using pipeline::Reserved;
using pipeline::StoredRequest;
using pipeline::Tier;
using pipeline::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto berlin = "I live in a small flat in Berlin";
constexpr auto munich = "I live in a small flat in Munich";
constexpr auto link_to_first = R"([{"type":"possible_update","memory_id":"mem_0"}])";

class AdjudicationTest : public SqliteTest {
 protected:
  AdjudicationTest() {
    options_.path = path_;
    options_.near_dedupe = true;
    options_.adjudicate = true;
    options_.models.tiers[Tier::small].enabled = true;
  }
  void open() {
    store_ = open_sqlite_store(options_, test_clock).value();
    claim_ = claim(*store_);
    requests_ = open_sqlite_requests(options_, budgets_, test_clock).value();
  }
  /// Commits a batch with one memory, mem_<offset>. Its message stands one further: the watermark stays at 0.
  pipeline::CommitResult remember(const std::string& content, std::int64_t offset, const std::string& user = "u",
                                  const std::string& agent = "a") {
    pipeline::ExtractedBatch extracted;
    extracted.id = "batch_" + std::to_string(offset);
    extracted.batch = pipeline::Batch{agent};
    const auto id = "m" + std::to_string(offset);
    extracted.batch.append({.id = id,
                            .agent_id = agent,
                            .session_id = "s",
                            .user_id = user,
                            .org_id = "acme",
                            .content = content,
                            .role = pipeline::Role::user,
                            .timestamp_ms = 1,
                            .position = {.offset = offset + 1}});
    extracted.outcomes = {pipeline::Outcome::extracted};
    pipeline::Memory memory;
    memory.content = content;
    memory.id = "mem_" + std::to_string(offset);
    memory.sources = {0};
    extracted.memories = {memory};
    const auto result = commit(*store_, {commit_of(claim_, 0, {std::move(extracted)})});
    ++claim_.seq;
    return result;
  }
  std::vector<StoredRequest> due() {
    return requests_->due(Tier::small, CallMode::call, 100).value();
  }
  Reserved reserve(const StoredRequest& stored, Money cost = Money{100}) {
    return requests_->reserve({stored.id, "h" + std::to_string(stored.id), "small", "m-1", cost}).value();
  }
  pipeline::Settled answer(const StoredRequest& stored, std::vector<Verdict> verdicts) {
    EXPECT_EQ(reserve(stored).verdict, Reserved::Verdict::send);
    pipeline::CallEnd end;
    end.request = stored.id;
    end.agent_id = stored.agent_id;
    end.hash = "h" + std::to_string(stored.id);
    end.endpoint = "small";
    end.model = "m-1";
    end.ended_ms = test_now_ms;
    end.usage = {.prompt = 10, .completion = 2, .cached = 0, .cache_write = 0};
    end.cost = Money{60};
    pipeline::Settlement settlement;
    settlement.model = "m-1";
    settlement.verdicts = std::move(verdicts);
    return requests_->settle(end, settlement).value();
  }
  void answer_only(Verdict verdict) {
    const auto all = due();
    ASSERT_EQ(all.size(), 1U);
    static_cast<void>(answer(all.front(), {verdict}));
  }
  [[nodiscard]] std::string text(const std::string& sql) const {
    return Database{path_, Database::Mode::read_write, std::chrono::milliseconds{1000}}.text(sql);
  }
  [[nodiscard]] std::string connections(const std::string& id) const {
    return text("SELECT connections FROM memories WHERE memory_id = '" + id + "'");
  }

  SqliteStoreOptions options_;
  pipeline::BudgetOptions budgets_;
  std::unique_ptr<pipeline::Store> store_;
  std::unique_ptr<pipeline::RequestStore> requests_;
  pipeline::Claim claim_;
};

TEST_F(AdjudicationTest, AsksOnceAboutAPairWhereItIsLinked) {
  open();
  EXPECT_EQ(remember(berlin, 0).requests, 0);
  EXPECT_EQ(remember(munich, 1).requests, 1);
  const auto all = due();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all.front().request.pairs, ElementsAre(pipeline::TextPair{berlin, munich}));
  EXPECT_EQ(all.front().request.places.size(), 0U);
  EXPECT_EQ(all.front().org_id, "acme");
  EXPECT_EQ(integer("SELECT count(*) FROM request_batches"), 0);  // No message waits for it.
  EXPECT_EQ(store_->open_calls().value(), 1);
  EXPECT_EQ(text("SELECT verdict FROM verdicts"), "asked");
  EXPECT_EQ(connections("mem_1"), link_to_first);
  EXPECT_THAT(faults(), IsEmpty());
  // Written alike, said again, linked anew: it is the same pair.
  EXPECT_EQ(remember("So, I live in a small flat in Munich", 2).requests, 0);
  answer_only(Verdict::unsure);
  EXPECT_EQ(connections("mem_1"), link_to_first);
  EXPECT_EQ(remember("I really live in a small flat in Munich!", 3).requests, 0);
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(store_->open_calls().value(), 0);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(AdjudicationTest, TheSameIsMergedIntoTheLowerWithWhatWasMergedIntoIt) {
  open();
  remember(munich, 1);
  remember("Oh, I live in a small flat in Munich", 2);
  remember(berlin, 0);
  const auto all = due();
  ASSERT_EQ(all.size(), 1U);
  const auto settled = answer(all.front(), {Verdict::same});
  EXPECT_EQ(settled.memories, -1);
  EXPECT_EQ(settled.duplicates, 1);
  EXPECT_EQ(text("SELECT group_concat(memory_id) FROM memories"), "mem_0");
  EXPECT_EQ(integer("SELECT count(*) FROM duplicates d JOIN memories m ON m.id = d.kept WHERE d.why = 'model'"), 2);
  EXPECT_EQ(integer("SELECT sum(memories) FROM calls"), 0);
  EXPECT_EQ(integer("SELECT sum(spent) FROM spend WHERE scope = 'agent'"), 60);
  EXPECT_THAT(faults(), IsEmpty());
  const auto reader = open_reader();
  const auto merged = reader->duplicate("mem_1").value();
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->into, "mem_0");
  EXPECT_EQ(merged->why, "model");
  const auto said = reader->verdicts_on(merged->memory).value();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(std::tie(said[0].other, said[0].verdict, said[0].model), std::tuple("mem_0", "same", "m-1"));
  EXPECT_EQ(reader->calls_of(said[0].request).value().front().cost, Money{60});
  // What comes later follows, and lower ones take the place of what is there.
  EXPECT_EQ(remember("well, I live in a small flat in Munich", 7).duplicates, 1);
  EXPECT_EQ(integer("SELECT count(*) FROM duplicates WHERE why = 'model'"), 3);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(AdjudicationTest, AnUpdateIsLinkedAsOneAndWhatIsDifferentIsNot) {
  open();
  remember(berlin, 0);
  remember(munich, 1);
  answer_only(Verdict::update);
  EXPECT_EQ(connections("mem_1"), R"([{"type":"update","memory_id":"mem_0","model":"m-1"}])");
  EXPECT_EQ(remember("Oh, I live in a small flat in Berlin", 5).memories, 0);
  remember("I live in a small flat in Bremen", 2);
  for (const auto& stored : due()) {
    static_cast<void>(answer(stored, std::vector<Verdict>(stored.request.pairs.size(), Verdict::different)));
  }
  EXPECT_EQ(connections("mem_2"), "[]");
  EXPECT_EQ(connections("mem_1"), R"([{"type":"update","memory_id":"mem_0","model":"m-1"}])");
  EXPECT_EQ(integer("SELECT count(*) FROM memories"), 3);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(AdjudicationTest, AVerdictOnWhatIsGoneIsKeptAndNothingElse) {
  open();
  remember(berlin, 0);
  remember(munich, 1);
  const auto all = due();
  // As a swap leaves it.
  execute(
      "DELETE FROM memories WHERE memory_id = 'mem_1'; DELETE FROM near_keys; DELETE FROM near_blocks;"
      "UPDATE batches SET memories = 0 WHERE id = 2");
  static_cast<void>(answer(all.at(0), {Verdict::same}));
  EXPECT_EQ(text("SELECT verdict FROM verdicts"), "same");
  EXPECT_EQ(text("SELECT group_concat(memory_id) FROM memories"), "mem_0");
  EXPECT_THAT(faults(), IsEmpty());
  // It is about the text: said again, it is the same.
  EXPECT_EQ(remember(munich, 9).duplicates, 1);
  EXPECT_EQ(text("SELECT why FROM duplicates"), "model");
}

TEST_F(AdjudicationTest, WhatTookTheOthersPlaceMeanwhileIsMerged) {
  open();
  remember(berlin, 3);
  remember(munich, 5);
  remember("Oh, I live in a small flat in Munich", 4);    // Ranks lower than its twin.
  remember("Well, I live in a small flat in Munich", 1);  // And lower than the other.
  answer_only(Verdict::same);
  EXPECT_EQ(text("SELECT group_concat(memory_id) FROM memories"), "mem_1");
  EXPECT_EQ(integer("SELECT count(*) FROM duplicates d JOIN memories m ON m.id = d.kept"), 3);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(AdjudicationTest, NobodyIsAskedWithoutIt) {
  options_.adjudicate = false;
  open();
  remember(berlin, 0);
  EXPECT_EQ(remember(munich, 1).requests, 0);
  EXPECT_EQ(connections("mem_1"), link_to_first);
  EXPECT_EQ(integer("SELECT (SELECT count(*) FROM requests) + (SELECT count(*) FROM verdicts)"), 0);
}

TEST_F(AdjudicationTest, VerdictsHoldWhenItIsTurnedOff) {
  open();
  remember(berlin, 0);
  remember(munich, 1);
  answer_only(Verdict::same);
  options_.adjudicate = false;
  store_.reset();
  requests_.reset();
  open();
  EXPECT_EQ(remember("I live in a small flat in Bremen", 2).requests, 0);
  EXPECT_EQ(remember("So, I live in a small flat in Munich", 3).duplicates, 1);
  EXPECT_EQ(text("SELECT group_concat(why) FROM duplicates"), "model,model");
}

TEST_F(AdjudicationTest, WithoutRoomInTheBacklogAPairStaysAsItIs) {
  options_.models.backlog_requests_max = 0;
  open();
  remember(berlin, 0);
  const auto result = remember(munich, 1);
  EXPECT_EQ(result.requests, 0);
  EXPECT_EQ(result.backlog_full, 1);
  EXPECT_EQ(connections("mem_1"), link_to_first);
  EXPECT_EQ(integer("SELECT (SELECT count(*) FROM requests) + (SELECT count(*) FROM verdicts)"), 0);
}

TEST_F(AdjudicationTest, WithoutBudgetItIsNotSent) {
  budgets_.global = Money{50};
  open();
  remember(berlin, 0);
  remember(munich, 1);
  EXPECT_EQ(reserve(due().at(0), Money{51}).verdict, Reserved::Verdict::refused);
  EXPECT_EQ(integer("SELECT coalesce(sum(spent + reserved), 0) FROM spend"), 0);
  EXPECT_EQ(connections("mem_1"), link_to_first);
}

TEST_F(AdjudicationTest, OnlyMemoriesOfOneUserOfOneAgentArePairs) {
  open();
  remember(berlin, 0);
  EXPECT_EQ(remember(munich, 1, "someone else").requests, 0);
  EXPECT_EQ(remember(munich, 2, "u", "another").requests, 0);
  remember(munich, 3);
  answer_only(Verdict::same);
  EXPECT_EQ(text("SELECT group_concat(memory_id) FROM (SELECT memory_id FROM memories ORDER BY 1)"),
            "mem_0,mem_1,mem_2");
}

TEST_F(AdjudicationTest, OneRequestHoldsAtMostEightPairs) {
  open();
  constexpr std::array cities{"Bonn",   "Bremen", "Berlin", "Bergen", "Bern",   "Basel",
                              "Bochum", "Brno",   "Bari",   "Bath",   "Bergamo"};
  for (std::size_t i = 0; i < cities.size(); ++i) {
    remember(std::string{"I live in a small flat in the old part of the town of "} + cities[i],
             static_cast<std::int64_t>(i));
  }
  std::size_t most = 0;
  for (const auto& stored : due()) {
    most = std::max(most, stored.request.pairs.size());
  }
  EXPECT_EQ(most, pipeline::pairs_max);
}

TEST_F(AdjudicationTest, OffAndOnAgainKeepsWhatWasMerged) {
  options_.near_dedupe = options_.adjudicate = false;
  const auto again = [&](bool near) {
    store_.reset();
    requests_.reset();
    options_.near_dedupe = near;
    open();
  };
  again(false);
  remember("I like rowing", 0);
  EXPECT_EQ(remember("I really like rowing", 1).memories, 1);
  again(true);
  EXPECT_EQ(remember("So, I like rowing", 2).duplicates, 1);
  EXPECT_EQ(remember("I like sailing", 3).memories, 1);
  again(false);
  EXPECT_EQ(remember("well, I like sailing", 4).memories, 1);
  EXPECT_EQ(remember("I like sailing!", 5).duplicates, 1);
  again(true);
  EXPECT_EQ(remember("Oh, I like sailing", 6).duplicates, 1);
  EXPECT_EQ(text("SELECT group_concat(memory_id) FROM (SELECT memory_id FROM memories ORDER BY 1)"),
            "mem_0,mem_1,mem_3,mem_4");
  EXPECT_THAT(faults(), IsEmpty());
}

}  // namespace
}  // namespace alluvium::connectors
