// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/pipeline/any_text.hpp"

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  for (auto& word : memory_words(text).words) {
    all.push_back(std::move(word.text));
  }
  return all;
}

TEST(MemoryWords, AreInLowerCaseWithoutPunctuation) {
  EXPECT_THAT(words("Hello, World!"), ElementsAre("hello", "world"));
  EXPECT_THAT(words("user-friendly (really)"), ElementsAre("user", "friendly", "really"));
  EXPECT_THAT(words("Caf\u00E9 \u0416\u0418\u041B"), ElementsAre("caf\u00E9", "\u0436\u0438\u043B"));
  EXPECT_THAT(words("cafe\u0301"), ElementsAre("caf\u00E9"));
  EXPECT_THAT(words("don\u2019t 'quote' rock'n'roll"), ElementsAre("don't", "quote", "rock'n'roll"));
  EXPECT_THAT(words(" \n.,:)\xFF\U0001F600"), IsEmpty());
}

TEST(MemoryWords, KeepWhatANumberMeans) {
  EXPECT_THAT(words("1,000 and 1,5 and 12,345.67"), ElementsAre("1000", "and", "1,5", "and", "12345.67"));
  EXPECT_THAT(words("at 7:45pm, 24/7"), ElementsAre("at", "7:45", "pm", "24/7"));
  EXPECT_THAT(words("-5 or \u22125, 10-12"), ElementsAre("-5", "or", "-5", "10-12"));
  EXPECT_THAT(words("$20, 20 \u20AC, 20%, 5\u00B0"), ElementsAre("$", "20", "20", "\u20AC", "20", "%", "5", "\u00B0"));
  EXPECT_THAT(words("> 5, <3, a > b, 50+"), ElementsAre(">", "5", "<", "3", "a", "b", "50+"));
  EXPECT_THAT(words("3 p.m. in the U.S.A."), ElementsAre("3", "pm", "in", "the", "usa"));
  EXPECT_THAT(words("C++, C#, covid-19"), ElementsAre("c++", "c#", "covid", "19"));
}

TEST(MemoryWords, KnowPausesAndQuestions) {
  const auto read = memory_words("No, Tom is well. Is he");
  EXPECT_TRUE(read.words[0].pause);
  EXPECT_FALSE(read.words[0].stop);
  EXPECT_TRUE(read.words[1].capital);
  EXPECT_FALSE(read.words[1].pause);
  EXPECT_TRUE(read.words[3].stop);
  EXPECT_FALSE(read.question);
  EXPECT_TRUE(memory_words("really?!").question);
}

TEST(MemoryWords, CanBeReadFromAnyBytes) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    const auto text = *any_text();
    for (const auto& word : memory_words(text + bytes).words) {
      RC_ASSERT(!word.text.empty() || text.empty() || !bytes.empty());
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
