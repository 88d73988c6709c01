// SPDX-License-Identifier: Apache-2.0
#include "pipeline/answer.hpp"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/json_text.hpp"
#include "pipeline/utf8.hpp"
#include "tests/pipeline/answering.hpp"
#include "tests/pipeline/any_text.hpp"

namespace alluvium::pipeline {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Answer, AsAskedForIsTakenWhole) {
  const auto answer = parse(R"({"memories":[{"content":"User moved to Oslo","type":"episodic","importance":0.8,)"
                            R"("keywords":["home","Oslo"],"messages":[2,1]}],"unsure":[4]})");
  EXPECT_TRUE(answer.understood);
  EXPECT_THAT(answer.faults, Each(0U));
  ASSERT_THAT(answer.memories, SizeIs(1));
  const auto& memory = answer.memories[0];
  EXPECT_EQ(memory.content, "User moved to Oslo");
  EXPECT_EQ(memory.type, MemoryType::episodic);
  EXPECT_EQ(memory.importance, 0.8);
  EXPECT_THAT(memory.keywords, ElementsAre("home", "Oslo"));
  EXPECT_EQ(memory.method, ExtractionMethod::small_model);
  EXPECT_EQ(memory.rule_id, "");
  EXPECT_EQ(memory.prompt_id, "0123456789abcdef");
  EXPECT_THAT(memory.sources, ElementsAre(0, 1));
  EXPECT_EQ(memory.id, memory_id(request().messages, memory));
  EXPECT_THAT(answer.unsure, ElementsAre(3));
  EXPECT_THAT(answer.connections, ElementsAre("[]"));
}

TEST(Answer, OfThePremiumTierSaysSo) {
  auto premium = request();
  premium.tier = Tier::premium;
  const auto answer = parse_answer("[" + oslo + "]", premium, "p");
  ASSERT_THAT(answer.memories, SizeIs(1));
  EXPECT_EQ(answer.memories[0].method, ExtractionMethod::premium_model);
}

TEST(Answer, ContentIsTrimmedAndFreeOfControlCharacters) {
  EXPECT_THAT(contents(parse("[" + item(R"(\u00a0\n a\u0000b\u007fc\u0085d\te\nf\u3000)") + "]")),
              ElementsAre("a b c  d\te\nf"));
}

TEST(Answer, ContentIsFoundUnderOtherNames) {
  for (const std::string name : {"content", "memory", "text", "insight", "fact"}) {
    EXPECT_THAT(contents(parse(R"([{")" + name + R"(":"likes tea"}])")), ElementsAre("likes tea"));
  }
}

TEST(Answer, LeavesOutMemoriesWithoutText) {
  const auto answer =
      parse("[" + oslo + R"(,{"type":"semantic"},{"content":null},{"content":" \n"},{"content":7},3,"x",[]])");
  EXPECT_THAT(contents(answer), ElementsAre("User moved to Oslo"));
  EXPECT_EQ(count(answer, AnswerFault::no_content), 3U);
  EXPECT_EQ(count(answer, AnswerFault::wrong_type), 4U);
}

TEST(Answer, KeepsContentOfTheMostBytesAndDropsALongerOne) {
  const auto longest = parse("[" + item(std::string(memory_content_bytes_max, 'x')) + "]");
  EXPECT_THAT(longest.memories, SizeIs(1));
  const auto longer = parse("[" + item(std::string(memory_content_bytes_max + 1, 'x')) + "]");
  EXPECT_THAT(longer.memories, IsEmpty());
  EXPECT_TRUE(longer.understood);
  EXPECT_EQ(count(longer, AnswerFault::too_long), 1U);
}

