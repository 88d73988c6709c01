// SPDX-License-Identifier: Apache-2.0
#include "actors/route_table.hpp"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::actors {
namespace {

Route& find(RouteTable& table, const std::string& agent) {
  return table.find_or_add(RouteTable::hash(agent), agent);
}

TEST(RouteTable, TellsAgentsOfOneHashApart) {
  RouteTable table;
  auto& first = table.find_or_add(7, "ada");
  auto& second = table.find_or_add(7, "bob");
  EXPECT_NE(&first, &second);
  EXPECT_EQ(&table.find_or_add(7, "ada"), &first);
  EXPECT_EQ(&table.find_or_add(7, "bob"), &second);
  EXPECT_EQ(table.size(), 2U);
}

TEST(RouteTable, HasAnAgentWithoutAName) {
  RouteTable table;
  EXPECT_EQ(&find(table, ""), &find(table, ""));
  EXPECT_EQ(table.size(), 1U);
}

TEST(RouteTable, FindsTheFewThatStayOfMany) {
  RouteTable table;
  for (int i = 0; i < 10'000; ++i) {
    find(table, "agent-" + std::to_string(i)).count = static_cast<std::uint32_t>(i);
  }
  auto& kept = find(table, "agent-77");
  table.keep_if([](const Route& route) { return route.count == 77; });
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(&find(table, "agent-77"), &kept);
}

TEST(RouteTable, IsVisitedInTheOrderOfAdding) {
  RouteTable table;
  std::uint32_t added = 0;
  const auto add = [&](int count) {
    for (int i = 0; i < count; ++i, ++added) {
      find(table, "agent-" + std::to_string(added)).count = added;
    }
  };
  const auto visited = [&] {
    std::vector<std::uint32_t> counts;
    table.for_each([&](const Route& route) { counts.push_back(route.count); });
    return counts;
  };
  add(100);
  table.keep_if([](const Route& route) { return route.count % 7 == 3; });
  add(3);
  const std::vector<std::uint32_t> expected{3, 10, 17, 24, 31, 38, 45, 52, 59, 66, 73, 80, 87, 94, 100, 101, 102};
  EXPECT_EQ(visited(), expected);
}

/// Against a map: the same agents with the same counts after any additions and erasures, at the same places.
TEST(RouteTable, IsAMapWhoseRoutesStayWhereTheyAre) {
  EXPECT_TRUE(rc::check("any additions and erasures", [] {
    RouteTable table;
    std::map<std::string, Route*> expected;
    std::map<std::string, std::uint32_t> counts;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 400));
    for (const int step : steps) {
      if (step == 0) {
        const auto keeps = [](const Route& route) { return route.count % 3 != 0; };
        table.keep_if([&](const Route& route) { return keeps(route); });
        std::erase_if(counts, [](const auto& one) { return one.second % 3 == 0; });
        std::erase_if(expected, [&](const auto& one) { return !counts.contains(one.first); });
        continue;
      }
      const auto agent = "agent-" + std::to_string(step);
      auto& route = find(table, agent);
      if (const auto [place, is_new] = expected.emplace(agent, &route); !is_new) {
        RC_ASSERT(place->second == &route);
      }
      RC_ASSERT(route.agent_id == agent);
      ++route.count;
      ++counts[agent];
    }
    RC_ASSERT(table.size() == expected.size());
    std::map<std::string, std::uint32_t> found;
    table.for_each([&](const Route& route) { found.emplace(route.agent_id, route.count); });
    RC_ASSERT(found == counts);
  }));
}

}  // namespace
}  // namespace alluvium::actors
