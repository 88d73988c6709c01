// SPDX-License-Identifier: Apache-2.0
#include "pipeline/canonical_words.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/pipeline/any_text.hpp"

namespace alluvium::pipeline {
namespace {

std::string canonical(std::string_view content) {
  std::string joined;
  const auto text = canonical_text(content);
  for (const auto& word : text.words) {
    joined += (joined.empty() ? "" : " ") + word.text;
  }
  return joined + (text.question ? " ?" : "");
}

TEST(CanonicalText, ExpandsContractions) {
  EXPECT_EQ(canonical("I'm sure they've gone, she'd say it's Tom's"),
            "i am sure they have gone she would say it is tom 's");
  EXPECT_EQ(canonical("won't can't shan't don\u2019t"), "will not can not shall not do not");
  EXPECT_EQ(canonical("I cant see that we didnt win"), "i can not see that we did not win");
  EXPECT_EQ(canonical("I cant, stop it"), "i can not, stop it");  // Not: I can't stop it.
}

TEST(CanonicalText, ReadsNumbers) {
  EXPECT_EQ(canonical("I have twenty five, thirty and two of them"), "i have 25 30 and 2 of them");
  EXPECT_EQ(canonical("I have twenty, five of them are red"), "i have 20 5 of them are red");
  EXPECT_EQ(canonical("I have 20 five of them"), "i have 20 5 of them");
}

TEST(CanonicalText, DropsWhatSaysNothing) {
  EXPECT_EQ(canonical("Oh, well, by the way, I love it haha lol"), "i love it");
  EXPECT_EQ(canonical("I really love it, you know"), "i love it");
  EXPECT_EQ(canonical("You know my dog"), "you know my dog");
  EXPECT_EQ(canonical("I really do not love it"), "i do not love it");
  EXPECT_EQ(canonical("I do not really love it"), "i do not really love it");
  EXPECT_EQ(canonical("Could you please call me?"), "could you call me ?");
  EXPECT_EQ(canonical("They please me with it"), "they please me with it");
  EXPECT_EQ(canonical("lol"), "lol");  // There is nothing else.
  EXPECT_EQ(canonical("I think so"), "i think so");
  EXPECT_EQ(canonical("I am tired so I sleep"), "i am tired so i sleep");
}

TEST(CanonicalText, KnowsQuestionsWithoutTheirMark) {
  EXPECT_EQ(canonical("what do you like"), "what do you like ?");
  EXPECT_EQ(canonical("can I call you"), "can i call you ?");
  EXPECT_EQ(canonical("I can call you"), "i can call you");
}

TEST(CanonicalText, MovesATimeToTheEndWhereThatIsSafe) {
  EXPECT_EQ(canonical("Last year I moved to Turin"), "i moved to turin last year");
  EXPECT_EQ(canonical("This week, I want to see it on Sunday"), "i want to see it on sunday this week");
  EXPECT_EQ(canonical("Today my wife and I married"), "my wife and i married today");
  EXPECT_EQ(canonical("Today I slept and I ate"), "today i slept and i ate");
  EXPECT_EQ(canonical("Today he moved to Turin"), "today he moved to turin");
  EXPECT_EQ(canonical("Last year I said that I quit"), "last year i said that i quit");
  EXPECT_EQ(canonical("Last week I took that picture"), "last week i took that picture");
}

TEST(CanonicalText, LeavesOtherLanguagesAlone) {
  EXPECT_EQ(canonical("Also, das ist so gut"), "also das ist so gut");
  EXPECT_EQ(canonical("Im Garten"), "im garten");
}

TEST(CanonicalText, CanBeMadeOfAnyBytes) {
  EXPECT_TRUE(
      rc::check([](const std::string& bytes) { RC_ASSERT(!canonical_text(*any_text() + bytes).words.empty()); }));
}

}  // namespace
}  // namespace alluvium::pipeline
