// SPDX-License-Identifier: Apache-2.0
// What the outside can do to the store's file: kill its writer, lock it, fill the disk, damage it, be older.
#include <array>
#include <csignal>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connectors/sqlite_schema.hpp"
#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using testing::HasSubstr;
using testing::IsEmpty;

using SqliteFileTest = SqliteTest;

const auto newest = static_cast<std::int64_t>(sqlite_migrations().size());

/// The schema's steps, and one that does not exist yet.
std::vector<Migration> and_then(const char* sql) {
  std::vector<Migration> steps{sqlite_migrations().begin(), sqlite_migrations().end()};
  steps.push_back(Migration{sql});
  return steps;
}

TEST_F(SqliteFileTest, SurvivesAKillBetweenCommits) {
  // The store writes from a child, which ends without a word; nothing it committed may be gone.
  const auto child = ::fork();
  if (child == 0) {
    const auto store = open_store();
    commit(*store, {commit_of(claim(*store), 1, {batch_of("a", {{.offset = 0}}, {0})})});
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto store = open_store();
  EXPECT_EQ(claim(*store).watermark, 1);
  EXPECT_EQ(integer("SELECT count(*) FROM memories"), 1);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteFileTest, SetsSqliteUpForOneWriterAndManyReaders) {
  const auto store = open_store();
  Database other{path_, Database::Mode::read_write, std::chrono::milliseconds{0}};
  EXPECT_EQ(other.text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(other.integer("PRAGMA application_id"), sqlite_application_id);
  EXPECT_EQ(other.integer("PRAGMA user_version"), newest);
}

TEST_F(SqliteFileTest, IsUnavailableWhileAnotherProcessHoldsTheFile) {
  const auto store = open_store(std::chrono::milliseconds{0});
  const auto claimed = claim(*store);
  std::array<int, 2> held{};
  std::array<int, 2> release{};
  ASSERT_EQ(::pipe(held.data()), 0);
  ASSERT_EQ(::pipe(release.data()), 0);
  const auto child = ::fork();
  if (child == 0) {
    Database database{path_, Database::Mode::read_write, std::chrono::milliseconds{1000}};
    database.execute("BEGIN EXCLUSIVE");
    char byte = 1;
    const bool told = ::write(held[1], &byte, 1) == 1 && ::read(release[0], &byte, 1) == 1;
    ::_exit(told ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(held[0], &byte, 1), 1);
  const std::vector commits{commit_of(claimed, 1, {batch_of("a", {{.offset = 0}}, {0})})};
  const auto refused = store->commit(commits);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_THAT(refused.error().detail, HasSubstr(path_ + ": database is locked"));
  EXPECT_EQ(store->claim({.partition = chat1, .identity = "", .range = {.first = 0, .end = 1}}).error().code,
            Errc::unavailable);
  ASSERT_EQ(::write(release[1], &byte, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(commit(*store, commits).memories, 1);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteFileTest, IsUnavailableWhileTheFileCantGrowAndThenGoesOn) {
  const auto store = open_store();
  auto claimed = claim(*store);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto limit = std::filesystem::file_size(path_ + "-wal") + 8192;
  const rlimit small{.rlim_cur = limit, .rlim_max = before.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::vector<pipeline::ExtractedBatch> batches;
  for (std::int64_t offset = 0; offset < 90; ++offset) {
    batches.push_back(batch_of("agent-" + std::to_string(offset) + std::string(500, 'x'), {{.offset = offset}}, {0}));
  }
  const std::vector commits{commit_of(claimed, 90, std::move(batches))};
  const auto refused = store->commit(commits);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unavailable) << refused.error().detail;
  EXPECT_EQ(integer("SELECT count(*) FROM batches"), 0);
  EXPECT_EQ(commit(*store, commits).memories, 90);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteFileTest, ANewFileHasLargerPagesAndAnOlderOneKeepsItsOwn) {
  for (const auto bytes : {8192, 4096}) {
    std::filesystem::remove(path_);
    if (bytes == 4096) {  // As a version before made it.
      Database{path_, Database::Mode::create, std::chrono::milliseconds{0}}.execute("PRAGMA page_size = 4096; VACUUM");
    }
    const auto store = open_store();
    auto claimed = claim(*store);
    commit(*store, {commit_of(claimed, 1, {batch_of("a", {{.offset = 0}}, {0})})});
    EXPECT_EQ(integer("PRAGMA page_size"), bytes);
    EXPECT_THAT(faults(), IsEmpty());
  }
}

TEST_F(SqliteFileTest, CallsAFullDiskUnavailable) {
  Database database{path_, Database::Mode::create, std::chrono::milliseconds{0}};
  database.execute("CREATE TABLE t(x); PRAGMA max_page_count = 4");
  try {
    database.execute("INSERT INTO t VALUES(zeroblob(100000))");
    FAIL() << "it did fit";
  } catch (const SqliteFailure& failure) {
    EXPECT_EQ(failure.code(), Errc::unavailable);
    EXPECT_THAT(failure.what(), HasSubstr("full"));
  }
}

/// What a store says that is asked to write after `surgery`.
class SqliteSurgery : public SqliteFileTest {
 protected:
  template <class Surgery>
  pipeline::Error after(const Surgery& surgery) {
    store_ = open_store();
    claimed_ = claim(*store_);
    surgery();
    const auto refused = store_->commit(std::vector{commit_of(claimed_, 1, {batch_of("a", {{.offset = 0}}, {0})})});
    EXPECT_FALSE(refused.has_value());
    return refused ? pipeline::Error{} : refused.error();
  }

  std::unique_ptr<pipeline::Store> store_;
  pipeline::Claim claimed_;
};

TEST_F(SqliteSurgery, DoesNotWriteToAFileThatWasDeleted) {
  const auto error = after([&] { std::filesystem::remove(path_); });
  EXPECT_EQ(error.code, Errc::unsafe_to_go_on);
  EXPECT_THAT(error.detail, HasSubstr(path_ + ": was deleted, moved or replaced"));
}

TEST_F(SqliteSurgery, DoesNotWriteToAFileThatWasReplacedNorTouchesTheNewOne) {
  const auto other = folder_.file("other.db");
  EXPECT_EQ(after([&] {
              const auto new_store = open_sqlite_store({.path = other}, test_clock).value();
              auto passed = commit_of(claim(*new_store), 5, {});
              passed.gaps = {{.from = 0, .to = 5}};
              commit(*new_store, {passed});
              std::filesystem::rename(other, path_);
              std::filesystem::rename(other + "-wal", path_ + "-wal");
              std::filesystem::rename(other + "-shm", path_ + "-shm");
            }).code,
            Errc::unsafe_to_go_on);
  store_.reset();
  EXPECT_EQ(claim(*open_store()).watermark, 5);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(SqliteSurgery, WithoutItsLogWritesNoMoreAndSavesWhatTheLogHeld) {
  EXPECT_THAT(after([&] { std::filesystem::remove(path_ + "-wal"); }).detail, HasSubstr(path_ + "-wal: was deleted"));
  store_.reset();
  EXPECT_EQ(integer("SELECT seq FROM partitions"), 1) << "the claim had been in the log alone";
}

TEST_F(SqliteSurgery, WithoutItsIndexWritesNoMore) {
  EXPECT_THAT(after([&] { std::filesystem::remove(path_ + "-shm"); }).detail, HasSubstr(path_ + "-shm: was deleted"));
}

TEST_F(SqliteFileTest, AfterAFailureTheLogGivesItsRoomBack) {
  const auto store = open_store();
  auto claimed = claim(*store);
  std::vector<pipeline::ExtractedBatch> batches;
  for (std::int64_t offset = 0; offset < 90; ++offset) {
    batches.push_back(batch_of("agent-" + std::to_string(offset) + std::string(500, 'x'), {{.offset = offset}}, {0}));
  }
  commit(*store, {commit_of(claimed, 90, std::move(batches))});
  const auto log_size = [&] { return std::filesystem::file_size(path_ + "-wal"); };
  const auto before = log_size();
  ++claimed.seq;
  EXPECT_FALSE(store->commit(std::vector{commit_of(claimed, 91, {pipeline::ExtractedBatch{}})}).has_value());
  commit(*store, {commit_of(claimed, 91, {batch_of("a", {{.offset = 90}}, {0})})});
  EXPECT_LT(log_size(), before / 2);
}

/// Opens and expects to be refused; the detail.
std::string refusal_of(const std::string& path) {
  const auto store = open_sqlite_store({.path = path}, test_clock);
  EXPECT_FALSE(store.has_value());
  EXPECT_TRUE(store.has_value() || store.error().code == Errc::unsafe_to_go_on);
  return store ? "" : store.error().detail;
}

TEST_F(SqliteFileTest, StopsWhenTheFileTurnsOutToBeCorrupt) {
  create_store();
  overwrite_page_of("sqlite_autoindex_memories_1");
  const auto store = open_store();  // Opening does not read that far.
  const auto claimed = claim(*store);
  const auto refused = store->commit(std::vector{commit_of(claimed, 1, {batch_of("a", {{.offset = 0}}, {0})})});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unsafe_to_go_on);
  EXPECT_THAT(refused.error().detail, HasSubstr("malformed"));
}

TEST_F(SqliteFileTest, RefusesAFileWithAnOverwrittenTable) {
  for (const auto* table : {"partitions", "batches", "memories", "dead_letters", "gaps"}) {
    std::filesystem::remove(path_);
    create_store();
    overwrite_page_of(table);
    EXPECT_THAT(refusal_of(path_), HasSubstr("malformed")) << table;
  }
}

TEST_F(SqliteFileTest, RefusesAFileThatIsCutOff) {
  {
    const auto store = open_store();
    auto claimed = claim(*store);
    std::vector<pipeline::ExtractedBatch> batches;
    for (std::int64_t offset = 0; offset < 99; ++offset) {
      batches.push_back(batch_of(std::string(500, 'a'), {{.offset = offset}}, {0}));
    }
    commit(*store, {commit_of(claimed, 99, std::move(batches))});
  }
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) / 2);
  EXPECT_THAT(refusal_of(path_), HasSubstr("malformed"));
}

TEST_F(SqliteFileTest, RefusesWhatIsNotADatabase) {
  std::ofstream{path_} << std::string(5000, 'x');
  EXPECT_THAT(refusal_of(path_), HasSubstr("not a database"));
  EXPECT_EQ(std::filesystem::file_size(path_), 5000U) << "and leaves it alone";
}

TEST_F(SqliteFileTest, RefusesADatabaseOfAnotherProgram) {
  Database{path_, Database::Mode::create, std::chrono::milliseconds{0}}.execute("CREATE TABLE t(x)");
  EXPECT_THAT(refusal_of(path_), HasSubstr("another program"));
  Database other{path_, Database::Mode::read_write, std::chrono::milliseconds{0}};
  EXPECT_EQ(other.text("PRAGMA journal_mode"), "delete") << "and leaves it alone";
  EXPECT_EQ(other.integer("SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(SqliteFileTest, RefusesANewerSchema) {
  create_store();
  execute("PRAGMA user_version = " + std::to_string(newest + 1));
  EXPECT_THAT(refusal_of(path_), HasSubstr("newer Alluvium (schema " + std::to_string(newest + 1) +
                                           ", this one knows " + std::to_string(newest) + ")"));
}

TEST_F(SqliteFileTest, RefusesAStoreWithoutItsTables) {
  create_store();
  execute("DROP TABLE gaps");
  EXPECT_THAT(refusal_of(path_), HasSubstr("no such table: gaps"));
}

TEST_F(SqliteFileTest, TakesAnEmptyFileForANewStore) {
  std::ofstream{path_}.close();
  EXPECT_EQ(claim(*open_store()).watermark, 0);
}

TEST_F(SqliteFileTest, IsMadeOnceByManyProcessesAtOnce) {
  std::array<pid_t, 6> children{};
  for (auto& child : children) {
    child = ::fork();
    if (child == 0) {
      const auto store = open_sqlite_store({.path = path_}, test_clock);
      ::_exit(store && (*store)->claim({.partition = chat0, .identity = "", .range = {.first = 0, .end = 1}}) ? 0 : 1);
    }
  }
  for (const auto child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(integer("SELECT seq FROM partitions"), 6);
}

TEST_F(SqliteFileTest, IsUnavailableWhereNoFileCanBe) {
  const auto store = open_sqlite_store({.path = folder_.file("missing/alluvium.db")}, test_clock);
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, Errc::unavailable);
  EXPECT_THAT(store.error().detail, HasSubstr("missing/alluvium.db"));
  EXPECT_EQ(open_sqlite_store({.path = ""}, test_clock).error().code, Errc::invalid_config);
}

TEST_F(SqliteFileTest, MigratesAnOlderSchemaAndKeepsWhatIsInIt) {
  {
    const auto store = open_store();
    commit(*store, {commit_of(claim(*store), 1, {batch_of("a", {{.offset = 0}}, {0})})});
  }
  const auto newer = and_then("ALTER TABLE memories ADD COLUMN mood TEXT DEFAULT 'fine'");
  Database database{path_, Database::Mode::read_write, std::chrono::milliseconds{0}};
  open_schema(database, path_, newer);
  EXPECT_EQ(database.integer("PRAGMA user_version"), newest + 1);
  EXPECT_EQ(database.text("SELECT mood FROM memories"), "fine");
  open_schema(database, path_, newer);
  EXPECT_THAT(refusal_of(path_), HasSubstr("newer"));
}

TEST_F(SqliteFileTest, LeavesTheOldSchemaIfAStepFails) {
  create_store();
  const auto broken = and_then("CREATE TABLE mood(x); CREATE TABLE mood(x)");
  Database database{path_, Database::Mode::read_write, std::chrono::milliseconds{0}};
  EXPECT_THROW(open_schema(database, path_, broken), SqliteFailure);
  EXPECT_EQ(database.integer("PRAGMA user_version"), newest);
  EXPECT_EQ(database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'mood'"), 0);
}

TEST_F(SqliteFileTest, AStoreOfBeforeTheModelsIsBroughtUpToDateWhole) {
  const auto full = folder_.file("full.db");
  {
    const auto store = open_sqlite_store({.path = full}, test_clock).value();
    auto written = commit_of(claim(*store), 3, {batch_of("a", {{.offset = 0}, {.offset = 1}}, {0})});
    written.dead_letters = {letter_at(2)};
    commit(*store, {written});
  }
  {
    Database old{path_, Database::Mode::create, std::chrono::milliseconds{0}};
    open_schema(old, path_, sqlite_migrations().first(1));
    old.execute(("ATTACH '" + full + "' AS newer").c_str());
    for (const std::string table : {"partitions", "batches", "memories", "dead_letters", "gaps"}) {
      const auto columns = old.text("SELECT group_concat(name) FROM pragma_table_info('" + table + "')");
      old.execute(("INSERT INTO main." + table + " SELECT " + columns + " FROM newer." + table).c_str());
    }
  }
  EXPECT_THAT(SqliteReader::open(path_).error().detail, HasSubstr("older schema (1)"));
  create_store();
  EXPECT_THAT(faults(), IsEmpty());
  const auto reader = open_reader();
  const auto batch = reader->batch("batch_a_0.0_1.0").value();
  ASSERT_TRUE(batch.has_value());
  EXPECT_THAT(batch->calls, IsEmpty());
  EXPECT_THAT(batch->requests, IsEmpty());
  EXPECT_EQ(reader->memory("mem_Note chat/0/0").value()->model, "");
  EXPECT_EQ(reader->partitions().value().front().outcomes[pipeline::Outcome::pending], 0);
}

}  // namespace
}  // namespace alluvium::connectors
