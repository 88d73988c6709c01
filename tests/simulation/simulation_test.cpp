// SPDX-License-Identifier: Apache-2.0
// Without a mutation no seed fails, with one some seed does, and a seed is the same each time.
#include <cstdlib>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/simulation/campaign.hpp"
#include "tests/simulation/world.hpp"

namespace alluvium::simulation {
namespace {

constexpr std::uint64_t seeds_without_mutation = 6000;
/// The rarest shortcut fails about one seed in a thousand.
constexpr std::uint64_t seeds_per_mutation = 20'000;

TEST(Simulation, LosesAndDoublesNothing) {
  const auto result = run_campaign({.first = 1, .seeds = seeds_without_mutation, .threads = 2});
  EXPECT_EQ(result.seeds, seeds_without_mutation);
  for (const auto& failure : result.failures) {
    ADD_FAILURE() << "simulation --seed " << failure.seed << " --trace: " << failure.fault;
  }
}

TEST(Simulation, ReplaysASeedExactly) {
  std::set<std::string> traces;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::ostringstream first;
    std::ostringstream second;
    const auto steps = run(seed, Mutation::none, &first).steps;
    EXPECT_EQ(run(seed, Mutation::none, &second).steps, steps);
    EXPECT_EQ(run(seed, Mutation::none).steps, steps) << "watched or not";
    EXPECT_EQ(first.str(), second.str());
    traces.insert(first.str());
  }
  EXPECT_EQ(traces.size(), 20U) << "and each seed is another story";
}

class ShortcutTest : public testing::TestWithParam<MutationEntry> {};

TEST_P(ShortcutTest, IsCaught) {
  const auto result = run_campaign(
      {.first = 1, .seeds = seeds_per_mutation, .threads = 2, .mutation = GetParam().mutation, .stop_at_first = true});
  EXPECT_GT(result.failed, 0U) << GetParam().what;
}

INSTANTIATE_TEST_SUITE_P(Each, ShortcutTest, testing::ValuesIn(mutations().begin(), mutations().end()),
                         [](const auto& shortcut) { return std::string{shortcut.param.name}; });

}  // namespace
}  // namespace alluvium::simulation
