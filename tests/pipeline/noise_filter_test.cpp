// SPDX-License-Identifier: Apache-2.0
#include "pipeline/noise_filter.hpp"

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

/// Lets every length pass, so that only the stock replies can be noise.
constexpr FilterOptions any_length{.min_message_length = 0};

TEST(NoiseFilter, DropsTheDocumentsStockReplies) {
  for (const auto* text : {"hi", "hello", "thanks", "ok", "yes", "no", "got it", "sure", "np"}) {
    EXPECT_TRUE(is_noise(text, any_length)) << text;
    EXPECT_TRUE(is_noise(std::string{text} + ".", any_length)) << text;
    EXPECT_TRUE(is_noise(text, {})) << text;
  }
}

TEST(NoiseFilter, IgnoresCaseOuterBlanksAndEndMarks) {
  for (const auto* text : {"OK", " Thanks! ", "\tGot It...\n", "yes!!!!!!!!!!!!!!!!!!!!!!!!", "Hello!."}) {
    EXPECT_TRUE(is_noise(text, any_length)) << text;
  }
}

TEST(NoiseFilter, KeepsAnythingThatSaysMore) {
  for (const auto* text :
       {"ok, I moved to Oslo", "no meat for me", "okay", "ok?", ".ok", "got  it", "nope", "h", "!!!"}) {
    EXPECT_FALSE(is_noise(text, any_length)) << text;
  }
}

TEST(NoiseFilter, SkipsGreetingsAndConfirmationsEachByItsOwnSwitch) {
  const FilterOptions greetings{.min_message_length = 0, .skip_confirmations = false};
  EXPECT_TRUE(is_noise("hello", greetings));
  EXPECT_FALSE(is_noise("thanks", greetings));
  const FilterOptions confirmations{.min_message_length = 0, .skip_greetings = false};
  EXPECT_FALSE(is_noise("hello", confirmations));
  EXPECT_TRUE(is_noise("thanks", confirmations));
}

TEST(NoiseFilter, KeepsAMessageOfExactlyTheMinimumLength) {
  EXPECT_TRUE(is_noise("123456789", {}));
  EXPECT_FALSE(is_noise("1234567890", {}));
  EXPECT_FALSE(is_noise("12345678901", {}));
}

TEST(NoiseFilter, CountsCharactersAndNotBytes) {
  EXPECT_TRUE(is_noise("\u65E5\u672C\u8A9E\u65E5\u672C\u8A9E\u65E5\u672C\u8A9E", {}));  // Nine, in 27 bytes.
  EXPECT_FALSE(is_noise("\u65E5\u672C\u8A9E\u65E5\u672C\u8A9E\u65E5\u672C\u8A9E\u65E5", {}));
  std::string faces;
  for (int i = 0; i < 9; ++i) {
    faces += "\U0001F600";
  }
  EXPECT_TRUE(is_noise(faces, {}));
  EXPECT_FALSE(is_noise(faces + "\U0001F600", {}));
}

TEST(NoiseFilter, DoesNotCountOuterBlanks) {
  EXPECT_TRUE(is_noise("   123456789   ", {}));
  EXPECT_FALSE(is_noise("   1234567890   ", {}));
  EXPECT_FALSE(is_noise("12345 7890", {}));
  EXPECT_TRUE(is_noise("  \n ", {}));
}

TEST(NoiseFilter, KeepsShortMessagesThatNameAnEmotionIfAsked) {
  const FilterOptions with{.min_message_length = 30, .include_emotions = true};
  const FilterOptions without{.min_message_length = 30};
  for (const auto* text : {"I'm sad", "SAD.", "so anxious today", "happy", "feeling depressed", "angry!"}) {
    EXPECT_FALSE(is_noise(text, with)) << text;
    EXPECT_TRUE(is_noise(text, without)) << text;
  }
  for (const auto* text : {"a saddle", "unhappily", "I am Bob", "sadx sa d"}) {
    EXPECT_TRUE(is_noise(text, with)) << text;
  }
}

TEST(NoiseFilter, CapturingEverythingLeavesOnlyTheLength) {
  const FilterOptions options{.min_message_length = 5, .capture_everything = true};
  EXPECT_FALSE(is_noise("hello", options));
  EXPECT_FALSE(is_noise("thanks", options));
  EXPECT_TRUE(is_noise("ok", options));
}

TEST(NoiseFilter, NoFilteringKeepsAll) {
  const FilterOptions options{.no_filtering = true};
  for (const auto* text : {"ok", "hi", "x", ""}) {
    EXPECT_FALSE(is_noise(text, options)) << text;
  }
}

}  // namespace
}  // namespace alluvium::pipeline
