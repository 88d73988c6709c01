// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_answers.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/json_reader.hpp"
#include "pipeline/utf8.hpp"

namespace alluvium::connectors {
namespace {

constexpr auto prompt =
    "Read these.\n<messages>\n"
    "#1 user: I prefer tea over coffee\n"
    "#2 assistant: Noted. What else?\n"
    "#7 user: remember that my cousin visited yesterday\n"
    "#8 user: that thing [?]\n"
    "</messages>\n#9 user: I love what stands behind the end\n";

TEST(StubAnswers, TakesTheNumberedLinesBetweenTheMarks) {
  const auto messages = stub_messages(prompt);
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[2].number, 7);
  EXPECT_EQ(messages[0].text, "I prefer tea over coffee");
}

TEST(StubAnswers, WithoutNumberedLinesEveryLineWithARoleIsAMessage) {
  const auto messages = stub_messages("user: hello\nno role here\nassistant: what: ever");
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[1].number, 2);
  EXPECT_EQ(messages[1].text, "what: ever");
}

TEST(StubAnswers, AMarkIsAWholeWordInAnyCase) {
  EXPECT_TRUE(stub_marked("I LOVE it"));
  EXPECT_TRUE(stub_marked("my name is Ada"));
  EXPECT_TRUE(stub_marked("x[!]y"));
  EXPECT_TRUE(stub_marked("never"));
  EXPECT_FALSE(stub_marked("gloves and clover"));
  EXPECT_FALSE(stub_marked("unlikely"));
  EXPECT_FALSE(stub_marked(""));
}

TEST(StubAnswers, OneMemoryPerMarkedMessageAndUnsureOnesApart) {
  EXPECT_EQ(stub_answer(prompt, false, 0).text,
            R"({"memories":[{"content":"I prefer tea over coffee","type":"semantic","importance":0.54,)"
            R"("keywords":["prefer","coffee","over"],"messages":[1]},)"
            R"({"content":"remember that my cousin visited yesterday","type":"episodic","importance":0.86,)"
            R"("keywords":["yesterday","remember","visited"],"messages":[7]}],"unsure":[8]})");
}

TEST(StubAnswers, ConnectionsOnlyWhereTheyAreAskedFor) {
  EXPECT_NE(stub_answer(prompt, true, 0).text.find(R"("connections":[{"from":1,"to":2,"type":"precedes"}],"unsure")"),
            std::string::npos);
  EXPECT_NE(stub_answer("user: hello", true, 0).text.find(R"("connections":[])"), std::string::npos);
  EXPECT_EQ(stub_answer(prompt, false, 0).text.find("connections"), std::string::npos);
}

TEST(StubAnswers, ContentHasAtMostTwoHundredCharacters) {
  const auto content_of = [](std::size_t characters) {
    std::string text = "[!]";
    for (std::size_t i = 3; i < characters; ++i) {
      text += "é";
    }
    const auto answer = stub_answer("user: " + text, false, 0).text;
    const auto begin = answer.find("[!]");
    return answer.substr(begin, answer.find('"', begin) - begin) == text;
  };
  EXPECT_TRUE(content_of(200));
  EXPECT_FALSE(content_of(201));
}

TEST(StubAnswers, AnAnswerIsShortenedBeforeItIsCut) {
  const std::string text = "user: I like " + std::string(300, 'x') + " and so on";
  const auto whole = stub_answer(text, false, 0).text.size();
  EXPECT_FALSE(stub_answer(text, false, whole).cut);
  EXPECT_EQ(stub_answer(text, false, whole).text.size(), whole);
  const auto shorter = stub_answer(text, false, whole - 1);
  EXPECT_FALSE(shorter.cut);
  EXPECT_LT(shorter.text.size(), whole - 1);
  EXPECT_TRUE(stub_answer(text, false, 50).cut);
}

TEST(StubAnswers, IsJsonWithinItsLimitForAnyText) {
  EXPECT_TRUE(rc::check("any prompt", [](const std::string& text, std::uint16_t limit) {
    const auto whole = stub_answer("user: [!] " + text, true, 0);
    pipeline::JsonReader reader{16};
    RC_ASSERT(!whole.cut && reader.parse(whole.text).has_value());
    const auto bounded = stub_answer("user: [!] " + text, true, limit + 1U);
    RC_ASSERT(bounded.text.size() <= limit + 1U);
    RC_ASSERT(bounded.cut || reader.parse(bounded.text).has_value());
    RC_ASSERT(pipeline::first_not_utf8(bounded.text) == std::string_view::npos);
  }));
}

TEST(StubAnswers, TokensAreAFourthRoundedUp) {
  EXPECT_EQ(stub_tokens(0), 0);
  EXPECT_EQ(stub_tokens(4), 1);
  EXPECT_EQ(stub_tokens(5), 2);
}

TEST(StubAnswers, JudgesPairs) {
  constexpr auto pairs =
      "<pairs>\n#1 A: I row at dawn\n#1 B: At dawn I often row\n#2 A: I live in Bonn\n#2 B: I live in Kiel\n"
      "#3 A: bus 12 stops here\n#3 B: bus 14 stops here\n#4 A: I eat nuts\n#4 B: I never eat nuts\n"
      "#5 A: what [?]\n#5 B: what\n</pairs>";
  EXPECT_EQ(stub_answer(pairs, false, 0).text,
            R"({"verdicts":[{"pair":1,"verdict":"same"},{"pair":2,"verdict":"update"},)"
            R"({"pair":3,"verdict":"different"},{"pair":4,"verdict":"update"},{"pair":5,"verdict":"unsure"}]})");
  const auto cut = stub_answer(pairs, false, 40);
  EXPECT_EQ(cut.text.size(), 40U);
  EXPECT_TRUE(cut.cut);
}

}  // namespace
}  // namespace alluvium::connectors
