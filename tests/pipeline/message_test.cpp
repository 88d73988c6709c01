// SPDX-License-Identifier: Apache-2.0
#include "pipeline/message.hpp"

#include <utility>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

MessageView message_of(std::string_view content, std::string_view id = "m") {
  MessageView message;
  message.id = id;
  message.agent_id = "agent";
  message.session_id = "session";
  message.user_id = "user";
  message.org_id = "org";
  message.content = content;
  message.role = Role::tool;
  message.timestamp_ms = 5;
  message.position = Position{7, 1, 2};
  return message;
}

TEST(MessageChunk, CopiesEverythingAMessagePointsTo) {
  std::string content = "hello";
  MessageChunk chunk;
  chunk.add(message_of(content), 3);
  content = "?????";
  ASSERT_EQ(chunk.entries().size(), 1U);
  const auto message = chunk.entries().front().message();
  const auto slot = chunk.entries().front().slot();
  EXPECT_EQ(slot, 3U);
  EXPECT_EQ(message.content, "hello");
  EXPECT_EQ(message.id, "m");
  EXPECT_EQ(message.agent_id, "agent");
  EXPECT_EQ(message.session_id, "session");
  EXPECT_EQ(message.user_id, "user");
  EXPECT_EQ(message.org_id, "org");
  EXPECT_EQ(message.role, Role::tool);
  EXPECT_EQ(message.timestamp_ms, 5);
  EXPECT_EQ(message.position, (Position{7, 1, 2}));
  EXPECT_EQ(chunk.bytes(), std::string_view{"hellomagentsessionuserorg"}.size());
}

TEST(MessageChunk, KeepsViewsValidWhileItGrowsAndMoves) {
  MessageChunk chunk;
  chunk.add(message_of("the first one"), 0);
  const auto* const bytes = chunk.entries().front().message().content.data();
  for (int i = 0; i < 10'000; ++i) {
    chunk.add(message_of("another"), 0);
  }
  const auto moved = std::move(chunk);
  EXPECT_EQ(moved.entries().front().message().content, "the first one");
  EXPECT_EQ(moved.entries().front().message().content.data(), bytes);
}

TEST(MessageChunk, TakesMessagesAgainAfterItWasMovedFrom) {
  MessageChunk chunk;
  chunk.add(message_of("before"), 0);
  const auto moved = std::move(chunk);
  chunk = MessageChunk{};
  chunk.add(message_of("after"), 0);
  EXPECT_EQ(chunk.entries().front().message().content, "after");
  EXPECT_EQ(moved.entries().front().message().content, "before");
}

TEST(MessageChunk, HoldsTextsOfAnySize) {
  EXPECT_TRUE(rc::check("any sizes", [] {
    const auto sizes = *rc::gen::container<std::vector<std::size_t>>(
        rc::gen::oneOf(rc::gen::inRange<std::size_t>(1, 200), rc::gen::inRange<std::size_t>(16'000, 17'000),
                       rc::gen::inRange<std::size_t>(65'000, 66'000), rc::gen::just(std::size_t{200'000})));
    MessageChunk chunk;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      chunk.add(message_of(std::string(sizes[i], static_cast<char>('a' + i % 26)), std::to_string(i)), 0);
    }
    RC_ASSERT(chunk.entries().size() == sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto message = chunk.entries()[i].message();
      RC_ASSERT(message.content == std::string(sizes[i], static_cast<char>('a' + i % 26)));
      RC_ASSERT(message.id == std::to_string(i));
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
