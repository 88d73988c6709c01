// SPDX-License-Identifier: Apache-2.0
// Which memories are kept, merged and linked hangs on them and on what a model says of them, not on the order.
#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "connectors/sqlite_memories.hpp"
#include "pipeline/sameness.hpp"
#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::ExtractionMethod;
using pipeline::Verdict;

constexpr std::array<const char*, 10> contents_pool{
    "my garden is in the north of town",      "my gadren is in the north of town",
    "my graden is in the north of town",      "My garden is in the north of town!",
    "my garden is in the south of town",      "my garden is not in the north of town",
    "my old garden was in the north of town", "my old graden was in the north of town",
    "I paid $20 for the garden in the north", "I keep bees"};

struct Step {
  std::string content;  ///< Of a memory; empty: it is a verdict.
  ExtractionMethod method = ExtractionMethod::rules;
  std::int64_t offset = 0;
  std::array<std::string, 2> pair{};
  Verdict verdict = Verdict::unsure;
};

std::string id_of(const Step& step) {
  return std::to_string(step.offset) + step.content + std::string{name(step.method)};
}

class VerdictOrderTest : public SqliteTest {
 protected:
  void SetUp() override {
    create_store();
    database_ = std::make_unique<Database>(path_, Database::Mode::read_write, std::chrono::milliseconds{0});
    database_->execute("PRAGMA synchronous = OFF");
    batches_ = std::make_unique<BatchRows>(*database_);
    memories_ = std::make_unique<MemoryTable>(*database_, *batches_, DedupeOptions{.near = true});
    verdicts_ = std::make_unique<VerdictRows>(*database_);
  }

  /// How many memories more there are.
  std::int64_t take(const Step& step, const std::string& agent) {
    if (step.content.empty()) {
      const auto wording = [](const std::string& content) {
        const auto sketch = pipeline::sketch_of(content, "u");
        return Wording{static_cast<std::int64_t>(sketch.form), static_cast<std::int64_t>(sketch.shape), content};
      };
      const std::array pair{WordingPair{wording(step.pair[0]), wording(step.pair[1])}};
      verdicts_->ask(agent, pair, ++asked_, 0);
      return memories_->decide(agent, verdicts_->decide(asked_, {&step.verdict, 1}, "m", 0)).of_all;
    }
    pipeline::Batch batch{agent};
    const auto message_id = "m" + std::to_string(step.offset);
    batch.append({.id = message_id,
                  .agent_id = agent,
                  .session_id = "s",
                  .user_id = "u",
                  .org_id = "",
                  .content = "hello",
                  .role = pipeline::Role::user,
                  .timestamp_ms = 1,
                  .position = {.offset = step.offset}});
    pipeline::Memory memory;
    memory.content = step.content;
    memory.id = id_of(step);
    memory.method = step.method;
    memory.sources = {0};
    return memories_->insert(memory, batch, {.batch_row = 1, .first = {.offset = step.offset}}).of_all;
  }

  /// What is kept and what was merged into what when they come in this order.
  std::vector<std::string> in_order(const std::vector<Step>& steps) {
    const auto agent = std::to_string(agents_++);
    std::int64_t count = 0;
    std::set<std::string> ids;
    std::vector<std::string> lines;
    Transaction transaction{*database_, Transaction::Kind::write};
    for (const auto& step : steps) {
      count += take(step, agent);
      if (!step.content.empty()) {
        ids.insert(id_of(step));
      }
    }
    transaction.commit();
    auto kept = database_->prepare("SELECT memory_id, connections FROM memories WHERE agent_id = ?1 ORDER BY 1");
    kept.with(agent);
    while (kept.step()) {
      lines.push_back("kept " + std::string{kept.text(0)} + " " + std::string{kept.text(1)});
    }
    RC_ASSERT(count == static_cast<std::int64_t>(lines.size()));
    auto merged = database_->prepare(
        "SELECT d.memory_id, m.memory_id, d.why FROM duplicates d LEFT JOIN memories m ON m.id = d.kept"
        " WHERE d.agent_id = ?1 ORDER BY 1");
    merged.with(agent);
    while (merged.step()) {
      RC_ASSERT(!merged.text(1).empty());  // Into one that is kept.
      lines.push_back("merged " + std::string{merged.text(0)} + " into " + std::string{merged.text(1)} + ": " +
                      std::string{merged.text(2)});
    }
    RC_ASSERT(lines.size() == ids.size());  // Each is kept or merged, and none is lost.
    return lines;
  }

  std::unique_ptr<Database> database_;
  std::unique_ptr<BatchRows> batches_;
  std::unique_ptr<MemoryTable> memories_;
  std::unique_ptr<VerdictRows> verdicts_;
  std::int64_t asked_ = 1000;
  int agents_ = 0;
};

std::vector<Step> shuffled(const std::vector<Step>& steps) {
  return *rc::gen::exec([steps] {  // By value: a failure is looked at again when this is over.
    auto order = steps;
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[*rc::gen::inRange<std::size_t>(0, i)]);
    }
    return order;
  });
}

