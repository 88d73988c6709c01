// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_batch_rows.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::ExtractedBatch;
using testing::IsEmpty;

class BatchRowsTest : public SqliteTest {
 protected:
  /// Of each row as it is read, what tells it from others.
  [[nodiscard]] std::vector<std::string> read() const {
    std::vector<std::string> rows;
    EXPECT_TRUE(open_reader()->batches({}, [&](const BatchRow& row) {
      rows.push_back(row.id + " " + row.agent_id + " " + std::to_string(row.memories));
      for (std::size_t i = 0; i < row.positions.size(); ++i) {
        rows.back() += " " + std::to_string(row.positions[i].offset) + "=" + row.message_ids[i] + "=" +
                       outcome_letter(row.outcomes[i]);
      }
      return true;
    }));
    return rows;
  }
  [[nodiscard]] static std::string expected(const ExtractedBatch& batch) {
    auto row = batch.id + " " + batch.batch.agent_id() + " " + std::to_string(batch.memories.size());
    for (std::size_t i = 0; i < batch.batch.size(); ++i) {
      row += " " + std::to_string(batch.batch.position(i).offset) + "=" + std::string{batch.batch.id(i)} + "=" +
             outcome_letter(batch.outcomes[i]);
    }
    return row;
  }
  /// A memory of that text, of the message at `offset`, in a batch of its own.
  [[nodiscard]] static ExtractedBatch batch_that_says(const std::string& content, std::int64_t offset) {
    auto batch = batch_of("ada", {{.offset = offset}}, {0});
    batch.memories.front().content = content;
    batch.memories.front().id = "mem_" + std::to_string(offset);
    return batch;
  }

  int stores_ = 0;
};

/// However many there are in a transaction, and whatever was written with the place that one is put into.
TEST_F(BatchRowsTest, AreReadAsTheyWereWritten) {
  EXPECT_TRUE(rc::check("any transactions of any batches", [this] {
    const auto sizes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40));
    path_ = folder_.file("store-" + std::to_string(++stores_));
    const auto store = open_store();
    auto claimed = claim(*store, chat0, {.first = 0, .end = 100'000});
    std::vector<std::string> written;
    std::int64_t offset = 0;
    for (const auto size : sizes) {
      std::vector<ExtractedBatch> batches;
      for (int i = 0; i < size; ++i) {
        std::vector<pipeline::Position> positions(static_cast<std::size_t>(*rc::gen::inRange(1, 4)));
        for (auto& position : positions) {
          position.offset = offset++;
        }
        const auto remembered = *rc::gen::element(std::vector<std::uint32_t>{}, std::vector<std::uint32_t>{0});
        batches.push_back(batch_of("agent-" + std::to_string(i), positions, remembered));
        written.push_back(expected(batches.back()));
      }
      commit(*store, {commit_of(claimed, offset, std::move(batches))});
      ++claimed.seq;
    }
    RC_ASSERT(read() == written);
    RC_ASSERT(faults().empty());
  }));
}

TEST_F(BatchRowsTest, KeepNullForDefaultIdsAfterARowThatHadOthers) {
  const auto store = open_store();
  auto plain = batch_of("bob", {{.offset = 1}});
  plain.batch = pipeline::Batch{"bob"};
  pipeline::MessageView message;
  message.id = "chat/0/1";
  message.agent_id = "bob";
  message.content = "hello";
  message.position.offset = 1;
  plain.batch.append(message);
  auto claimed = claim(*store);
  commit(*store, {commit_of(claimed, 1, {batch_of("ada", {{.offset = 0}})})});
  ++claimed.seq;
  commit(*store, {commit_of(claimed, 2, {plain})});
  EXPECT_EQ(integer("SELECT count(*) FROM batches WHERE message_ids IS NULL AND agent_id = 'bob'"), 1);
  EXPECT_EQ(integer("SELECT count(*) FROM batches WHERE message_ids IS NOT NULL AND agent_id = 'ada'"), 1);
}

TEST_F(BatchRowsTest, AreReadAsTheyWereWrittenWithIdsLargerThanWhatMayWait) {
  const auto store = open_store();
  std::vector<ExtractedBatch> batches;
  std::vector<std::string> written;
  for (std::int64_t i = 0; i < 9; ++i) {
    batches.push_back(batch_of("ada", {{.offset = i}}));
    if (i % 4 != 0) {
      pipeline::MessageView message;
      const std::string id(i == 5 ? 300'000 : 100'000, 'x');
      message.id = id;
      message.agent_id = "ada";
      message.content = "hello";
      message.position.offset = i;
      batches.back().batch = pipeline::Batch{"ada"};
      batches.back().batch.append(message);
    }
    written.push_back(expected(batches.back()));
  }
  commit(*store, {commit_of(claim(*store), 9, std::move(batches))});
  EXPECT_EQ(read(), written);
}

/// The earlier message's memory stays: it takes the later one's place, whose batch then has none, wherever its row is.
TEST_F(BatchRowsTest, CountAMemoryLessWhetherTheRowWaitsOrNot) {
  const auto store = open_store();
  auto claimed = claim(*store);
  auto result = commit(*store, {commit_of(claimed, 0, {batch_that_says("I row", 9), batch_that_says("I row!", 7)})});
  EXPECT_EQ(result.memories, 1);
  EXPECT_EQ(integer("SELECT group_concat(memories, '') + 100 FROM batches"), 101) << "both rows waited";
  ++claimed.seq;
  result = commit(*store, {commit_of(claimed, 0, {batch_that_says("i row", 5)})});
  EXPECT_EQ(result.memories, 0);
  EXPECT_EQ(integer("SELECT group_concat(memories, '') + 1000 FROM batches"), 1001) << "the row was written before";
  EXPECT_THAT(faults(), IsEmpty());
}

}  // namespace
}  // namespace alluvium::connectors
