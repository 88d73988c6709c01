// SPDX-License-Identifier: Apache-2.0
#include "pipeline/answer_json.hpp"

#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pipeline/answering.hpp"

namespace alluvium::pipeline {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(AnswerJson, IsFoundWhateverItIsWrappedIn) {
  const auto list = "[" + oslo + "," + tea + "]";
  const auto whole = R"({"memories":)" + list + R"(,"unsure":[1]})";
  for (const auto& text : {
           whole,
           list,
           "```json\n" + whole + "\n```",
           "```\n" + list + "\n```\nLet me know if you need more!",
           "Here is [1] the \"JSON\" {as asked}: " + whole + " I hope {this} helps [2].",
           "\xEF\xBB\xBF" + whole,
           "<think>The form is {\"memories\":[],\"unsure\":[]}. Hm.</think>" + whole,
           "First try: [" + item("Draft") + "]\nBetter: " + whole,
           R"({"insights":)" + list + "}",
           R"({"summary":"two","insights":)" + list + R"(,"unsure":[1]})",
           R"({"result":{"memories":)" + list + "}}",
           R"([{"memories":)" + list + "}]",
           R"([[)" + oslo + "],[" + tea + "]]",
           oslo + "\n" + tea + "\n",
           "1. " + oslo + "\n2. " + tea,
       }) {
    const auto answer = parse(text);
    EXPECT_TRUE(answer.understood) << text;
    ASSERT_FALSE(answer.memories.empty()) << text;
    EXPECT_EQ(answer.memories[0].content, "User moved to Oslo") << text;
    EXPECT_THAT(answer.memories[0].sources, ElementsAre(1)) << text;
    EXPECT_EQ(count(answer, AnswerFault::truncated), 0U) << text;
    if (!text.starts_with("[[")) {  // Of lists in a list the first one with memories counts.
      EXPECT_THAT(contents(answer), ElementsAre("User moved to Oslo", "Sister likes tea")) << text;
    }
  }
}

TEST(AnswerJson, IsFoundInAJsonString) {
  for (const std::string text :
       {R"("{\"memories\":[{\"content\":\"Says \\\"hi\\\"\",\"messages\":[1]}]}")",
        R"({"output":"{\n  \"memories\":[{\"content\":\"Says \\\"hi\\\"\",\"messages\":[1]}]}"})"}) {
    EXPECT_THAT(contents(parse(text)), ElementsAre("Says \"hi\"")) << text;
  }
}

TEST(AnswerJson, WithoutMemoriesIsUnderstoodIfItSaysSo) {
  for (const std::string text : {R"({"memories":[],"unsure":[]})", "[]", "```json\n[]\n```", "Nothing to note: []",
                                 R"({"insights":[]})", R"({"memories":null})", R"({"memories":["a string"]})"}) {
    const auto answer = parse(text);
    EXPECT_TRUE(answer.understood) << text;
    EXPECT_THAT(answer.memories, IsEmpty()) << text;
    EXPECT_EQ(count(answer, AnswerFault::no_json), 0U) << text;
  }
}

TEST(AnswerJson, ThatIsGarbageIsNotUnderstood) {
  for (const std::string text : {"",
                                 " ",
                                 "I'm sorry, I can't help with that.",
                                 "null",
                                 "7",
                                 "\"memories\"",
                                 "{}",
                                 "{",
                                 "[",
                                 "]",
                                 "}{",
                                 "[1,2]",
                                 R"({"unsure":[1]})",
                                 R"({"error":"overloaded"})",
                                 R"({"memories":"none"})",
                                 "<html><script>var a=[];</script></html>",
                                 "see [1] and [2]",
                                 R"([{"name":"no text in it"}])",
                                 "\xFF\xFE",
                                 R"({"memories":)",
                                 R"({"memories":[)",
                                 R"({"memories":[{"content":"User mov)",
                                 R"({"content":"cut","keywords":["a"],"mess)"}) {
    const auto answer = parse(text);
    EXPECT_FALSE(answer.understood) << text;
    EXPECT_THAT(answer.memories, IsEmpty()) << text;
    EXPECT_THAT(answer.unsure, IsEmpty()) << text;
    EXPECT_EQ(count(answer, AnswerFault::no_json), 1U) << text;
  }
}

