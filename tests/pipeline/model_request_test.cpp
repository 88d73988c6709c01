// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_request.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/pipeline/any_text.hpp"
#include "tests/pipeline/sample_batch.hpp"

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

bool same(const MessageView& a, const MessageView& b) {
  return a.id == b.id && a.agent_id == b.agent_id && a.session_id == b.session_id && a.user_id == b.user_id &&
         a.org_id == b.org_id && a.content == b.content && a.role == b.role && a.timestamp_ms == b.timestamp_ms;
}

bool same(const ModelRequest& a, const ModelRequest& b) {
  if (a.tier != b.tier || a.places != b.places || a.batches != b.batches || a.messages.size() != b.messages.size() ||
      a.messages.agent_id() != b.messages.agent_id()) {
    return false;
  }
  for (std::size_t i = 0; i < a.messages.size(); ++i) {
    if (!same(a.messages[i], b.messages[i])) {
      return false;
    }
  }
  return true;
}

TEST(ModelRequest, IsTheMessagesAtItsPlaces) {
  const auto request = make_request(Tier::premium, sample_batch({"zero", "one", "two", "three"}), {1, 3});
  EXPECT_EQ(request.tier, Tier::premium);
  EXPECT_THAT(request.places, ElementsAre(1, 3));
  ASSERT_EQ(request.messages.size(), 2U);
  EXPECT_EQ(request.messages.content(0), "one");
  EXPECT_EQ(request.messages.id(1), "m-3");
}

TEST(ModelRequest, PartsMakeUpTheWhole) {
  const auto request = make_request(Tier::small, sample_batch({"zero", "one", "two", "three"}), {0, 1, 3});
  const auto left = part_of(request, 0, 1);
  const auto right = part_of(request, 1, 3);
  EXPECT_THAT(left.places, ElementsAre(0));
  EXPECT_EQ(left.messages.content(0), "zero");
  EXPECT_THAT(right.places, ElementsAre(1, 3));
  EXPECT_EQ(right.messages.content(1), "three");
  EXPECT_TRUE(same(part_of(request, 0, 3), request));
}

TEST(ModelRequest, IsKeptAsReadableJson) {
  auto message = sample_message("ada", "m-0", "a \"quoted\"\nline", 0);
  message.role = Role::assistant;
  message.session_id = "s-1";
  Batch batch{"ada"};
  batch.append(message);
  EXPECT_EQ(encode_request(make_request(Tier::small, batch, {0})),
            R"({"agent_id":"ada","messages":[{"place":0,"id":"m-0","session_id":"s-1","role":"assistant",)"
            R"("timestamp_ms":1767225600000,"content":"a \"quoted\"\nline"}]})");
}

TEST(ModelRequest, ComesBackFromTheStoreAsItWas) {
  EXPECT_TRUE(rc::check("decode(encode(x)) == x", [] {
    const auto agent = *any_text();
    Batch batch{agent};
    std::vector<std::uint32_t> places;
    const auto size = *rc::gen::inRange<std::uint32_t>(1, 6);
    for (std::uint32_t i = 0; i < size; ++i) {
      const auto id = *any_text();
      const auto session = *any_text();
      const auto user = *any_text();
      const auto org = *any_text();
      const auto content = *rc::gen::suchThat(any_text(), [](const std::string& text) { return !text.empty(); });
      auto message = sample_message(agent, id, content, i);
      message.session_id = session;
      message.user_id = user;
      message.org_id = org;
      message.role = *rc::gen::element(Role::user, Role::assistant, Role::system, Role::tool, Role::other);
      message.timestamp_ms = *rc::gen::arbitrary<std::int64_t>();
      batch.append(message);
      if (i + 1 == size || *rc::gen::arbitrary<bool>()) {
        places.push_back(i);
      }
    }
    const auto tier = *rc::gen::element(Tier::small, Tier::premium);
    const auto request = make_request(tier, batch, places);
    const auto decoded = decode_request(tier, encode_request(request));
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(same(*decoded, request));
  }));
}