TEST(Answer, KnowsAllTypesAndReadsOthersAsSemantic) {
  const auto type_of = [](const std::string& json) {
    return parse(R"([{"content":"c","importance":0.5,"type":)" + json + "}]");
  };
  EXPECT_EQ(type_of(R"("semantic")").memories[0].type, MemoryType::semantic);
  EXPECT_EQ(type_of(R"("Episodic ")").memories[0].type, MemoryType::episodic);
  EXPECT_EQ(type_of(R"("procedural")").memories[0].type, MemoryType::procedural);
  EXPECT_THAT(type_of(R"("procedural")").faults, Each(0U));
  for (const std::string other : {R"("fact")", "3", "null"}) {
    const auto answer = type_of(other);
    EXPECT_EQ(answer.memories[0].type, MemoryType::semantic);
    EXPECT_EQ(count(answer, AnswerFault::wrong_type), 1U);
  }
}

TEST(Answer, ImportanceIsPutWithinZeroAndOne) {
  const std::pair<const char*, double> cases[] = {
      {"1.2", 1},       {"-0.1", 0},    {"2", 0.2},        {"8", 0.8},          {"10", 1},
      {"11", 0.11},     {"85", 0.85},   {"100", 1},        {"1000", 1},         {"1e308", 1},
      {"\"0.4\"", 0.4}, {"\"8\"", 0.8}, {"\"high\"", 0.9}, {"\"Medium\"", 0.5}, {"\"low\"", 0.2},
      {"\"nan\"", 0.5}, {"\"x\"", 0.5}, {"null", 0.5},     {"true", 0.5},       {"[1]", 0.5}};
  for (const auto& [json, importance] : cases) {
    const auto answer = parse(R"([{"content":"c","type":"semantic","importance":)" + std::string{json} + "}]");
    ASSERT_THAT(answer.memories, SizeIs(1)) << json;
    EXPECT_DOUBLE_EQ(answer.memories[0].importance, importance) << json;
    EXPECT_EQ(count(answer, AnswerFault::importance), 1U) << json;
  }
  for (const std::string fine : {"0", "0.1", "1", "1.0"}) {
    const auto answer = parse(R"([{"content":"c","type":"semantic","importance":)" + fine + "}]");
    EXPECT_DOUBLE_EQ(answer.memories[0].importance, std::stod(fine));
    EXPECT_EQ(count(answer, AnswerFault::importance), 0U) << fine;
  }
}

TEST(Answer, KeywordsAreCleanDistinctAndBounded) {
  const auto keywords_of = [](const std::string& json) {
    return parse(R"([{"content":"c","keywords":)" + json + "}]").memories.at(0).keywords;
  };
  EXPECT_THAT(keywords_of(R"([" a ","a","","b\nc",7,null])"), ElementsAre("a", "b c"));
  EXPECT_THAT(keywords_of(R"("tea, Oslo")"), ElementsAre("tea", "Oslo"));
  EXPECT_THAT(keywords_of("{}"), IsEmpty());
  EXPECT_THAT(keywords_of("[\"" + std::string(keyword_bytes_max, 'k') + "\"]"), SizeIs(1));
  EXPECT_THAT(keywords_of("[\"" + std::string(keyword_bytes_max + 1, 'k') + "\"]"), IsEmpty());
  std::string many = "[\"0\"";
  for (std::size_t i = 1; i <= memory_keywords_max; ++i) {
    many += ",\"" + std::to_string(i) + "\"";
  }
  EXPECT_THAT(keywords_of(many + "]"), SizeIs(memory_keywords_max));
}

