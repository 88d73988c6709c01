// SPDX-License-Identifier: Apache-2.0
// Whatever call of the file system fails: the store says so, can be asked again, and ends up as if nothing had been.
#include <filesystem>

#include <gmock/gmock.h>

#include "connectors/sqlite_jobs.hpp"
#include "connectors/sqlite_requests.hpp"
#include "tests/connectors/sqlite_fixture.hpp"
#include "tests/support/faulty_vfs.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::CallMode;
using pipeline::Errc;
using pipeline::Money;
using pipeline::Tier;

/// A life of a store, in steps that are tried again until they work, as the engine does.
class StoreLife {
 public:
  StoreLife(FaultyVfs& vfs, bool lasting) : vfs_{vfs}, lasting_{lasting} {
    options_.path = folder_.file("store.db");
    options_.models.tiers[Tier::small].enabled = true;
    options_.models.tiers[Tier::small].min_messages = 1;
    options_.models.selection.rate = 1;
  }

  void live() {
    begin();
    be_fenced();
    ask_models();
    run_a_job();
    begin_again();
  }

  /// All that is in the file, but for tokens and leases.
  [[nodiscard]] std::string content() const {
    Database database{options_.path, Database::Mode::read_write, std::chrono::milliseconds{1000}};
    std::string text;
    for (const auto* query :
         {"SELECT topic || partition || ' ' || seq || ' ' || watermark || ' ' || extracted || empty || dead || pending"
          " || ' ' || gaps || ' ' || batches FROM partitions ORDER BY id",
          "SELECT memory_id || ' ' || agent_id || ' ' || batch FROM memories ORDER BY id",
          "SELECT id || batch_id || outcomes || memories FROM batches ORDER BY id",
          "SELECT partition_id || ' ' || offset || reason FROM dead_letters ORDER BY id",
          "SELECT partition_id || kind || from_offset || '-' || to_offset FROM gaps",
          "SELECT id || state || mode || attempts FROM requests ORDER BY id",
          "SELECT id || outcome || coalesce(cost, '?') FROM calls ORDER BY id",
          "SELECT scope || key || spent || ' ' || reserved FROM spend ORDER BY scope, key",
          "SELECT id || state || provider_id || requests FROM jobs ORDER BY id"}) {
      auto rows = database.prepare(query);
      while (rows.step()) {
        text.append(rows.text(0)) += '\n';
      }
    }
    EXPECT_EQ(database.text("PRAGMA integrity_check"), "ok");
    const auto reader = SqliteReader::open(options_.path).value();
    const auto audits = reader->verify().value();
    for (const auto& audit : audits) {
      EXPECT_THAT(audit.faults, testing::IsEmpty());
    }
    return text;
  }

 private:
  /// Nobody heals a disk at once: a lasting fault is met three times.
  template <class Step>
  auto sure(const char* name, const Step& step) {
    auto result = step();
    for (int tries = 1; !result; ++tries) {
      EXPECT_EQ(result.error().code, Errc::unavailable) << name << ": " << result.error().detail;
      EXPECT_LE(tries, 3) << name << " does not recover: " << result.error().detail;
      if (!lasting_ || tries == 3) {
        vfs_.heal();
      }
      if (tries > 4) {
        throw std::runtime_error{name};
      }
      result = step();
    }
    return std::move(*result);
  }

  void begin() {
    open();
    claim0_ = claim(chat0);
    claim1_ = claim(chat1);
    auto first = commit_of(claim0_, 4, {asked_about(batch_of("a", {{.offset = 0}, {.offset = 2}}, {0}))});
    first.gaps = {{.from = 1, .to = 2}};
    first.dead_letters = {letter_at(3)};
    commit({first, commit_of(claim1_, 1, {asked_about(batch_of("b", {{.offset = 0}}, {0}, chat1))}, chat1)});
    ++claim0_.seq;
    ++claim1_.seq;
  }

  void be_fenced() {
    const auto other = sure("open another", [&] { return open_sqlite_store(options_, test_clock); });
    const auto taken = sure("claim from another", [&] {
      return other->claim({.partition = chat1, .identity = "id", .range = {.first = 0, .end = 100}});
    });
    EXPECT_EQ(taken.watermark, 1);
    const auto mine = commit_of(claim0_, 6, {batch_of("a", {{.offset = 4}, {.offset = 5}}, {0, 1})});
    const auto fenced = commit({mine, commit_of(claim1_, 2, {batch_of("b", {{.offset = 1}}, {0}, chat1)}, chat1)});
    EXPECT_EQ(fenced.fenced, std::vector<std::size_t>{1});
    commit({mine});
    ++claim0_.seq;
    // All that is written so far moves into the main file, and the log begins anew.
    static_cast<void>(sure("checkpoint", [&] {
      return guarded([&] {
        Database{options_.path, Database::Mode::read_write, std::chrono::milliseconds{1000}}.execute(
            "PRAGMA wal_checkpoint(RESTART)");
        return 0;
      });
    }));
    commit({commit_of(claim0_, 7, {batch_of("c", {{.offset = 6}}, {0})})});
    ++claim0_.seq;
    EXPECT_EQ(sure("watermarks", [&] { return store_->watermarks(); }).size(), 2U);
    EXPECT_EQ(sure("open calls", [&] { return store_->open_calls(); }), 2);
  }

