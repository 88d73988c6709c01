// SPDX-License-Identifier: Apache-2.0
// A courier between a store in a folder of its own and a provider in memory, with a clock that is set by hand.
#pragma once

#include <gtest/gtest.h>

#include "actors/courier.hpp"
#include "connectors/sqlite_job_list.hpp"
#include "connectors/sqlite_jobs.hpp"
#include "connectors/sqlite_requests.hpp"
#include "tests/connectors/sqlite_fixture.hpp"
#include "tests/support/fake_batches.hpp"

namespace alluvium::actors {

class CourierTest : public testing::Test {
 protected:
  CourierTest() {
    connectors::test_now_ms = 1'767'225'600'000;
    store_options.path = folder.file("store.db");
    auto& tiers = store_options.models.tiers;
    tiers[pipeline::Tier::small] = {.enabled = true, .min_messages = 1, .mode = pipeline::CallMode::batch};
    store_options.models.selection.rate = 1;
    store = connectors::open_sqlite_store(store_options, connectors::test_clock).value();
    claim =
        store->claim({.partition = connectors::chat0, .identity = {}, .range = {.first = 0, .end = 100'000}}).value();
    provider.clock = connectors::test_clock;
    auto& tier = options.models.tiers[0];
    tier.endpoint = "small";
    tier.model = &model;
    tier.price = pipeline::ModelPrice{.input = {1000},
                                      .output = {2000},
                                      .cache_read = {},
                                      .cache_write = {},
                                      .batch_input = pipeline::Money{500},
                                      .batch_output = pipeline::Money{1000},
                                      .provider = {}};
    options.models.policies = tiers;
    options.apis[0] = &provider;
    options.submit_every = std::chrono::milliseconds{60'000};
    options.poll_every = std::chrono::milliseconds{300'000};
    reopen();
  }

  /// As after a crash: new connections, and a courier that knows nothing.
  void reopen() {
    courier.reset();
    requests = connectors::open_sqlite_requests(store_options, budgets, connectors::test_clock).value();
    jobs = connectors::open_sqlite_jobs(store_options, budgets, connectors::test_clock).value();
    options.requests = requests.get();
    options.jobs = jobs.get();
    remake();
  }
  void remake() {
    courier = std::make_unique<Courier>(options, metrics, connectors::test_clock, stop);
  }

  /// Commits `count` batches of `size` messages; no two messages are alike, unless `text` says what all of them are.
  void commit(std::int64_t count, std::size_t size = 1, const std::string& text = {}) {
    pipeline::PartitionCommit commit{connectors::chat0, claim.token, claim.seq, 0, {}, {}, {}};
    for (std::int64_t i = 0; i < count; ++i) {
      pipeline::ExtractedBatch extracted;
      const auto agent = "agent-" + std::to_string(next_offset);
      extracted.batch = pipeline::Batch{agent};
      extracted.id = "batch_" + agent;
      for (std::size_t n = 0; n < size; ++n) {
        const auto number = std::to_string(next_offset);
        const auto content = text.empty() ? "message " + number : text;
        extracted.batch.append({.id = "m" + number,
                                .agent_id = agent,
                                .session_id = "s",
                                .user_id = "u",
                                .org_id = "",
                                .content = content,
                                .role = pipeline::Role::user,
                                .timestamp_ms = 1,
                                .position = {.offset = next_offset++, .index = 0, .count = 1}});
        extracted.meaningful.push_back(static_cast<std::uint32_t>(n));
      }
      extracted.outcomes.assign(size, pipeline::Outcome::empty);
      commit.batches.push_back(std::move(extracted));
    }
    commit.watermark = next_offset;
    ++claim.seq;
    ASSERT_TRUE(store->commit({&commit, 1}).has_value());
  }

  /// One round; then the clock stands where the next one is wanted.
  void step() {
    const auto next_ms = courier->step();
    ASSERT_TRUE(next_ms.has_value()) << next_ms.error().detail;
    connectors::test_now_ms = std::max(connectors::test_now_ms + 1, *next_ms);
  }
  void steps(int count) {
    for (int i = 0; i < count; ++i) {
      step();
    }
  }
  /// Rounds until nothing is left to do.
  void finish(int rounds_max = 200) {
    for (int i = 0; i < rounds_max && !courier->is_idle().value(); ++i) {
      step();
    }
    EXPECT_TRUE(courier->is_idle().value());
  }

  [[nodiscard]] std::int64_t ask(const std::string& sql) const {
    connectors::Database database{store_options.path, connectors::Database::Mode::read_only,
                                  std::chrono::milliseconds{1000}};
    return database.integer(sql);
  }
  [[nodiscard]] std::int64_t waiting(const std::string& state) const {
    return ask("SELECT count(*) FROM requests WHERE state = '" + state + "'");
  }
  [[nodiscard]] std::int64_t memories() const {
    return ask("SELECT count(*) FROM memories");
  }
  [[nodiscard]] int most_answers() const {
    int most = 0;
    for (const auto& [body, count] : provider.answered) {
      most = std::max(most, count);
    }
    return most;
  }
  /// In = out, and no money is set aside for nothing.
  void expect_proved() const {
    const auto audits = connectors::SqliteReader::open(store_options.path).value()->verify().value();
    for (const auto& audit : audits) {
      EXPECT_EQ(audit.faults, std::vector<std::string>{});
    }
    EXPECT_EQ(ask("SELECT coalesce(sum(reserved), 0) FROM spend WHERE scope = 'global'"), 0);
  }

  connectors::ScratchFolder folder;
  connectors::SqliteStoreOptions store_options;
  pipeline::BudgetOptions budgets;
  std::unique_ptr<pipeline::Store> store;
  pipeline::Claim claim;
  std::int64_t next_offset = 0;
  tests::FakeModel model{"fake-1"};
  tests::FakeBatches provider;
  std::unique_ptr<pipeline::RequestStore> requests;
  std::unique_ptr<pipeline::JobStore> jobs;
  CourierOptions options;
  pipeline::Metrics metrics;
  std::atomic<bool> stop{false};
  std::unique_ptr<Courier> courier;
};

}  // namespace alluvium::actors
