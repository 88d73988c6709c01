// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rule_prefilter.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <re2/re2.h>

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::uint32_t> candidates(const std::vector<std::string>& patterns, std::string_view text) {
  const RulePrefilter prefilter{patterns};
  RulePrefilter::Scratch scratch{prefilter};
  std::vector<std::uint32_t> found;
  prefilter.find(text, scratch, found);
  return found;
}

RE2::Options re2_options() {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  return options;
}

TEST(RulePrefilter, FindsWhatNamesAsciiInTextsBeyondIt) {
  const std::vector<std::string> patterns{"login.failed", R"(caf\w?)", R"(\bna)", "[^a-z]x"};
  EXPECT_THAT(candidates(patterns, "my LOGIN failed"), ElementsAre(0));
  EXPECT_THAT(candidates(patterns, "login\u2019failed"), ElementsAre(0)) << "one character, three bytes";
  EXPECT_THAT(candidates(patterns, "Caf\u00e9"), ElementsAre(1));
  EXPECT_THAT(candidates(patterns, "\u00e9na"), ElementsAre(2)) << "no word character before it, to RE2";
  EXPECT_THAT(candidates(patterns, "\U0001F600x"), ElementsAre(3));
  EXPECT_THAT(candidates(patterns, "nothing here, caff\u00e9 aside?"), ElementsAre(1));
  EXPECT_THAT(candidates(patterns, ""), IsEmpty());
}

TEST(RulePrefilter, FindsPatternsThatNameOtherCharactersBesideThoseThatDoNot) {
  const std::vector<std::string> patterns{"plain", "caf\u00e9", R"(\x{e9}t)", R"(a\351b)"};
  EXPECT_THAT(candidates(patterns, "PLAIN caf\u00c9t"), testing::IsSupersetOf({0U, 1U, 2U}));
  EXPECT_THAT(candidates({"plain", "caf\u00e9"}, "cafe"), IsEmpty());
}

TEST(RulePrefilter, NeverMissesWhatRe2Finds) {
  const auto piece = rc::gen::element<std::string>(
      "a", "k", "s", "x", "\u00e9", "\u00df", ".", R"(\w)", R"(\W)", R"(\s)", R"(\S)", R"(\d)", R"(\D)", R"(\b)",
      R"(\B)", "[^a]", "[a-z]", "[^k-s]", "[[:alpha:]]", "[^[:alpha:]]", "[^\u00e9]", ".{2,3}", "(?:a|\u00e9)", "^",
      "$", ".*", "a?", R"(\x{e9})", R"(\.)", R"([^\x00-\x1f])", "[ -~]", "\n");
  const auto character = rc::gen::element<std::string>("a", "K", "k", "s", "x", "Z", "7", " ", "\n", "\t", ".", "_",
                                                       "\u00e9", "\u00c9", "\u00df", "\u00a0", "\u0085", "\u2019",
                                                       "\u4e2d", "\U0001F600", "\u017f", "\u212a", "\u0130");
  EXPECT_TRUE(rc::check("superset of RE2", [&] {
    const auto join = [](const std::vector<std::string>& parts) {
      std::string text;
      for (const auto& part : parts) {
        text += part;
      }
      return text;
    };
    std::vector<std::string> patterns;
    for (const auto& pieces : *rc::gen::container<std::vector<std::vector<std::string>>>(
             5, rc::gen::container<std::vector<std::string>>(*rc::gen::inRange<std::size_t>(1, 5), piece))) {
      if (const auto pattern = join(pieces); RE2(pattern, re2_options()).ok()) {
        patterns.push_back(pattern);
      }
    }
    const RulePrefilter prefilter{patterns};
    RulePrefilter::Scratch scratch{prefilter};
    for (int i = 0; i < 20; ++i) {
      const auto text = join(*rc::gen::container<std::vector<std::string>>(character));
      std::vector<std::uint32_t> found;
      prefilter.find(text, scratch, found);
      for (std::uint32_t p = 0; p < patterns.size(); ++p) {
        if (RE2::PartialMatch(text, RE2(patterns[p], re2_options()))) {
          RC_ASSERT(std::ranges::binary_search(found, p));
        }
      }
    }
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
