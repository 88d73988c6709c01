// SPDX-License-Identifier: Apache-2.0
// rules: full batches matched against 2 to 2,000 rules. One message in twenty matches, always one of the first two, so
// that what grows is the looking, not the finding.
#include "bench/workload/rules.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "bench/micro/chat.hpp"
#include "bench/micro/measurement.hpp"
#include "bench/micro/suites.hpp"
#include "pipeline/rules.hpp"

namespace alluvium::bench {
namespace {

/// Compiled once: a benchmark is run several times over until it has run long enough.
const pipeline::RuleSet& compiled(std::size_t count) {
  static std::map<std::size_t, std::shared_ptr<const pipeline::RuleSet>> sets;
  auto& set = sets[count];
  if (!set) {
    std::vector<pipeline::Rule> rules;
    for (const auto& rule : make_rules(count)) {
      rules.emplace_back();
      rules.back().id = rule.id;
      rules.back().pattern = rule.pattern;
    }
    std::vector<pipeline::RuleProblem> problems;
    set = pipeline::RuleSet::compile(std::move(rules), {}, problems).value();
    demand(problems.empty() && set->size() == count, "rules: some can't run");
  }
  return *set;
}

void match(benchmark::State& state) {
  const auto& batches = chat_batches();
  const auto& rules = compiled(static_cast<std::size_t>(state.range(0)));
  pipeline::RuleSet::Scratch scratch{rules};
  std::size_t next = 0;
  std::size_t found = 0;
  for ([[maybe_unused]] auto _ : state) {
    found += rules.match(batches[next++ % batches.size()], scratch).size();
  }
  count_messages(state, batch_messages);
  state.counters["memories_per_message"] = static_cast<double>(found) / static_cast<double>(next * batch_messages);
}

}  // namespace

void add_rules() {
  benchmark::RegisterBenchmark("rules", match)->ArgName("rules")->Arg(2)->Arg(20)->Arg(200)->Arg(2000);
}

}  // namespace alluvium::bench
