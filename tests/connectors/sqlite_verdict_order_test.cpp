// SPDX-License-Identifier: Apache-2.0
// Which memories are kept, merged and linked hangs on them and on what a model says of them, not on the order.
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <tuple>
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
  std::array<const char*, 2> pair{};
  Verdict verdict = Verdict::unsure;
};

using VerdictOrderTest = SqliteTest;

TEST_F(VerdictOrderTest, EndsAlikeInWhateverOrderMemoriesAndVerdictsCome) {
  create_store();
  Database database{path_, Database::Mode::read_write, std::chrono::milliseconds{0}};
  database.execute("PRAGMA synchronous = OFF");
  MemoryTable memories{database, {.near = true}};
  VerdictRows verdicts{database};
  std::int64_t asked = 1000;
  int agents = 0;
  const auto take = [&](const Step& step, const std::string& agent) {
    if (step.content.empty()) {
      const auto wording = [](const char* content) {
        const auto sketch = pipeline::sketch_of(content, "u");
        return Wording{static_cast<std::int64_t>(sketch.form), static_cast<std::int64_t>(sketch.shape), content};
      };
      const std::array pair{WordingPair{wording(step.pair[0]), wording(step.pair[1])}};
      verdicts.ask(agent, pair, ++asked, 0);
      return memories.decide(agent, verdicts.decide(asked, {&step.verdict, 1}, "m", 0)).of_all;
    }
    pipeline::Batch batch{agent};
    batch.append({.id = "m" + std::to_string(step.offset),
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
    memory.id = std::to_string(step.offset) + step.content + std::string{name(step.method)};
    memory.method = step.method;
    memory.sources = {0};
    return memories.insert(memory, batch, {.batch_row = 1, .first = {.offset = step.offset}}).of_all;
  };
  const auto in_order = [&](const std::vector<Step>& steps) {
    const auto agent = std::to_string(agents++);
    std::int64_t count = 0;
    std::set<std::string> ids;
    std::vector<std::string> lines;
    Transaction transaction{database, Transaction::Kind::write};
    for (const auto& step : steps) {
      count += take(step, agent);
      if (!step.content.empty()) {
        ids.insert(std::to_string(step.offset) + step.content + std::string{name(step.method)});
      }
    }
    transaction.commit();
    auto kept = database.prepare("SELECT memory_id, connections FROM memories WHERE agent_id = ?1 ORDER BY 1");
    kept.with(agent);
    while (kept.step()) {
      lines.push_back("kept " + std::string{kept.text(0)} + " " + std::string{kept.text(1)});
    }
    RC_ASSERT(count == static_cast<std::int64_t>(lines.size()));
    auto merged = database.prepare(
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
  };
  rc::check([&] {
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
    const auto shuffled = *rc::gen::exec([&] {
      auto order = steps;
      for (std::size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[*rc::gen::inRange<std::size_t>(0, i)]);
      }
      return order;
    });
    RC_ASSERT(in_order(shuffled) == first);
    std::ranges::stable_sort(steps, {}, [](const Step& step) { return std::tuple{step.method, step.offset}; });
    RC_ASSERT(in_order(steps) == first);
  });
}

}  // namespace
}  // namespace alluvium::connectors