  void ask_models() {
    const auto requests = sure("open requests", [&] { return open_sqlite_requests(options_, {}, test_clock); });
    sure("recover", [&] { return requests->recover(); });
    const auto due = sure("due", [&] { return requests->due(Tier::small, CallMode::call, 10); });
    ASSERT_EQ(due.size(), 2U);
    for (const auto& one : due) {
      sure("reserve", [&] {
        return requests->reserve({one.id, "h" + std::to_string(one.id), "small", "model", Money{100}});
      });
    }
    pipeline::CallEnd end;
    end.request = due[0].id;
    end.hash = "h";
    end.endpoint = "small";
    end.model = "model";
    end.ended_ms = test_now_ms;
    end.usage = {.prompt = 10, .completion = 2, .cached = 0, .cache_write = 0};
    end.cost = Money{60};
    end.answer = pipeline::PaidAnswer{"h", "model", "text", "stop", end.usage, end.cost};
    pipeline::Settlement settlement;
    settlement.model = "model";
    settlement.answer.understood = true;
    const auto settled = sure("settle", [&] { return requests->settle(end, settlement); });
    EXPECT_FALSE(settled.gone);
    end = {};
    end.request = due[1].id;
    end.error = "503";
    done("postpone", [&] { return requests->postpone(end, {.mode = CallMode::batch, .reason = "503"}); });
    EXPECT_EQ(sure("counts", [&] { return requests->counts(); }).queued, 1);
  }

  void run_a_job() {
    const auto jobs = sure("open jobs", [&] { return open_sqlite_jobs(options_, {}, test_clock); });
    const auto due = sure("due for a job", [&] { return jobs->due(Tier::small, 10); });
    ASSERT_EQ(due.size(), 1U);
    const auto filled = sure("fill", [&] {
      return jobs->fill(0, {{due[0].id, "hash-of-it-0000000", "small", "model", Money{50}}}, 0);
    });
    ASSERT_TRUE(filled.job.has_value());
    done("attempt", [&] { return jobs->attempt(filled.job->id, 0); });
    EXPECT_EQ(sure("submitted", [&] { return jobs->submitted(filled.job->id, "batch-1", false, 0); }),
              pipeline::Adoption::taken);
    done("release", [&] { return jobs->release(filled.job->id, {due[0].id}, {.reason = "expired"}, false); });
    done("finish", [&] { return jobs->finish(filled.job->id, pipeline::JobPhase::ended, "ended"); });
  }

  void begin_again() {
    store_.reset();  // The last one out moves the log into the file. Nobody hears of it if that fails.
    open();
    EXPECT_EQ(claim(chat0).watermark, 7);
    EXPECT_EQ(claim(chat1).watermark, 1);
  }

  void open() {
    store_ = sure("open", [&] { return open_sqlite_store(options_, test_clock); });
  }
  pipeline::Claim claim(const pipeline::TopicPartition& partition) {
    return sure("claim", [&] {
      return store_->claim({.partition = partition, .identity = "id", .range = {.first = 0, .end = 100}});
    });
  }
  pipeline::CommitResult commit(const std::vector<pipeline::PartitionCommit>& commits) {
    return sure("commit", [&] { return store_->commit(commits); });
  }
  template <class Step>
  void done(const char* name, const Step& step) {
    sure(name, [&]() -> pipeline::Result<int> { return step().map([] { return 0; }); });
  }
  static pipeline::ExtractedBatch asked_about(pipeline::ExtractedBatch batch) {
    for (std::uint32_t i = 0; i < batch.batch.size(); ++i) {
      batch.meaningful.push_back(i);
    }
    return batch;
  }

  FaultyVfs& vfs_;
  bool lasting_;
  ScratchFolder folder_;
  SqliteStoreOptions options_;
  std::unique_ptr<pipeline::Store> store_;
  pipeline::Claim claim0_, claim1_;
};

struct Trouble {
  const char* name;
  unsigned calls;
  int code;
  bool lasting, takes_hold;
};

/// The calls are shared out, so that no test takes long: each takes every third.
constexpr int shares = 3;

class SqliteFaults : public testing::TestWithParam<std::tuple<Trouble, int>> {};

