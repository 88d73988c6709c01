// SPDX-License-Identifier: Apache-2.0
#include "pipeline/value_selector.hpp"

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

using Random = std::mt19937_64;
constexpr double rates[] = {.05, .1, .2, .3, .4, .6};

double unit(Random& random) {
  return static_cast<double>(random() >> 11U) * 0x1p-53;
}

MessageValue message(double density, std::uint32_t tokens = 30) {
  return {.density = static_cast<float>(density), .tokens = tokens, .bare = false};
}

struct Sums {
  double seen = 0;
  double spent = 0;
  [[nodiscard]] double rate() const {
    return spent / seen;
  }
};

using Stream = std::function<MessageValue(std::int64_t index, Random& random)>;

Sums run(ValueSelector& selector, const Stream& stream, std::int64_t messages, int agents = 20) {
  Random random{7};
  Sums sums;
  for (std::int64_t i = 0; i < messages; ++i) {
    const auto value = stream(i, random);
    const auto agent = "agent-" + std::to_string(random() % static_cast<unsigned>(agents));
    const auto verdict = selector.take(agent, value, false);
    EXPECT_EQ(verdict.chosen, verdict.score >= verdict.threshold);
    sums.seen += value.tokens;
    sums.spent += verdict.chosen ? value.tokens : 0;
  }
  return sums;
}

struct Named {
  const char* name;
  Stream stream;
};