TEST(AnswerSources, AreFoundUnderTheirNamesAsNumbersTextsAndIds) {
  for (const std::string field : {R"("messages":[2,3])", R"("messages":[3,2,3])", R"("sources":["2","#3"])",
                                  R"("source_message_ids":["m-1","m-2"])", R"("message_ids":[2.0,"m-2"])",
                                  R"("messages":"#2, #3")", R"("messages":[" m-1 , 3"])"}) {
    const auto answer = parse(R"([{"content":"c",)" + field + "}]");
    ASSERT_THAT(answer.memories, SizeIs(1)) << field;
    EXPECT_THAT(answer.memories[0].sources, ElementsAre(1, 2)) << field;
    EXPECT_EQ(count(answer, AnswerFault::unknown_source), 0U) << field;
  }
  EXPECT_THAT(parse(R"([{"content":"c","message":4}])").memories.at(0).sources, ElementsAre(3));
}

TEST(AnswerSources, ThatWereNotAskedAboutAreLeftOutAndCounted) {
  const auto answer = parse(R"([{"content":"c","messages":[0,1,4,5,-1,99999999999,"m-9","x",true]}])");
  EXPECT_THAT(answer.memories.at(0).sources, ElementsAre(0, 3));
  EXPECT_EQ(count(answer, AnswerFault::unknown_source), 6U);
  EXPECT_EQ(count(answer, AnswerFault::wrong_type), 2U);  // true, and the type that is missing.
}

TEST(AnswerSources, AreGuessedFromWordsWhereNoneIsNamed) {
  for (const std::string field :
       {R"("messages":[])", R"("messages":[77])", R"("messages":null)", R"("type":"semantic")"}) {
    const auto answer = parse(R"([{"content":"Has a sister who likes tea",)" + field + "}]");
    EXPECT_THAT(answer.memories.at(0).sources, ElementsAre(2)) << field;
  }
  EXPECT_THAT(parse(R"([{"content":"Nothing in common"}])").memories.at(0).sources, ElementsAre(0, 1, 2, 3));
}

TEST(AnswerSources, PreferNumbersToIdsThatLookLikeThem) {
  Batch batch{"ada"};
  for (const auto* id : {"2", "1", "500"}) {
    batch.append(sample_message("ada", id, "text", 0));
  }
  const auto numbered = make_request(Tier::small, batch, {0, 1, 2});
  EXPECT_THAT(parse_answer(R"([{"content":"c","messages":[1]}])", numbered, "p").memories.at(0).sources,
              ElementsAre(0));
  EXPECT_THAT(parse_answer(R"([{"content":"c","messages":["2"]}])", numbered, "p").memories.at(0).sources,
              ElementsAre(1));
  EXPECT_THAT(parse_answer(R"([{"content":"c","messages":[500]}])", numbered, "p").memories.at(0).sources,
              ElementsAre(2));
}

TEST(Answer, MergesMemoriesThatAreTheSame) {
  const auto answer = parse("[" + item("Likes tea.", "[3]") + "," + item("likes TEA", "[1]") + "]");
  EXPECT_THAT(contents(answer), ElementsAre("Likes tea."));
  EXPECT_THAT(answer.memories[0].sources, ElementsAre(0, 2));
  EXPECT_EQ(answer.memories[0].id, memory_id(request().messages, answer.memories[0]));
}

TEST(Answer, KeepsTheMostMemoriesAndCountsTheOthers) {
  const auto of = [](std::size_t size) {
    std::string text = "[" + item("0");
    for (std::size_t i = 1; i < size; ++i) {
      text += "," + item(std::to_string(i));
    }
    return parse(text + "]");
  };
  EXPECT_THAT(of(answer_memories_max).memories, SizeIs(answer_memories_max));
  EXPECT_EQ(count(of(answer_memories_max), AnswerFault::too_many), 0U);
  const auto more = of(answer_memories_max + 2);
  EXPECT_THAT(more.memories, SizeIs(answer_memories_max));
  EXPECT_EQ(count(more, AnswerFault::too_many), 2U);
}

TEST(Answer, UnsureMessagesAreAscendingAndKnown) {
  const auto answer = parse(R"({"memories":[],"unsure":[4,"#1",4,9]})");
  EXPECT_THAT(answer.unsure, ElementsAre(0, 3));
  EXPECT_EQ(count(answer, AnswerFault::unknown_source), 1U);
}

TEST(AnswerConnections, NameTheMemoriesTheyLeadTo) {
  const auto answer = parse(R"({"memories":[)" + oslo + R"(,{"type":"semantic"},)" + tea +
                            R"(],"connections":[{"from":1,"to":3,"type":"led to"},{"from":3,"to":"1"}],"unsure":[]})");
  ASSERT_THAT(answer.memories, SizeIs(2));
  EXPECT_THAT(answer.connections,
              ElementsAre(R"([{"memory_id":")" + answer.memories[1].id + R"(","type":"led to"}])",
                          R"([{"memory_id":")" + answer.memories[0].id + R"(","type":"related"}])"));
}

TEST(AnswerConnections, MayStandInTheMemories) {
  const auto answer = parse(R"([{"content":"a","connections":[{"memory":2,"type":"causes"},2]},{"content":"b"}])");
  ASSERT_THAT(answer.memories, SizeIs(2));
  EXPECT_EQ(answer.connections[0], R"([{"memory_id":")" + answer.memories[1].id +
                                       R"(","type":"causes"},{"memory_id":")" + answer.memories[1].id +
                                       R"(","type":"related"}])");
  EXPECT_EQ(answer.connections[1], "[]");
}

