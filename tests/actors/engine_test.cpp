// SPDX-License-Identifier: Apache-2.0
// The whole engine on a source and a store in memory: whatever happens, in = out.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "actors/topology.hpp"
#include "tests/support/fake_source.hpp"
#include "tests/support/fake_store.hpp"

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using tests::FakeSource;
using tests::FakeStore;

const pipeline::TopicPartition first{"chat", 0};

std::string message(int n, int agent) {
  const auto number = std::to_string(n);
  return R"({"agent_id":"agent-)" + std::to_string(agent) + R"(","content":"my login )" + number +
         (n % 3 == 0 ? R"( failed again"})" : R"( works fine"})");
}

/// A log in which some records are bundles, some can't be read and some offsets are gaps.
FakeSource::Log log_of(int records, int agents, int salt) {
  FakeSource::Log log;
  for (int n = 0; n < records; ++n) {
    const auto kind = (n * 7 + salt) % 23;
    if (kind == 3) {
      log.emplace_back(std::nullopt);
    } else if (kind == 5) {
      log.emplace_back(R"({"content":)");
    } else if (kind == 11) {
      log.emplace_back(R"({"messages":[)" + message(n * 10 + 1, n % agents) + "," +
                       message(n * 10 + 2, (n + 1) % agents) + R"(,{"role":"user"}]})");
    } else {
      log.emplace_back(message(n * 10, (n * n + salt) % agents));
    }
  }
  return log;
}

EngineOptions options_with_a_rule() {
  std::vector<pipeline::RuleProblem> problems;
  pipeline::Rule rule;
  rule.id = "login";
  rule.pattern = "login \\d+ failed";
  EngineOptions options;
  options.extraction.rules = pipeline::RuleSet::compile({rule}, {}, problems).value();
  options.until_end = true;
  options.workers = 2;
  options.buffer.max_messages = 4;
  options.buffer.min_messages = 2;
  options.commit_interval = 1ms;
  options.commit_batches_max = 3;
  options.retry_first = 1ms;
  options.restarts.delay_first = 1ms;
  return options;
}

std::int64_t clock_ms() {
  return 1'700'000'000'000;
}

pipeline::Result<void> run(const EngineOptions& options, FakeSource& source, FakeStore& store,
                           pipeline::Metrics& metrics) {
  auto engine = Engine::make(options, source, store, metrics, clock_ms).value();
  return engine->run();
}

/// Each message of the log exactly once, gaps exactly once, an agent's messages in order.
void expect_in_equals_out(const FakeSource::Log& log, const FakeStore::Partition& out) {
  EXPECT_EQ(out.watermark, static_cast<std::int64_t>(log.size()));
  std::map<pipeline::Position, int> seen;
  std::map<std::string, pipeline::Position> last;
  for (const auto& done : out.done) {
    ++seen[done.position];
    if (!done.content.empty()) {
      const auto before = last.find(done.agent_id);
      if (before != last.end()) {
        EXPECT_LT(before->second, done.position) << done.agent_id;
      }
      last[done.agent_id] = done.position;
    }
  }
  std::set<std::int64_t> gaps;
  for (const auto& gap : out.gaps) {
    for (auto offset = gap.from; offset < gap.to; ++offset) {
      EXPECT_TRUE(gaps.insert(offset).second) << "gap twice: " << offset;
    }
  }
  for (std::size_t i = 0; i < log.size(); ++i) {
    const auto offset = static_cast<std::int64_t>(i);
    if (!log[i]) {
      EXPECT_EQ(gaps.count(offset), 1U) << offset;
      continue;
    }
    const auto count = log[i]->starts_with(R"({"messages")") ? 3U : 1U;
    for (std::uint32_t index = 0; index < count; ++index) {
      EXPECT_EQ(seen[(pipeline::Position{offset, index, count})], 1) << offset << "/" << index;
    }
  }
}

TEST(Engine, EndsWithTheReasonWhenItsSourceCantBeOpened) {
  FakeSource source{{{}}};
  source.opens = false;
  FakeStore store;
  pipeline::Metrics metrics;
  const auto ended = run(options_with_a_rule(), source, store, metrics);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().detail, "nobody answers");
}

TEST(Engine, AccountsForEveryMessageOfAStream) {
  const std::vector<FakeSource::Log> logs{log_of(200, 5, 0), log_of(150, 3, 1), {}};
  FakeSource source{logs};
  FakeStore store;
  pipeline::Metrics metrics;
  ASSERT_TRUE(run(options_with_a_rule(), source, store, metrics));
  expect_in_equals_out(logs[0], store.partition(first));
  expect_in_equals_out(logs[1], store.partition({"chat", 1}));
  EXPECT_GT(metrics.memories.load(), 0);
  EXPECT_EQ(metrics.restarts.load(), 0);
}

