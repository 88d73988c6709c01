// SPDX-License-Identifier: Apache-2.0
#include "pipeline/value_score.hpp"

#include <cmath>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/value_features.hpp"

namespace alluvium::pipeline {
namespace {

MessageValue value_of(std::string_view content, Role role = Role::user) {
  static const auto scorer = ValueScorer::make();
  ValueScorer::Scratch scratch;
  return scorer->score(content, role, scratch);
}

/// Facts about a person are worth more than small talk of about the same length.
TEST(ValueScore, PrefersFactsToSmallTalk) {
  const std::vector<std::string> facts = {
      "My sister Anna moved to Lisbon last year.",       "I'm allergic to peanuts, so no satay for me.",
      "We adopted two cats named Salt and Pepper.",      "I started a job at the bakery on Monday.",
      "Just got back from a hike with my dad, in Wales", "my order number is 4471-B and I live in Leeds",
  };
  const std::vector<std::string> chatter = {
      "Wow, that sounds amazing, thanks for sharing!",
      "How are you doing today? What is up with you?",
      "Keep it up, your support means the world to us.",
      "Haha yeah, totally agree. Talk to you later!",
  };
  for (const auto& fact : facts) {
    for (const auto& talk : chatter) {
      EXPECT_GT(value_of(fact).density, value_of(talk).density) << fact << " / " << talk;
    }
  }
}

TEST(ValueScore, CountsATokenForFourBytesAndFourForTheMessage) {
  EXPECT_EQ(value_of("").tokens, 4U);
  EXPECT_EQ(value_of("a").tokens, 5U);
  EXPECT_EQ(value_of("four").tokens, 5U);
  EXPECT_EQ(value_of(std::string(100'000, 'x')).tokens, 25'004U);
}

TEST(ValueScore, FindsShortStatementsBare) {
  for (const char* text : {"I'm Bob", "vegan", "order 4471", "Ich bin Anna", "私はボブです", "35, Lisbon"}) {
    EXPECT_TRUE(value_of(text).bare) << text;
  }
  for (const char* text : {"", " ", "ok", "Ok, thanks!", "yes please", "who?", "??", "...",
                           "\xF0\x9F\x91\x8D\xF0\x9F\x91\x8D", "this statement has more than six words in it"}) {
    EXPECT_FALSE(value_of(text).bare) << text;
  }
  EXPECT_FALSE(value_of("I'm Bob", Role::assistant).bare);
  EXPECT_TRUE(value_of("I'm Bob", Role::other).bare);
}

TEST(ValueScore, PutsPeopleBeforeAssistants) {
  const auto user = value_of("I moved to Lisbon with my family in 2019.").density;
  for (const auto role : {Role::assistant, Role::system, Role::tool}) {
    EXPECT_NEAR(user - value_of("I moved to Lisbon with my family in 2019.", role).density, std::log(20), 0.01);
  }
  EXPECT_EQ(user, value_of("I moved to Lisbon with my family in 2019.", Role::other).density);
}

/// In a language it does not know, form still tells a statement with a number from an empty phrase.
TEST(ValueScore, SeesFormInOtherLanguages) {
  EXPECT_GT(value_of("Meine Schwester zog 2019 nach Lissabon").density,
            value_of("Das ist ja wirklich nett von dir").density);
  EXPECT_GT(value_of("Моя сестра переехала в 2019").density, value_of("Как это хорошо, правда?").density);
  EXPECT_GT(value_of("姉は2019年にリスボンへ引っ越しました").density,
            value_of("そうですか？そうですか？そうですか？").density);
}

TEST(ValueScore, TakesEitherApostrophe) {
  EXPECT_EQ(value_features("I\xE2\x80\x99m a nurse", ValueLexicon{}).own.hits,
            value_features("I'm a nurse", ValueLexicon{}).own.hits);
}

TEST(ValueScore, SplitsAtMarksThatEndASentence) {
  const ValueLexicon lexicon;
  const auto features = value_features("I paid 3.50 at example.com. You won! Really?\nMe too", lexicon);
  EXPECT_EQ(features.own.sentences, 2U);
  EXPECT_EQ(features.other.sentences, 2U);
  EXPECT_EQ(features.other.questions, 1U);
  EXPECT_EQ(features.own.digits, 2U);
  EXPECT_FALSE(features.asks);
}

TEST(ValueScore, LooksAtNoMoreThanItsPrefix) {
  const std::string start(value_bytes_max, ' ');
  const auto blank = value_features(start, ValueLexicon{});
  const auto more = value_features(start + "I moved to Lisbon", ValueLexicon{});
  EXPECT_EQ(blank.own.words + blank.other.words, more.own.words + more.other.words);
}

TEST(ValueScore, TakesAnyBytes) {
  EXPECT_TRUE(rc::check("for any bytes and role", [](const std::string& text, bool is_user) {
    const auto role = is_user ? Role::user : Role::assistant;
    const auto value = value_of(text, role);
    RC_ASSERT(std::isfinite(value.density));
    RC_ASSERT(value.density <= 0.0F && value.density > -40.0F);
    RC_ASSERT(value.tokens == (text.size() + 3) / 4 + 4);
    RC_ASSERT(value.density == value_of(text, role).density);
    const float steps = value.density * 1024;
    RC_ASSERT(steps == std::floor(steps));  // No rounding of any machine shows.
  }));
  EXPECT_TRUE(rc::check("for bytes that form words, marks and torn characters", [] {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "I", "my", "'", "\xE2\x80\x99", "\xE2", "\xE2\x80", "\xF0\x9F", "\xC2", "@", "$", "7", ".", "?", "\xEF\xBC\x9F",
        "ate", " ", "\n", "\xFF", "\xD8\x9F", "dog", "\xE3\x80"));
    std::string text;
    for (const auto& piece : pieces) {
      text += piece;
    }
    RC_ASSERT(std::isfinite(value_of(text).density));
  }));
}

TEST(ValueScore, StaysFiniteForHostileTexts) {
  std::string pairs;
  while (pairs.size() < 3 * value_bytes_max) {
    pairs += "I my 7 year I'm named dog! ";
  }
  for (const auto& text :
       {pairs, std::string(1 << 20, '!'), std::string(1 << 20, '\''), std::string(1 << 20, '\xE2')}) {
    EXPECT_TRUE(std::isfinite(value_of(text).density));
  }
}

TEST(ValueRules, HaveNamesOfTheirOwnAndFitTheirBits) {
  std::set<std::string_view> names;
  for (const auto& rule : value_rules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    EXPECT_NE(rule.second, 0U) << rule.name;
  }
  EXPECT_LE(names.size(), value_rules_max);
}

TEST(ValueLexicon, KnowsEveryWordOfItsLists) {
  const ValueLexicon lexicon;
  for (std::size_t sign = 0; sign < sign_count; ++sign) {
    auto rest = words_of_signs()[sign];
    while (!rest.empty()) {
      const auto word = rest.substr(0, rest.find(' '));
      EXPECT_TRUE(!word.empty() && (lexicon.signs_of(word) & (Signs{1} << sign)) != 0) << word;
      EXPECT_LE(word.size(), ValueLexicon::word_bytes_max) << word;
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    }
  }
  EXPECT_EQ(lexicon.signs_of("xylograph"), 0U);
}

}  // namespace
}  // namespace alluvium::pipeline