TEST(AnswerConnections, ToNowhereOrToThemselvesAreLeftOut) {
  const auto answer =
      parse(R"({"memories":[)" + oslo +
            R"(],"connections":[{"from":1,"to":1},{"from":1,"to":2},{"from":0,"to":1},{"to":1},"x",1]})");
  EXPECT_THAT(answer.connections, ElementsAre("[]"));
  EXPECT_EQ(count(answer, AnswerFault::wrong_type), 6U);
}

void require_valid(const Answer& answer) {
  RC_ASSERT(answer.memories.size() <= answer_memories_max);
  RC_ASSERT(answer.connections.size() == answer.memories.size());
  RC_ASSERT(answer.understood || answer.memories.empty());
  std::set<std::string> ids;
  for (const auto& memory : answer.memories) {
    RC_ASSERT(ids.insert(memory.id).second);
    RC_ASSERT(!is_blank(memory.content) && memory.content.size() <= memory_content_bytes_max);
    RC_ASSERT(first_not_utf8(memory.content) == std::string_view::npos);
    RC_ASSERT(memory.importance >= 0 && memory.importance <= 1);
    RC_ASSERT(memory.keywords.size() <= memory_keywords_max);
    RC_ASSERT(!memory.sources.empty() && memory.sources.back() < request().messages.size());
    RC_ASSERT(std::ranges::adjacent_find(memory.sources, std::ranges::greater_equal{}) == memory.sources.end());
  }
}

TEST(Answer, OfAnyTextIsValid) {
  EXPECT_TRUE(rc::check("any text", [] { require_valid(parse(*any_text())); }));
  EXPECT_TRUE(rc::check("nearly JSON", [] {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "{", "}", "[", "]", ",", ":", "\"memories\":", "\"content\":", "\"a\"", "\"b c\"", "1", "-2", "0.5", "null",
        "\"messages\":", "\"unsure\":", "\"connections\":", "\"from\":", "\"to\":", "\"importance\":", "\"", "\\", oslo,
        tea));
    std::string text;
    for (const auto& piece : pieces) {
      text += piece;
    }
    require_valid(parse(text));
  }));
}

// What stands in one memory, whatever it is, leaves the others as they are.
TEST(Answer, KeepsAMemoryWhateverTheTextOfItsNeighbours) {
  EXPECT_TRUE(rc::check("for any text", [] {
    const auto hostile = *any_text();
    std::string json = R"({"memories":[)" + oslo + R"(,{"content":)";
    append_json(json, hostile);
    json += R"(,"type":"semantic","importance":0.5,"keywords":[],"messages":[1]},)" + tea + "]}";
    const auto answer = parse(json);
    RC_ASSERT(answer.memories.size() >= 2);
    RC_ASSERT(answer.memories.front().content == "User moved to Oslo");
    RC_ASSERT(answer.memories.back().content == "Sister likes tea");
  }));
}

TEST(AnswerFaults, HaveNames) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < answer_fault_count; ++i) {
    names.insert(name(static_cast<AnswerFault>(i)));
  }
  EXPECT_EQ(names.size(), answer_fault_count);
  EXPECT_EQ(name(AnswerFault::no_json), "no_json");
  EXPECT_EQ(name(AnswerFault::too_many), "too_many");
}

}  // namespace
}  // namespace alluvium::pipeline