const std::vector<Named>& streams() {
  static const std::vector<Named> all = {
      {"normal",
       [](std::int64_t, Random& r) {
         return message(-5 + unit(r) + unit(r) + unit(r) - 1.5, 10 + static_cast<std::uint32_t>(r() % 40));
       }},
      {"one density only", [](std::int64_t, Random&) { return message(-5); }},
      {"two lumps", [](std::int64_t, Random& r) { return message(r() % 4 == 0 ? -3 : -6); }},
      {"drifting up",
       [](std::int64_t i, Random& r) { return message(-8 + static_cast<double>(i) / 20'000 + unit(r)); }},
      {"drifting down",
       [](std::int64_t i, Random& r) { return message(-1 - static_cast<double>(i) / 20'000 - unit(r)); }},
      {"tides",
       [](std::int64_t i, Random& r) { return message(-5 + 2 * std::sin(static_cast<double>(i) / 3000) + unit(r)); }},
      {"a jump", [](std::int64_t i, Random& r) { return message((i < 50'000 ? -7 : -2) - unit(r)); }},
      {"always a little better",
       [](std::int64_t i, Random&) { return message(-8.9 + static_cast<double>(i % 5000) / 600); }},
      {"always a little worse",
       [](std::int64_t i, Random&) { return message(-.6 - static_cast<double>(i % 5000) / 600); }},
      {"long texts among short ones",
       [](std::int64_t, Random& r) { return message(-4 - 2 * unit(r), r() % 50 == 0 ? 2000 : 12); }},
      {"outside of the bins", [](std::int64_t, Random& r) { return message(r() % 2 == 0 ? -99 : 99); }},
  };
  return all;
}

TEST(ValueSelector, HoldsTheRateOnLongStreams) {
  for (const auto& [name, stream] : streams()) {
    for (const double rate : rates) {
      ValueSelector selector{{.rate = rate, .agent_rates = {}}};
      EXPECT_NEAR(run(selector, stream, 100'000).rate(), rate, .01) << name;
    }
  }
}

TEST(ValueSelector, HoldsTheRateFromEarlyOn) {
  for (const auto& [name, stream] : streams()) {
    for (const double rate : {.1, .2, .4}) {
      ValueSelector selector{{.rate = rate, .agent_rates = {}}};
      const auto sums = run(selector, stream, 2'000);
      // A stream that only gets worse is followed as far behind as the rate's control remembers.
      const double lag = std::string_view{name} == "always a little worse" ? 16'384 : 2'000;
      EXPECT_NEAR(sums.spent, rate * sums.seen, .02 * sums.seen + lag) << name << " at " << rate;
    }
  }
}

TEST(ValueSelector, ChoosesWhatIsDenser) {
  ValueSelector selector{{.rate = .2, .agent_rates = {}}};
  Random random{1};
  Sums above;
  Sums below;
  for (int i = 0; i < 20'000; ++i) {
    const double density = -7 + 4 * unit(random);
    const bool chosen = selector.take("ada", message(density), false).chosen;
    auto& sums = density > -3.8 ? above : below;
    sums.seen += 1;
    sums.spent += chosen ? 1 : 0;
  }
  EXPECT_GT(above.rate(), .9);
  EXPECT_LT(below.rate(), .04);
}

TEST(ValueSelector, TakesNoneAtZeroAndAllButNoiseAtOne) {
  for (const double none : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    ValueSelector selector{{.rate = none, .agent_rates = {}}};
    EXPECT_EQ(run(selector, streams()[0].stream, 1000).spent, 0);
    EXPECT_EQ(selector.take("ada", message(0), false).threshold, value_bins);
  }
  for (const double all : {1.0, 2.0}) {
    ValueSelector selector{{.rate = all, .agent_rates = {}}};
    EXPECT_EQ(run(selector, streams()[0].stream, 1000).rate(), 1);
    EXPECT_FALSE(selector.take("ada", message(0), true).chosen);
  }
}

TEST(ValueSelector, CountsNoiseAsSeenAndNeverChoosesIt) {
  ValueSelector selector{{.rate = .3, .agent_rates = {}}};
  Random random{3};
  Sums sums;
  for (int i = 0; i < 50'000; ++i) {
    const bool noise = i % 2 == 0;
    const auto value = message(noise ? 0 : -5 + unit(random), 20);
    const auto verdict = selector.take("ada", value, noise);
    EXPECT_FALSE(noise && verdict.chosen);
    sums.seen += 20;
    sums.spent += verdict.chosen ? 20 : 0;
  }
  EXPECT_NEAR(sums.rate(), .3, .01);  // The rate is one of all tokens: the other half fills it.
}

/// After a stretch in which nothing could be chosen the rate is not made up for without end.
TEST(ValueSelector, ForgetsWhatItCouldNotSpend) {
  ValueSelector selector{{.rate = .2, .agent_rates = {}}};
  for (int i = 0; i < 1'000'000; ++i) {
    selector.take("ada", message(-5), true);
  }
  const auto after = run(selector, streams()[0].stream, 100'000);
  EXPECT_LT(after.spent, .2 * after.seen + 20'000);
  EXPECT_NEAR(run(selector, streams()[0].stream, 50'000).rate(), .2, .01);
}

/// An agent whose messages promise less than everybody's gets a quarter of the rate all the same, in any stretch.
TEST(ValueSelector, GivesEveryAgentAFloor) {
  ValueSelector selector{{.rate = .2, .agent_rates = {}}};
  Random random{5};
  Sums loud;
  Sums quiet;
  double owed = 0;  // Of the quiet one: what its floor lacks, at worst.
  double worst = 0;
  for (int i = 0; i < 60'000; ++i) {
    const bool is_quiet = i % 10 == 0;
    const auto value = message((is_quiet ? -8 : -4) + unit(random), 30);
    auto& sums = is_quiet ? quiet : loud;
    const bool chosen = selector.take(is_quiet ? "quiet" : "loud", value, false).chosen;
    sums.seen += 30;
    sums.spent += chosen ? 30 : 0;
    if (is_quiet) {
      owed = std::max(0.0, owed + .05 * 30 - (chosen ? 30 : 0));
      worst = std::max(worst, owed);
    }
  }
  EXPECT_NEAR(quiet.rate(), .05, .005);
  EXPECT_LT(worst, 40 + 4 * value_bins + 30);
  EXPECT_NEAR((loud.spent + quiet.spent) / (loud.seen + quiet.seen), .2, .01);
}

/// The floor lets the best of the poor messages pass, not the next one.
TEST(ValueSelector, SinksTheFloorSlowly) {
  ValueSelector selector{{.rate = .2, .agent_rates = {}}};
  Random random{6};
  double sum_all = 0;
  double sum_chosen = 0;
  int chosen = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (i % 10 != 0) {
      selector.take("loud", message(-3 + unit(random)), false);
      continue;
    }
    const double density = -8 + 3 * unit(random);
    sum_all += density;
    if (selector.take("quiet", message(density), false).chosen) {
      sum_chosen += density;
      ++chosen;
    }
  }
  EXPECT_GT(sum_chosen / chosen, sum_all / 10'000 + .8);
}

TEST(ValueSelector, KeepsARateForEachGroupOfAgents) {
  const ValueSelection options{.rate = .2,
                               .agent_rates = {{.agents = {"vip-*", "ceo"}, .rate = .5},
                                               {.agents = {"bot-*"}, .rate = 0},
                                               {.agents = {"vip-1", "all"}, .rate = 1}}};
  ValueSelector selector{options};
  Random random{8};
  std::vector<std::pair<std::string, double>> expected = {
      {"vip-1", .5}, {"ceo", .5}, {"bot-2", 0}, {"all", 1}, {"somebody", .2}};
  std::vector<Sums> sums(expected.size());
  for (int i = 0; i < 200'000; ++i) {
    const auto which = random() % expected.size();
    const auto value = message(-6 + static_cast<double>(which) / 2 + unit(random));
    const bool chosen = selector.take(expected[which].first, value, false).chosen;
    sums[which].seen += 1;
    sums[which].spent += chosen ? 1 : 0;
  }
  EXPECT_NEAR((sums[0].spent + sums[1].spent) / (sums[0].seen + sums[1].seen), .5, .01);
  EXPECT_EQ(sums[2].spent, 0);
  EXPECT_EQ(sums[3].rate(), 1);
  EXPECT_NEAR(sums[4].rate(), .2, .01);
}

TEST(ValueSelector, StaysInBoundsForHugeMessages) {
  for (const double rate : rates) {
    ValueSelector selector{{.rate = rate, .agent_rates = {}}};
    Random random{9};
    for (int i = 0; i < 20'000; ++i) {
      const auto tokens = i % 7 == 0 ? std::numeric_limits<std::uint32_t>::max() : 1U << (i % 32);
      selector.take("ada", message(-9 + 9 * unit(random), tokens), i % 3 == 0);
    }
    EXPECT_LT(selector.encode().size(), 12'000U);
    // Its bounds leave it able to work.
    EXPECT_NEAR(run(selector, streams()[0].stream, 400'000).rate(), rate, .03);
  }
}

TEST(ValueSelector, GoesOnFromItsBytesAsIfNothingHadBeen) {
  EXPECT_TRUE(rc::check("from any point", [] {
    const ValueSelection options{.rate = *rc::gen::element(.05, .2, .6),
                                 .agent_rates = {{.agents = {"agent-1*"}, .rate = *rc::gen::element(0.0, .4, 1.0)}}};
    ValueSelector straight{options};
    Random random{*rc::gen::arbitrary<std::uint64_t>()};
    const auto& stream = streams()[*rc::gen::inRange<std::size_t>(0, streams().size())].stream;
    const auto cut = *rc::gen::inRange(0, 3000);
    auto resumed = straight;
    for (int i = 0; i < cut + 500; ++i) {
      if (i == cut) {
        auto decoded = ValueSelector::decode(options, straight.encode());
        RC_ASSERT(decoded.has_value());
        resumed = *decoded;
      }
      const auto value = stream(i, random);
      const auto agent = "agent-" + std::to_string(random() % 30);
      const bool noise = random() % 8 == 0;
      const auto verdict = straight.take(agent, value, noise);
      RC_ASSERT(i < cut || resumed.take(agent, value, noise) == verdict);
    }
    RC_ASSERT(resumed.encode() == straight.encode());
  }));
}

TEST(ValueSelector, BeginsAnewWhereARateChanged) {
  ValueSelection options{.rate = .2, .agent_rates = {{.agents = {"a*"}, .rate = .4}}};
  ValueSelector selector{options};
  Random random{11};
  for (int i = 0; i < 5000; ++i) {
    selector.take(i % 2 == 0 ? "ada" : "bob", message(-6 + unit(random)), false);
  }
  options.agent_rates[0].rate = .5;
  const auto changed = ValueSelector::decode(options, selector.encode());
  ASSERT_TRUE(changed.has_value());
  auto kept = *changed;
  ValueSelector fresh{options};
  EXPECT_EQ(kept.take("bob", message(-5.5), false), selector.take("bob", message(-5.5), false));
  EXPECT_EQ(kept.take("axel", message(-5.5), false), fresh.take("axel", message(-5.5), false));
  EXPECT_TRUE(ValueSelector::decode({.rate = .2, .agent_rates = {}}, selector.encode()).has_value());
}

TEST(ValueSelector, RefusesDamagedBytes) {
  const ValueSelection options{.rate = .2, .agent_rates = {{.agents = {"a*"}, .rate = .4}}};
  ValueSelector selector{options};
  run(selector, streams()[0].stream, 500);
  const auto bytes = selector.encode();
  EXPECT_FALSE(ValueSelector::decode(options, "").has_value());
  EXPECT_FALSE(ValueSelector::decode(options, bytes + '\0').has_value());
  EXPECT_FALSE(ValueSelector::decode(options, '\x7F' + bytes.substr(1)).has_value());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ValueSelector::decode(options, bytes.substr(0, size)).has_value()) << size;
  }
  EXPECT_TRUE(rc::check("any bytes are taken or refused", [&](std::string any) {
    auto decoded = ValueSelector::decode(options, '\x01' + any);
    if (decoded) {
      decoded->take("ada", message(-5), false);
    }
    any = bytes;
    any[*rc::gen::inRange<std::size_t>(0, any.size())] = *rc::gen::arbitrary<char>();
    if (decoded = ValueSelector::decode(options, any); decoded) {
      for (int i = 0; i < 10; ++i) {
        decoded->take("ada", message(-5, 1U << 31U), false);
      }
    }
  }));
}

TEST(ValueSelector, NamesItsBins) {
  for (std::uint8_t bin = 0; bin < value_bins; ++bin) {
    EXPECT_EQ(bin_of(density_of(bin)), bin);
  }
  EXPECT_EQ(bin_of(-std::numeric_limits<float>::infinity()), 0);
  EXPECT_EQ(bin_of(std::numeric_limits<float>::quiet_NaN()), 0);
  EXPECT_EQ(bin_of(std::numeric_limits<float>::infinity()), value_bins - 1);
}

}  // namespace
}  // namespace alluvium::pipeline