TEST(AnswerJson, CutOffAnywhereKeepsTheMemoriesThatWereComplete) {
  const auto text = R"({"memories":[)" + oslo + "," + tea + R"(],"unsure":[1]})";
  const auto first_ends = text.find(oslo) + oslo.size();
  const auto second_ends = text.find(tea) + tea.size();
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto answer = parse(std::string_view{text}.substr(0, size));
    const std::size_t whole = size < first_ends ? 0 : size < second_ends ? 1 : 2;
    EXPECT_THAT(answer.memories, SizeIs(whole)) << size;
    EXPECT_EQ(answer.understood, whole > 0) << size;
    const auto begun = size > text.find("\"memories");
    EXPECT_EQ(count(answer, AnswerFault::truncated), begun ? 1U : 0U) << size;
  }
  const auto list = "Sure:\n```json\n[\n" + oslo + ",\n" + tea.substr(0, 30);
  EXPECT_THAT(contents(parse(list)), ElementsAre("User moved to Oslo"));
}

TEST(AnswerJson, WithABracketOfTheWrongKindKeepsWhatIsWholeBeforeIt) {
  const auto answer = parse(R"({"memories":[)" + oslo + "}");
  EXPECT_THAT(contents(answer), ElementsAre("User moved to Oslo"));
  EXPECT_EQ(count(answer, AnswerFault::truncated), 1U);
}

TEST(AnswerJson, WithOneBrokenMemoryLosesOnlyThatOne) {
  const auto answer = parse(R"({"memories":[)" + oslo + R"(,{"content":nonsense},)" + tea + R"(],"unsure":[]})");
  EXPECT_THAT(contents(answer), ElementsAre("User moved to Oslo", "Sister likes tea"));
  EXPECT_EQ(count(answer, AnswerFault::wrong_type), 1U);
}

TEST(AnswerJson, WithSmallFaultsOfFormIsPutRight) {
  const auto answer = parse(
      "{\"memories\":[{\"content\":\"Line one\nline two\\d it\\'s \xFF \\ud83d \x01 end\",\n"
      "\"type\":\"semantic\",\"importance\":1,\"keywords\":[\"a\",],\"messages\":[1 , ] , },\n],}");
  ASSERT_THAT(answer.memories, SizeIs(1));
  EXPECT_EQ(answer.memories[0].content, "Line one\nline two\\d it's \uFFFD \uFFFD   end");
  EXPECT_THAT(answer.memories[0].keywords, ElementsAre("a"));
  EXPECT_THAT(answer.faults, Each(0U));
}

TEST(AnswerJson, NestedTooDeepCostsOnlyWhatIsThere) {
  const auto deep = R"({"content":"deep","x":)" + std::string(100, '[') + std::string(100, ']') + "}";
  EXPECT_THAT(contents(parse("[" + oslo + "," + deep + "]")), ElementsAre("User moved to Oslo"));
}

TEST(AnswerJson, BeyondTheMostBytesIsCutOff) {
  const auto answer = parse("[" + oslo + "," + std::string(answer_bytes_max, ' ') + tea + "]");
  EXPECT_THAT(contents(answer), ElementsAre("User moved to Oslo"));
  EXPECT_EQ(count(answer, AnswerFault::truncated), 1U);
}

std::string repeated(std::string_view piece) {
  std::string text;
  while (text.size() < answer_bytes_max) {
    text += piece;
  }
  return text;
}

// Processor time, since other processes may keep this one waiting.
TEST(AnswerJson, ThatIsHostileIsReadInLinearTime) {
  constexpr std::string_view pieces[] = {R"([)",
                                         R"({")",
                                         R"([")",
                                         R"([{"a[")",
                                         R"({"a":)",
                                         R"([] )",
                                         R"([{}])",
                                         R"({"content":"a"})",
                                         R"([{"content":"a"},)",
                                         R"([{"content":"a"}})",
                                         R"({"a":[{"b":1}],)",
                                         R"([{x}])",
                                         R"({"memories":[]})",
                                         R"(\")",
                                         R"({\")",
                                         R"([{"content":"\)",
                                         R"([{"content":"a","messages":[1,)",
                                         R"([{"":")",
                                         R"([{ , }, )",
                                         "[{\xFF"};
  for (const auto piece : pieces) {
    for (const auto& text :
         {repeated(piece), "[" + repeated(piece), R"({"memories":[{"content":")" + repeated(piece)}) {
      const auto begin = std::clock();
      const auto answer = parse(text);
      EXPECT_LT(std::clock() - begin, CLOCKS_PER_SEC) << piece << " after " << text.substr(0, 14);
      EXPECT_LE(answer.memories.size(), answer_memories_max);
    }
  }
}

}  // namespace
}  // namespace alluvium::pipeline
