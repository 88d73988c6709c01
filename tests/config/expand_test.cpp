// SPDX-License-Identifier: Apache-2.0
#include "config/expand.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/stat.h>

#include "tests/config/parsing.hpp"

namespace alluvium::config {
namespace {

const Environment environment{{"NAME", "value"}, {"EMPTY", ""}};

std::string expanded(const std::string& text) {
  const auto result = expand(text, environment, ".");
  return result ? result->text : "fault: " + result.error().detail;
}

TEST(Expansion, PutsVariablesIn) {
  EXPECT_EQ(expanded("a ${NAME} b ${NAME}"), "a value b value");
  EXPECT_EQ(expanded("${EMPTY}"), "");
}

TEST(Expansion, TakesTheDefaultForMissingAndEmptyVariables) {
  EXPECT_EQ(expanded("${NAME:-other}"), "value");
  EXPECT_EQ(expanded("${NONE:-other: 1}"), "other: 1");
  EXPECT_EQ(expanded("${EMPTY:-other}"), "other");
  EXPECT_EQ(expanded("${NONE:-}"), "");
}

TEST(Expansion, SaysWhatIsMissing) {
  EXPECT_EQ(expanded("${NONE}"), "fault: the environment has no NONE; set it, or give a default with ${NONE:-default}");
  EXPECT_EQ(expanded("${NONE:?ask Ann}"), "fault: NONE: ask Ann");
  EXPECT_EQ(expanded("${EMPTY:?}"), "fault: EMPTY: not set");
  EXPECT_EQ(expanded("${NAME:?ask Ann}"), "value");
}

TEST(Expansion, RefusesWhatItDoesNotKnow) {
  for (const auto* text : {"${NAME", "${}", "${1A}", "${A B}", "${NAME:=x}", "${NAME:}", "${:-x}"}) {
    EXPECT_TRUE(expanded(text).starts_with("fault: ")) << text;
  }
}

TEST(Expansion, LeavesADollarAlone) {
  EXPECT_EQ(expanded("failed$"), "failed$");
  EXPECT_EQ(expanded(R"(\$\d+ $x)"), R"(\$\d+ $x)");
  EXPECT_EQ(expanded("$${NAME}"), "${NAME}");
  EXPECT_EQ(expanded("$$$$"), "$$");
}

TEST(Expansion, DoesNotExpandWhatItPutIn) {
  const auto result = expand("${A}", {{"A", "${B}"}, {"B", "b"}}, ".");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "${B}");
}

TEST(Expansion, EscapedTextExpandsToItself) {
  EXPECT_TRUE(rc::check("escape", [] {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string{"$${}a"}));
    const auto result = expand(escape_expansion(text), {}, ".");
    RC_ASSERT(result.has_value());
    RC_ASSERT(result->text == text);
  }));
}

TEST(Expansion, OfAFileDropsOneLineEndAndRemembersTheSecret) {
  const TemporaryFolder folder;
  std::ignore = folder.write("key", "s3cret\r\n\n");
  std::ignore = folder.write("plain", "abc");
  const auto result = expand("<${file:key}|${file:plain}>", {}, folder.path());
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result->text, "<s3cret\r\n|abc>");
  EXPECT_EQ(result->from_files, (std::vector<std::string>{"s3cret\r\n", "abc"}));
}

TEST(Expansion, OfAFileHasALimit) {
  const TemporaryFolder folder;
  std::ignore = folder.write("fits", std::string(secret_file_bytes_max, 'x'));
  std::ignore = folder.write("long", std::string(secret_file_bytes_max + 1, 'x'));
  EXPECT_TRUE(expand("${file:fits}", {}, folder.path()));
  const auto result = expand("${file:long}", {}, folder.path());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().detail, "${file:long}: want at most 64KiB");
}

TEST(Expansion, OfAFileDoesNotWaitForAPipeNorReadAFolder) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(expand("${file:pipe}", {}, folder.path()).error().detail, "${file:pipe}: want a regular file");
  EXPECT_EQ(expand("${file:.}", {}, folder.path()).error().detail, "${file:.}: want a regular file");
  EXPECT_EQ(expand("${file:none}", {}, folder.path()).error().detail,
            "${file:none}: can't be read: No such file or directory");
}

TEST(Expansion, OfOneValueHasALimit) {
  const Environment large{{"HALF", std::string(expanded_bytes_max / 2, 'x')}};
  EXPECT_TRUE(expand("${HALF}${HALF}", large, "."));
  EXPECT_FALSE(expand("${HALF}.${HALF}", large, "."));
}

}  // namespace
}  // namespace alluvium::config