TEST(ModelRequest, IsNotReadFromWhatItIsNot) {
  const std::string good = R"({"agent_id":"a","messages":[{"place":0,"role":"user","timestamp_ms":1,"content":"hi"}]})";
  ASSERT_TRUE(decode_request(Tier::small, good));
  for (const std::string_view bad :
       {"", "null", "[]", "{}", R"({"agent_id":"a","messages":[]})", R"({"agent_id":1,"messages":[{}]})",
        R"({"agent_id":"a","messages":[{}]})", R"({"agent_id":"a","messages":["hi"]})",
        R"({"agent_id":"a","messages":[{"place":-1,"role":"user","timestamp_ms":1,"content":"hi"}]})",
        R"({"agent_id":"a","messages":[{"place":4294967296,"role":"user","timestamp_ms":1,"content":"hi"}]})",
        R"({"agent_id":"a","messages":[{"place":0,"role":"ghost","timestamp_ms":1,"content":"hi"}]})",
        R"({"agent_id":"a","messages":[{"place":0,"role":"user","content":"hi"}]})",
        R"({"agent_id":"a","messages":[{"place":0,"role":"user","timestamp_ms":1,"content":""}]})",
        R"({"agent_id":"a","messages":[{"place":0,"role":"user","timestamp_ms":1,"content":"hi","id":7}]})",
        R"({"agent_id":"a","messages":[{"place":1,"role":"user","timestamp_ms":1,"content":"hi"},)"
        R"({"place":1,"role":"user","timestamp_ms":1,"content":"hi"}]})"}) {
    const auto decoded = decode_request(Tier::small, bad);
    ASSERT_FALSE(decoded) << bad;
    EXPECT_EQ(decoded.error().code, Errc::unsafe_to_go_on);
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode_request(Tier::small, std::string_view{good}.substr(0, size))) << size;
  }
}

TEST(RequestHash, IsThirtyTwoHexDigitsAndStaysTheSame) {
  EXPECT_THAT(request_hash("http://127.0.0.1/v1", "{}"), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(request_hash("http://127.0.0.1/v1", "{}"), "7988666f5e224f911dcea514f6380248");
}

TEST(RequestHash, TellsUrlsAndBodiesApart) {
  const std::set<std::string> hashes{request_hash("ab", "c"), request_hash("a", "bc"), request_hash("", "abc"),
                                     request_hash("abc", ""), request_hash("ab", "d")};
  EXPECT_EQ(hashes.size(), 5U);
}

TEST(Roles, HaveTheNamesModelsKnow) {
  EXPECT_EQ(name(Role::user), "user");
  EXPECT_EQ(name(Role::assistant), "assistant");
  EXPECT_EQ(name(Role::system), "system");
  EXPECT_EQ(name(Role::tool), "tool");
  EXPECT_EQ(name(Role::other), "other");
}

TEST(ModelRequest, PairsReadBack) {
  const ModelRequest request{.tier = Tier::small,
                             .messages = Batch{"a"},
                             .places = {},
                             .batches = {},
                             .pairs = {{"x \"y\"", "z"}, {"v", "w"}}};
  const auto text = encode_request(request);
  EXPECT_EQ(text, R"({"agent_id":"a","messages":[],"pairs":[{"earlier":"x \"y\"","later":"z"},)"
                  R"({"earlier":"v","later":"w"}]})");
  const auto decoded = decode_request(Tier::small, text);
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(decoded->adjudicates());
  EXPECT_EQ(decoded->pairs, request.pairs);
  EXPECT_TRUE(decoded->messages.empty());
  for (const auto* bad : {R"({"agent_id":"a","messages":[],"pairs":[]})", R"({"agent_id":"a","messages":[]})",
                          R"({"agent_id":"a","messages":[],"pairs":[{"earlier":"x"}]})",
                          R"({"agent_id":"a","messages":[],"pairs":[1]})"}) {
    EXPECT_FALSE(decode_request(Tier::small, bad)) << bad;
  }
}

}  // namespace
}  // namespace alluvium::pipeline