TEST(Engine, DoesNothingTwiceInASecondRun) {
  const std::vector<FakeSource::Log> logs{log_of(100, 3, 0)};
  FakeStore store;
  pipeline::Metrics metrics;
  FakeSource once{logs};
  ASSERT_TRUE(run(options_with_a_rule(), once, store, metrics));
  FakeSource twice{logs};
  pipeline::Metrics second;
  ASSERT_TRUE(run(options_with_a_rule(), twice, store, second));
  expect_in_equals_out(logs[0], store.partition(first));
  EXPECT_EQ(second.messages_done(), 0);
}

TEST(Engine, DoesNotTakeALedgerItHasNotClaimedForTheEnd) {
  // The ledger says that all is done, but it may be that of an older stream of the same name.
  const std::vector<FakeSource::Log> logs{log_of(100, 3, 0)};
  FakeStore store;
  pipeline::Metrics metrics;
  FakeSource before{logs};
  ASSERT_TRUE(run(options_with_a_rule(), before, store, metrics));
  FakeSource source{logs};
  source.assigns_on_open = false;
  bool assigned = false;
  source.script = [&](FakeSource& here, int poll) {
    if (poll == 80) {
      assigned = true;
      here.assign(0);
    }
  };
  pipeline::Metrics second;
  ASSERT_TRUE(run(options_with_a_rule(), source, store, second));
  EXPECT_TRUE(assigned);
}

TEST(Engine, KeepsWhatItHasThroughCommitsThatFailOrSeemTo) {
  const std::vector<FakeSource::Log> logs{log_of(120, 4, 2)};
  FakeSource source{logs};
  FakeStore store;
  store.fail_commits(5);
  store.fail_claims(2);
  pipeline::Metrics metrics;
  ASSERT_TRUE(run(options_with_a_rule(), source, store, metrics));
  expect_in_equals_out(logs[0], store.partition(first));
}

TEST(Engine, NoTransactionIsLargerThanItMayBeHoweverMuchHasPiledUp) {
  const std::vector<FakeSource::Log> logs{log_of(2000, 50, 0), log_of(2000, 50, 1)};
  FakeSource source{logs};
  FakeStore store;
  store.fail_commits(12);
  pipeline::Metrics metrics;
  ASSERT_TRUE(run(options_with_a_rule(), source, store, metrics));
  EXPECT_EQ(store.batches_at_once, 3U);
  expect_in_equals_out(logs[0], store.partition(first));
}

TEST(Engine, ClaimsAgainWhatAnotherEngineTook) {
  const std::vector<FakeSource::Log> logs{log_of(120, 4, 2)};
  FakeSource source{logs};
  FakeStore store;
  source.script = [&](FakeSource&, int poll) {
    if (poll == 8) {
      store.steal(first);
    }
  };
  pipeline::Metrics metrics;
  ASSERT_TRUE(run(options_with_a_rule(), source, store, metrics));
  EXPECT_EQ(metrics.fenced.load(), 1);
  expect_in_equals_out(logs[0], store.partition(first));
}

TEST(Engine, StartsAgainAfterACrashAndLosesNothing) {
  const std::vector<FakeSource::Log> logs{log_of(300, 6, 1), log_of(300, 6, 4)};
  FakeStore undisturbed;
  FakeSource calm{logs};
  pipeline::Metrics metrics;
  ASSERT_TRUE(run(options_with_a_rule(), calm, undisturbed, metrics));
  for (const auto crash : {&Engine::crash_extractor, &Engine::crash_writer, &Engine::crash_buffer}) {
    FakeSource source{logs};
    source.records_per_poll = 3;
    FakeStore store;
    pipeline::Metrics disturbed;
    auto engine = Engine::make(options_with_a_rule(), source, store, disturbed, clock_ms).value();
    source.script = [&](FakeSource&, int poll) {
      if (poll == 20 || poll == 60) {
        (*engine.*crash)();
      }
    };
    ASSERT_TRUE(engine->run());
    EXPECT_GE(disturbed.restarts.load(), 1);
    expect_in_equals_out(logs[0], store.partition(first));
    expect_in_equals_out(logs[1], store.partition({"chat", 1}));
    EXPECT_EQ(store.memory_ids(), undisturbed.memory_ids());
    EXPECT_EQ(store.batch_ids(), undisturbed.batch_ids());
  }
}

TEST(Engine, GivesUpWithTheReasonWhenItCrashesTooOften) {
  const std::vector<FakeSource::Log> logs{log_of(50, 2, 1)};
  FakeSource source{logs};
  source.records_per_poll = 0;  // It never gets to the end.
  FakeStore store;
  pipeline::Metrics metrics;
  auto engine = Engine::make(options_with_a_rule(), source, store, metrics, clock_ms).value();
  source.script = [&](FakeSource&, int) { engine->crash_extractor(); };
  const auto ended = engine->run();
  ASSERT_FALSE(ended);
  EXPECT_NE(ended.error().detail.find("crashed too often"), std::string::npos);
  EXPECT_EQ(metrics.restarts.load(), 5);
}