TEST_P(SqliteFaults, AtEachCallInTurnAreWaitedForAndLeaveNoTrace) {
  const auto& [trouble, share] = GetParam();
  FaultyVfs vfs;
  std::string undisturbed;
  {
    StoreLife calm{vfs, trouble.lasting};
    calm.live();
    undisturbed = calm.content();
  }
  ASSERT_FALSE(undisturbed.empty());
  int nth = share;
  for (int hits = -1; hits != vfs.hits(); nth += shares) {
    hits = vfs.hits();
    SCOPED_TRACE("call " + std::to_string(nth));
    StoreLife life{vfs, trouble.lasting};
    vfs.arm({.calls = trouble.calls,
             .nth = nth,
             .lasting = trouble.lasting,
             .takes_hold = trouble.takes_hold,
             .code = trouble.code});
    ASSERT_NO_THROW(life.live());
    vfs.heal();
    ASSERT_EQ(life.content(), undisturbed);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  EXPECT_GT(nth, 100) << "that many calls there are at least";
}

constexpr unsigned that_change_something = vfs_write | vfs_truncate | vfs_sync | vfs_shm_map;

INSTANTIATE_TEST_SUITE_P(
    Each, SqliteFaults,
    testing::Combine(testing::Values(Trouble{"IoErrorOnce", vfs_all, 0, false, false},
                                     Trouble{"IoErrorLasting", vfs_all, 0, true, false},
                                     Trouble{"IoErrorOnceAfterItsEffect", that_change_something, 0, false, true},
                                     Trouble{"IoErrorLastingAfterItsEffect", that_change_something, 0, true, true},
                                     Trouble{"FullLasting", that_change_something, SQLITE_FULL, true, false},
                                     Trouble{"ReadOnlyLasting", vfs_write | vfs_truncate, SQLITE_READONLY, true,
                                             false}),
                     testing::Range(1, 1 + shares)),
    [](const auto& each) { return std::get<0>(each.param).name + std::to_string(std::get<1>(each.param)); });

/// What a crash leaves: the file and its log, as they are now.
void copy_store(const std::string& from, const std::string& to) {
  for (const auto* suffix : {"", "-wal"}) {
    std::filesystem::copy_file(from + suffix, to + suffix, std::filesystem::copy_options::overwrite_existing);
  }
}

TEST(SqliteCrash, AClaimThatBeginsAtTheEndIsOnTheDiskBeforeItCounts) {
  FaultyVfs vfs;
  const ScratchFolder folder;
  const auto store = open_sqlite_store({.path = folder.file("store.db")}, test_clock).value();
  vfs.arm({.calls = vfs_sync, .nth = 1, .lasting = true});
  const pipeline::ClaimRequest at_end{
      .partition = chat0, .identity = {}, .range = {.first = 0, .end = 10}, .start_at_end = true};
  EXPECT_EQ(store->claim(at_end).error().code, pipeline::Errc::unavailable);
  vfs.heal();
  EXPECT_EQ(store->claim(at_end).value().watermark, 10);
}

TEST(SqliteCrash, AfterACommitThatSeemedToFailItIsThereWholeOrNotAtAll) {
  FaultyVfs vfs;
  const ScratchFolder folder;
  const auto path = folder.file("store.db");
  const auto copy = folder.file("copy.db");
  int there = 0;
  int absent = 0;
  for (int nth = 1; there + absent < nth; ++nth) {
    for (const auto* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(path + suffix);
      std::filesystem::remove(copy + suffix);
    }
    const auto store = open_sqlite_store({.path = path}, test_clock).value();
    const auto claimed = claim(*store);
    vfs.arm({.calls = vfs_write, .nth = nth, .lasting = true, .takes_hold = true});
    const std::vector commits{commit_of(claimed, 2, {batch_of("a", {{.offset = 0}, {.offset = 1}}, {0, 1})})};
    const auto failed = store->commit(commits);
    vfs.heal();
    if (failed) {
      break;  // There was no such write any more.
    }
    copy_store(path, copy);
    EXPECT_EQ(commit(*store, commits).memories, 2) << "who lives on tries again";
    const auto after = open_sqlite_store({.path = copy}, test_clock).value();
    const auto next = claim(*after);
    ASSERT_TRUE(next.watermark == 0 || next.watermark == 2);
    ++(next.watermark == 2 ? there : absent);
    if (next.watermark == 0) {
      EXPECT_EQ(commit(*after, {commit_of(next, 2, {batch_of("a", {{.offset = 0}, {.offset = 1}}, {0, 1})})}).memories,
                2);
    }
    const auto reader = SqliteReader::open(copy).value();
    const auto audits = reader->verify().value();
    for (const auto& audit : audits) {
      EXPECT_THAT(audit.faults, testing::IsEmpty());
      EXPECT_EQ(audit.watermark, 2);
    }
  }
  EXPECT_GT(there, 0) << "the last page of the commit was written, so a crash brings it back";
  EXPECT_GT(absent, 0);
}

}  // namespace
}  // namespace alluvium::connectors