constexpr auto by_model = ExtractionMethod::small_model;

TEST_F(VerdictOrderTest, TakesAlongWhatWasMergedBeforeASwapForgotTheKeys) {
  take({.content = "my garden is in the north of town", .method = by_model, .offset = 5}, "a");
  take({.content = "my gadren is in the north of town", .method = by_model, .offset = 6}, "a");
  take({.content = "I keep bees", .offset = 7}, "a");  // So that no row's number is given out again.
  ASSERT_EQ(integer("SELECT count(*) FROM duplicates"), 1);
  database_->execute("DELETE FROM near_keys");
  database_->execute("DELETE FROM near_blocks");
  // Written like the one that was merged, and of a lower rank than the one that it was merged into.
  take({.content = "my gadren is in the north of town", .offset = 1}, "a");
  EXPECT_EQ(integer("SELECT count(*) FROM memories"), 2);
  EXPECT_EQ(integer("SELECT count(*) FROM duplicates"), 2);
  EXPECT_EQ(integer("SELECT count(*) FROM duplicates d JOIN memories m ON m.id = d.kept"), 2);
}

TEST_F(VerdictOrderTest, GoesOnWithoutAKeyOfWhatIsNoMore) {
  take({.content = "my garden is in the north of town", .offset = 1}, "a");
  database_->execute("INSERT INTO near_keys SELECT agent_id, shape, 4711 FROM near_keys");
  EXPECT_EQ(take({.content = "my gadren is in the north of town", .offset = 2}, "a"), 0);
  EXPECT_EQ(integer("SELECT count(*) FROM near_keys WHERE item = 4711"), 0);
}

TEST_F(VerdictOrderTest, KeepsTheLinkOfWhatWasCalledTheSameWhileNobodyMerged) {
  take({.content = "my garden is in the north of town", .offset = 1}, "a");
  take({.content = "my garden is in the south of town", .offset = 9}, "a");
  const auto wording = [](const char* content) {
    const auto sketch = pipeline::sketch_of(content, "u");
    return Wording{static_cast<std::int64_t>(sketch.form), static_cast<std::int64_t>(sketch.shape), content};
  };
  const std::array pair{
      WordingPair{wording("my garden is in the north of town"), wording("my garden is in the south of town")}};
  constexpr auto same = Verdict::same;
  verdicts_->ask("a", pair, 1, 0);
  ASSERT_EQ(verdicts_->decide(1, {&same, 1}, "m", 0).size(), 1U);
  take({.content = "my garden is not in the north of town", .offset = 5}, "a");  // Its links are sought anew.
  EXPECT_EQ(integer("SELECT json_array_length(connections) FROM memories WHERE content LIKE '%south%'"), 2);
}

TEST_F(VerdictOrderTest, EndsAlikeInWhateverOrderMemoriesAndVerdictsCome) {
  EXPECT_TRUE(rc::check([&] {
    std::vector<Step> steps;
    const auto count = *rc::gen::inRange(1, 14);
    for (int i = 0; i < count; ++i) {
      steps.push_back({.content = *rc::gen::elementOf(contents_pool),
                       .method = *rc::gen::element(ExtractionMethod::rules, ExtractionMethod::small_model),
                       .offset = *rc::gen::inRange(0, 10)});
    }
    std::set<std::set<std::uint64_t>> judged;
    const auto pairs = *rc::gen::inRange(0, 8);
    for (int i = 0; i < pairs; ++i) {
      Step step{.content = {},
                .pair = {*rc::gen::elementOf(contents_pool), *rc::gen::elementOf(contents_pool)},
                .verdict = *rc::gen::element(Verdict::same, Verdict::same, Verdict::update, Verdict::different)};
      const std::set forms{pipeline::sketch_of(step.pair[0], "u").form, pipeline::sketch_of(step.pair[1], "u").form};
      if (forms.size() == 2 && judged.insert(forms).second) {  // Asked once.
        steps.push_back(step);
      }
    }
    const auto first = in_order(steps);
    RC_ASSERT(in_order(shuffled(steps)) == first);
    std::ranges::stable_sort(steps, {}, [](const Step& step) { return std::tuple{step.method, step.offset}; });
    RC_ASSERT(in_order(steps) == first);
  }));
}

/// Beyond what is compared at once the order can show, and nothing else may happen.
TEST_F(VerdictOrderTest, LosesNothingWhenAModelCallsAlmostEverythingTheSame) {
  const auto content = [](int number) { return "the parcel in box " + std::to_string(number) + " is mine"; };
  std::vector<Step> steps;
  for (int i = 0; i < 90; ++i) {
    steps.push_back({.content = content(i), .offset = i});
  }
  for (int i = 1; i < 90; ++i) {
    steps.push_back({.content = {}, .pair = {content(i - 1), content(i)}, .verdict = Verdict::same});
  }
  int runs = 0;
  EXPECT_TRUE(rc::check([&] {
    if (++runs <= 4) {  // Each is half a second.
      RC_ASSERT(in_order(shuffled(steps)).size() == 90);
    }
  }));
}

}  // namespace
}  // namespace alluvium::connectors