TEST(Engine, AStageThatStandsStillIsReplaced) {
  const auto log = log_of(300, 5, 2);
  FakeSource source{{log}};
  FakeStore store;
  pipeline::Metrics metrics;
  std::atomic<bool> hangs{true};
  store.before_commit = [&] {
    while (hangs && metrics.stalls.load() == 0) {
      std::this_thread::yield();
    }
    hangs = false;
  };
  auto options = options_with_a_rule();
  options.stall_patience = 400ms;
  ASSERT_TRUE(run(options, source, store, metrics));
  EXPECT_GE(metrics.restarts.load(), 1);
  expect_in_equals_out(log, store.partition(first));
}

TEST(Engine, OneThatStandsStillForGoodEndsAndSaysWhy) {
  FakeSource source{{log_of(50, 5, 2)}};
  FakeStore store;
  pipeline::Metrics metrics;
  std::atomic<bool> hangs{true};
  store.before_commit = [&] {
    while (hangs) {
      std::this_thread::yield();
    }
  };
  auto options = options_with_a_rule();
  options.stall_patience = 400ms;
  auto engine = Engine::make(options, source, store, metrics, clock_ms).value();
  const auto ended = engine->run();
  hangs = false;  // Or the engine could not be taken down.
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, pipeline::Errc::unsafe_to_go_on);
  EXPECT_NE(ended.error().detail.find("nothing moves"), std::string::npos);
  EXPECT_EQ(metrics.stalls.load(), 1);
}

TEST(Engine, DrainsOnStopAndAnotherRunDoesTheRest) {
  const std::vector<FakeSource::Log> logs{log_of(400, 9, 3)};
  FakeStore store;
  {
    FakeSource source{logs};
    pipeline::Metrics metrics;
    auto engine = Engine::make(options_with_a_rule(), source, store, metrics, clock_ms).value();
    source.script = [&](FakeSource&, int poll) {
      if (poll == 15) {
        engine->stop();
      }
    };
    ASSERT_TRUE(engine->run());
    EXPECT_EQ(metrics.records.load() > 0, true);
    EXPECT_LT(store.partition(first).watermark, 400);
  }
  FakeSource source{logs};
  pipeline::Metrics metrics;
  ASSERT_TRUE(run(options_with_a_rule(), source, store, metrics));
  expect_in_equals_out(logs[0], store.partition(first));
}

TEST(Engine, HoldsNoMoreThanItsCreditAndStillEnds) {
  const std::vector<FakeSource::Log> logs{log_of(2000, 400, 3)};
  FakeSource source{logs};
  FakeStore store;
  pipeline::Metrics metrics;
  auto options = options_with_a_rule();
  options.credit_bytes = 64 << 10;  // 400 buffers of 2 KB and more do not fit.
  options.buffer.max_messages = 1000;
  ASSERT_TRUE(run(options, source, store, metrics));
  EXPECT_GT(metrics.pressure_flushes.load(), 0);
  expect_in_equals_out(logs[0], store.partition(first));
}

TEST(Engine, AnyInterleavingOfMembershipsCrashesAndFailuresKeepsInEqualToOut) {
  EXPECT_TRUE(rc::check("in = out", [] {
    const auto salt = *rc::gen::inRange(0, 50);
    const std::vector<FakeSource::Log> logs{log_of(*rc::gen::inRange(1, 150), 4, salt), log_of(60, 3, salt + 1)};
    const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
        rc::gen::pair(rc::gen::inRange(0, 60), rc::gen::inRange(0, 8)));
    FakeSource source{logs};
    source.records_per_poll = static_cast<std::size_t>(*rc::gen::inRange(1, 20));
    FakeStore store;
    pipeline::Metrics metrics;
    auto engine = Engine::make(options_with_a_rule(), source, store, metrics, clock_ms).value();
    int crashes = 0;
    source.script = [&](FakeSource& here, int poll) {
      for (const auto& [at, what] : steps) {
        const auto slot = static_cast<pipeline::PartitionSlot>(what % 2);
        if (at != poll) {
          continue;
        }
        if (what < 4 && here.assigned(slot)) {
          here.revoke(slot, what < 2);
        } else if (what == 4) {
          store.fail_commits(3);
        } else if (crashes < 4 && what == 5) {
          ++crashes;
          engine->crash_extractor();
        } else if (crashes < 4 && what == 6) {
          ++crashes;
          engine->crash_writer();
        } else if (crashes < 4 && what == 7) {
          ++crashes;
          engine->crash_buffer();
        }
      }
      for (pipeline::PartitionSlot slot = 0; slot < 2; ++slot) {
        if (!here.assigned(slot) && poll % 5 == 4) {
          here.assign(slot);
        }
      }
    };
    RC_ASSERT(engine->run().has_value());
    expect_in_equals_out(logs[0], store.partition(first));
    expect_in_equals_out(logs[1], store.partition({"chat", 1}));
    RC_ASSERT(!testing::Test::HasFailure());
  }));
}

}  // namespace
}  // namespace alluvium::actors
