// SPDX-License-Identifier: Apache-2.0
#include "pipeline/batch.hpp"

#include <utility>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

MessageView message_of(std::string_view id, std::string_view content, std::string_view session = "s") {
  MessageView message;
  message.id = id;
  message.agent_id = "agent";
  message.session_id = session;
  message.user_id = "u";
  message.org_id = "o";
  message.content = content;
  return message;
}

TEST(Batch, IsEmptyAtFirst) {
  const Batch batch{"agent"};
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.size(), 0U);
  EXPECT_EQ(batch.content_bytes(), 0U);
  EXPECT_EQ(batch.agent_id(), "agent");
}

TEST(Batch, GivesBackEveryFieldOfEveryMessage) {
  Batch batch{"agent"};
  auto first = message_of("m-1", "one");
  first.role = Role::assistant;
  first.timestamp_ms = -5;
  first.position = Position{9, 2, 4};
  batch.append(first);
  auto second = message_of("m-2", "two and more", "other");
  second.user_id = "v";
  second.org_id = "";
  batch.append(second);
  ASSERT_EQ(batch.size(), 2U);
  EXPECT_EQ(batch[0].id, "m-1");
  EXPECT_EQ(batch[0].agent_id, "agent");
  EXPECT_EQ(batch[0].content, "one");
  EXPECT_EQ(batch[0].session_id, "s");
  EXPECT_EQ(batch[0].user_id, "u");
  EXPECT_EQ(batch[0].org_id, "o");
  EXPECT_EQ(batch[0].role, Role::assistant);
  EXPECT_EQ(batch[0].timestamp_ms, -5);
  EXPECT_EQ(batch[0].position, (Position{9, 2, 4}));
  EXPECT_EQ(batch[1].id, "m-2");
  EXPECT_EQ(batch[1].content, "two and more");
  EXPECT_EQ(batch[1].session_id, "other");
  EXPECT_EQ(batch[1].user_id, "v");
  EXPECT_EQ(batch[1].org_id, "");
  EXPECT_EQ(batch[1].role, Role::user);
}

TEST(Batch, CountsBytesOfContentOnly) {
  Batch batch{"agent"};
  batch.append(message_of("a long id", "123"));
  batch.append(message_of("another", "4567"));
  EXPECT_EQ(batch.content_bytes(), 7U);
}

TEST(Batch, CopiesWhatItIsGivenAndMovesWhole) {
  Batch batch{"agent"};
  std::string content = "hello";
  batch.append(message_of("m", content));
  content = "?????";
  const auto moved = std::move(batch);
  EXPECT_EQ(moved[0].content, "hello");
  EXPECT_EQ(moved[0].agent_id, "agent");
}

TEST(Batch, GivesBackWhatWasAppendedWhateverItWas) {
  EXPECT_TRUE(rc::check("round trip", [](const std::vector<std::pair<std::string, std::string>>& messages) {
    Batch batch{"agent"};
    for (const auto& [id, content] : messages) {
      // The session repeats now and then: known speakers, new ones, and ones long forgotten.
      batch.append(message_of(id, content, std::string(id.size() % 13, 's')));
    }
    RC_ASSERT(batch.size() == messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const auto& [id, content] = messages[i];
      RC_ASSERT(batch[i].id == id);
      RC_ASSERT(batch[i].content == content);
      RC_ASSERT(batch[i].session_id == std::string(id.size() % 13, 's'));
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
