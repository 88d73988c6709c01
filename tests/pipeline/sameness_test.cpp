// SPDX-License-Identifier: Apache-2.0
#include "pipeline/sameness.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/dedupe.hpp"
#include "tests/pipeline/any_text.hpp"

namespace alluvium::pipeline {
namespace {

Sameness verdict(std::string_view a, std::string_view b) {
  const auto forth = compare(sketch_of(a), sketch_of(b));
  EXPECT_EQ(forth, compare(sketch_of(b), sketch_of(a))) << a << " | " << b;
  return forth;
}

bool merged(std::string_view a, std::string_view b) {
  return verdict(a, b) >= Sameness::near;
}

using Pairs = std::vector<std::pair<const char*, const char*>>;

TEST(Sameness, SeesThroughWaysOfWriting) {
  const Pairs pairs{
      {"I'm allergic to nuts!", "i am allergic to nuts"},
      {"I can\u2019t eat fish", "I cannot eat fish."},
      {"I dont like it, it's too loud", "I don't like it; it is too loud"},
      {"My daughter has seven cats", "my daughter has 7 cats"},
      {"I paid twenty-five dollars", "I paid 25 dollars"},
      {"So, I need a flat in Lyon", "I need a flat in Lyon lol"},
      {"By the way, my name is Ruth", "My name is Ruth :)"},
      {"We have a boat, you know", "We have a boat"},
      {"I really like rowing", "I like rowing"},
      {"I was so happy about the garden", "I was happy about the garden"},
      {"We just moved to Oslo", "We moved to Oslo"},
      {"I also play the oboe", "I play the oboe too."},
      {"Last year I moved to Turin", "I moved to Turin last year"},
      {"Yesterday, my wife and I fed a bear", "My wife and I fed a bear yesterday"},
      {"I would like to find a movie", "I want to locate a film"},
      {"Mom's kids are great", "mother's children are wonderful"},
      {"The rent is $1,200", "the rent is $1200"},
      {"Call me at 7:45 p.m.", "call me at 7:45 pm"},
      {"Take 5mg of it", "take 5 mg of it"},
      {"Fish & chips are my favourite", "fish and chips are my favourite"},
      {"Ich habe ZWEI Hunde", "ich habe zwei Hunde."},
      {"\u0416\u0438\u0432\u0443 \u0432 \u041E\u043C\u0441\u043A\u0435",
       "\u0436\u0438\u0432\u0443 \u0432 \u043E\u043C\u0441\u043A\u0435!"},
  };
  for (const auto& [a, b] : pairs) {
    EXPECT_EQ(verdict(a, b), Sameness::same_key) << a << " | " << b;
  }
}

TEST(Sameness, ForgivesTwoSwappedLettersOfAWordThatEveryoneKnows) {
  EXPECT_EQ(verdict("I need a new garden chair", "I need a new gadren chair"), Sameness::near);
  EXPECT_EQ(verdict("we are planning a party", "we are palnning a party"), Sameness::near);
  const Pairs others{
      {"the trial was hard for me", "the trail was hard for me"},
      {"I saw an angel in the church", "I saw an angle in the church"},
      {"we are united in this", "we are untied in this"},
      {"my dessert was sweet", "my desert was sweet"},
      {"I filled in the form", "I filled in the from"},
      {"my quiet friend is here", "my quite friend is here"},
      {"the casual meeting is on", "the causal meeting is on"},
      {"he had an infarction", "he had an infraction"},
      {"my name is parveen", "my name is praveen"},    // No word that everyone knows.
      {"my friend is Garden", "my friend is Gadren"},  // A name, perhaps.
      {"my garden is big", "my gardne is large, lovely"},
      {"I live near a school", "I live near a schoool"},  // Another kind of typo.
      {"I nevre eat meat there", "I never eat meat there"},
      {"I have a sitser in the north", "I have a sister in the north"},
      {"it opens on Mnoday for the public", "it opens on monday for the public"},
      {"gadren gadren gadren is my life", "garden garden garden is my life"},  // More than typos_max.
      {"reise garden", "reise gadren"},                                        // Not surely English.
  };
  for (const auto& [a, b] : others) {
    EXPECT_FALSE(merged(a, b)) << a << " | " << b;
  }
}

TEST(Sameness, NeverMergesWhatDiffersInOneThing) {
  const Pairs pairs{
      {"I am allergic to nuts", "I am not allergic to nuts"},
      {"I am allergic to nuts", "I was never allergic to nuts"},
      {"I used to live in Bern", "I live in Bern"},
      {"I might move to Paris", "I moved to Paris"},
      {"Anna gave Tom a book", "Tom gave Anna a book"},
      {"anna gave tom a book", "tom gave anna a book"},
      {"I should quit my job", "Should I quit my job?"},
      {"I should quit my job", "should i quit my job"},
      {"You like tea", "You like tea?"},
      {"My order is 3348917502", "My order is 3348917520"},
      {"I can swim", "I can't swim"},
      {"I can swim", "I could swim"},
      {"I must go", "I may go"},
      {"All of my plants died", "Some of my plants died"},
      {"All of my plants died", "None of my plants died"},
      {"I always drink coffee", "I never drink coffee"},
      {"I always drink coffee", "I sometimes drink coffee"},
      {"I take 5 mg of it", "I take 5 g of it"},
      {"I take 5mg of it", "I take 50mg of it"},
      {"I get up at 7 am", "I get up at 7 pm"},
      {"I get up at 7:15", "I get up at 7:51"},
      {"I paid $20", "I paid \u20AC20"},
      {"I paid $20", "I paid 20"},
      {"It was -5 outside", "It was 5 outside"},
      {"It was \u22125 outside", "It was 5 outside"},
      {"I own 20% of it", "I own 20 of it"},
      {"I weigh 1.5 more", "I weigh 15 more"},
      {"I weigh 1.5 more", "I weigh 1 5 more"},
      {"I have > 5 cats", "I have < 5 cats"},
      {"I write C++", "I write C#"},
      {"I write C++", "I write C"},
      {"I eat before I run", "I eat after I run"},
      {"I eat before I run", "I run before I eat"},
      {"I drink tea with milk", "I drink tea without milk"},
      {"I like tea more than coffee", "I like coffee more than tea"},
      {"My dad is older than my mom", "My mom is older than my dad"},
      {"I am taller than Ben", "I am shorter than Ben"},
      {"Only I like tea", "I like only tea"},
      {"I only eat fish", "I eat fish"},
      {"I just eat fish", "I eat fish"},
      {"It is too hot here", "It is hot here"},
      {"It is too hot here", "It is also hot here"},
      {"I find it too hot here", "I find it hot here"},
      {"I am not really sick", "I am not sick"},
      {"I have few friends", "I have a few friends"},
      {"I like my job", "I like your job"},
      {"I am sick", "My sister is sick"},
      {"My brother is sick", "My sister is sick"},
      {"My mother's sister is sick", "My sister's mother is sick"},
      {"I quit last week", "I quit last month"},
      {"I quit on Monday", "I quit on Tuesday"},
      {"I start in March", "I start in May"},
      {"I was born in 1984", "I was born in 1948"},
      {"I have two dogs", "I have three dogs"},
      {"I have twenty five dogs", "I have 20 5 dogs"},
      {"I moved from Rome to Oslo", "I moved from Oslo to Rome"},
      {"I am tired but not hungry", "I am not tired but hungry"},
      {"No, more tea", "No more tea"},
      {"I want tea, not coffee", "I want coffee, not tea"},
      {"Yes", "No"},
      {"I turn it on", "I turn it off"},
      {"I am in the house", "I am on the house"},
      {"I am his friend", "I am her friend"},
      {"I did it", "I do it"},
      {"I will call", "I called"},
      {"I work here", "I worked here"},
      {"I have worked here", "I had worked here"},
      {"I own a car", "I own cars"},
      {"Today I am fine. I was sick.", "I am fine. I was sick today."},
      {"Yesterday I said I would come", "I said I would come yesterday"},
      {"Monday I work, Tuesday I rest", "I work Tuesday, I rest Monday"},
      {"Last week he knew she moved", "He knew she moved last week"},
      {"Yesterday Anna asked Tom to leave", "Anna asked Tom to leave yesterday"},
      {"I have just bread at home", "I have bread at home"},
      {"My great grandma turned ninety", "My wonderful grandma turned ninety"},
      {"I gotta meet the president", "I got to meet the president"},
      {"I found out my dad died yesterday", "Yesterday I found out my dad died"},
      {"I realized my lease ended last month", "Last month I realized my lease ended"},
      {"My sister claimed Tom stole her ring last month", "Last month my sister claimed Tom stole her ring"},
      {"I sold the car I bought last week", "Last week I sold the car I bought"},
      {"I lost the book you gave me last week", "Last week I lost the book you gave me"},
      {"I kept the photo my ex posted yesterday", "Yesterday I kept the photo my ex posted"},
      {"I'd quit my job", "I would quit my job"},
      {"My mom's adopted", "My mom adopted"},
      {"My big brother called", "My large brother called"},
      {"The Bucks are my team", "The dollars are my team"},
      {"I believe in you", "I think in you"},
      {"We are just dating", "We are dating"},
      {"I answered her honestly", "I answered her"},
      {"Last year we did not travel", "We did not travel this year"},
      {"The people you know are nice", "The people are nice"},
      {"Well water makes me sick", "Water makes me sick"},
      {"I love it \u0416", "I love it \u0417"},
      {"Mein Vater ist krank", "Mein Vater war krank"},
      {"Das ist so gut", "Das ist gut"},  // Fillers are known in English only.
      {"J'aime le th\u00E9", "J'aime le the"},
  };
  for (const auto& [a, b] : pairs) {
    EXPECT_FALSE(merged(a, b)) << a << " | " << b;
  }
}

TEST(Sameness, TellsAnUpdateFromSomethingElse) {
  EXPECT_EQ(verdict("I live in a small flat in Berlin", "I live in a small flat in Munich"), Sameness::possible_update);
  EXPECT_EQ(verdict("I am allergic to peanuts and eggs", "I am not allergic to peanuts and eggs"),
            Sameness::possible_update);
  EXPECT_EQ(verdict("I live in a small flat in Berlin", "My brother sells used cars"), Sameness::different);
}

TEST(Sameness, IsAboutOneSpeaker) {
  EXPECT_EQ(same(sketch_of("I like tea", "u-1"), sketch_of("I like tea", "u-2")), Sameness::different);
  EXPECT_EQ(same(sketch_of("I like tea", "u-1"), sketch_of("i like tea", "u-1")), Sameness::same_key);
}

TEST(Sameness, ComparesLongTextsAsTheyStandOnly) {
  std::string text;
  while (text.size() <= comparable_bytes_max) {
    text += "I have seven cats. ";
  }
  EXPECT_TRUE(merged(text, text + "!"));
  EXPECT_FALSE(merged(text, "So, " + text));
  EXPECT_EQ(verdict(text, text + " I have two dogs."), Sameness::different);
}

TEST(Sameness, HoldsForAnyTextWithItselfAndForNoOther) {
  EXPECT_TRUE(rc::check([] {
    const auto a = *any_text();
    const auto b = *any_text();
    RC_ASSERT(same(sketch_of(a), sketch_of(a)) == Sameness::same_key);
    const auto forth = compare(sketch_of(a), sketch_of(b));
    RC_ASSERT(forth == compare(sketch_of(b), sketch_of(a)));
    RC_ASSERT(sketch_of(a).form == sketch_of(a).form);
  }));
}

// ---- sentences made of parts: the same part changed never merges, only said otherwise always does

struct Slot {
  std::vector<const char*> choices;
};

const std::array sentence{
    Slot{{"I", "We", "They", "My sister", "My brother", "My mother", "Anna", "Tom"}},
    Slot{{"always", "never", "often", "sometimes", "rarely", "hardly"}},
    Slot{{"can", "could", "must", "might", "should", "cannot", "could not", "will", "would"}},
    Slot{{"eat", "avoid", "order", "refuse", "love", "hate", "buy", "sell"}},
    Slot{{"all", "some", "most", "no", "a few", "few", "only", "both"}},
    Slot{{"3", "4", "13", "30", "two", "twelve", "1.5", "15"}},
    Slot{{"mg", "g", "kg", "boxes", "dollars", "euros", "%"}},
    Slot{{"of peanuts", "of walnuts", "of prawns", "of dessert", "of bread", "of beard"}},
    Slot{{"with", "without", "before", "after", "for", "against"}},
    Slot{{"Anna", "Hanna", "Tom", "Tim", "Brian", "my son", "my daughter"}},
    Slot{{"on Monday", "on Tuesday", "in March", "in May", "at 7 am", "at 7 pm", "in 1984", "in 1948"}},
};

std::string spoken(const std::vector<std::size_t>& picks) {
  std::string text;
  for (std::size_t i = 0; i < sentence.size(); ++i) {
    text += (i > 0 ? " " : "") + std::string{sentence[i].choices[picks[i]]};
  }
  return text + ".";
}

std::vector<std::size_t> any_picks() {
  std::vector<std::size_t> picks;
  for (const auto& slot : sentence) {
    picks.push_back(*rc::gen::inRange<std::size_t>(0, slot.choices.size()));
  }
  return picks;
}

std::string lower_case(std::string text) {
  for (auto& c : text) {
    c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  }
  return text;
}

/// Said otherwise, in ways that change nothing.
std::string otherwise(std::string text) {
  static const std::array<const char*, 7> openings{"",      "So, ", "Oh, ", "Btw ", "Well, ", "Just so you know, ",
                                                   "Haha, "};
  static const std::array<const char*, 6> endings{"", " lol", "!!", " :)", ", you know.", " haha"};
  if (*rc::gen::inRange(0, 2) == 1) {
    text = lower_case(text);
  }
  const std::string ending = *rc::gen::elementOf(endings);
  if (!ending.empty()) {
    text.pop_back();
  }
  return *rc::gen::elementOf(openings) + text + ending;
}

TEST(Sameness, SurvivesNoChangeOfOnePart) {
  EXPECT_TRUE(rc::check([] {
    const auto picks = any_picks();
    auto others = picks;
    const auto slot = *rc::gen::inRange<std::size_t>(0, sentence.size());
    others[slot] = *rc::gen::inRange<std::size_t>(0, sentence[slot].choices.size());
    const auto a = otherwise(spoken(picks));
    const auto b = otherwise(spoken(others));
    RC_ASSERT(merged(a, b) == (picks == others));
  }));
}

TEST(Sameness, SurvivesNoSwapOfTwoParts) {
  EXPECT_TRUE(rc::check([] {
    auto words = *rc::gen::resize(
        8, rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
               "Anna", "Tom", "my", "sister", "brother", "gave", "told", "not", "never", "before", "after", "3", "4",
               "cats", "dogs", "likes", "hates", "more", "than", "but", "only", "house", "garden"))));
    const auto at = *rc::gen::inRange<std::size_t>(0, words.size());
    const auto other = *rc::gen::inRange<std::size_t>(0, words.size());
    const auto text = [&] {
      std::string joined = "the";
      for (const auto& word : words) {
        joined += " " + word;
      }
      return joined;
    };
    const auto a = text();
    std::swap(words[at], words[other]);
    RC_ASSERT(merged(a, text()) == (dedupe_key(a) == dedupe_key(text())));
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
