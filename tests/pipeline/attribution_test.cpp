// SPDX-License-Identifier: Apache-2.0
#include "pipeline/attribution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pipeline/sample_batch.hpp"

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Attribution, FindsTheMessageThatSharesMostWords) {
  const Attribution attribution{
      sample_batch({"hello there", "My sister Ana moved to Oslo", "Ana likes tea", "I live in Oslo too"})};
  EXPECT_THAT(attribution.sources_of("The user's sister Ana moved to Oslo in May"), ElementsAre(1));
  EXPECT_THAT(attribution.sources_of("ANA drinks TEA!"), ElementsAre(2));
}

TEST(Attribution, TakesAllThatShareEquallyMany) {
  const Attribution attribution{sample_batch({"Oslo is cold", "nothing", "Oslo is far"})};
  EXPECT_THAT(attribution.sources_of("lives near Oslo"), ElementsAre(0, 2));
}

TEST(Attribution, CountsAWordOnceHoweverOftenItIsSaid) {
  const Attribution attribution{sample_batch({"tea tea tea tea", "green tea"})};
  EXPECT_THAT(attribution.sources_of("green tea and tea and tea"), ElementsAre(1));
}

TEST(Attribution, DoesNotCountWordsOfTwoBytes) {
  const Attribution attribution{sample_batch({"to be or so", "cat"})};
  EXPECT_THAT(attribution.sources_of("to be or so cat"), ElementsAre(1));
}

TEST(Attribution, TakesAllMessagesWhereNothingIsShared) {
  const Attribution attribution{sample_batch({"hello there", "how are you"})};
  EXPECT_THAT(attribution.sources_of("unrelated"), ElementsAre(0, 1));
  EXPECT_THAT(attribution.sources_of(""), ElementsAre(0, 1));
}

TEST(Attribution, OfNoMessagesIsNone) {
  EXPECT_THAT(Attribution{Batch{"ada"}}.sources_of("anything"), IsEmpty());
}

}  // namespace
}  // namespace alluvium::pipeline
