// SPDX-License-Identifier: Apache-2.0
#include "pipeline/base64.hpp"

#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

TEST(Base64, ReadsTheExamplesOfTheStandard) {
  const std::vector<std::pair<std::string_view, std::string_view>> examples = {{"", ""},
                                                                               {"Zg==", "f"},
                                                                               {"Zm8=", "fo"},
                                                                               {"Zm9v", "foo"},
                                                                               {"Zm9vYg==", "foob"},
                                                                               {"Zm9vYmE=", "fooba"},
                                                                               {"Zm9vYmFy", "foobar"},
                                                                               {"Zg", "f"},
                                                                               {"Zm8", "fo"},
                                                                               {"+/+/", "\xFB\xFF\xBF"}};
  for (const auto& [text, bytes] : examples) {
    std::string out = "left over";
    EXPECT_TRUE(decode_base64(text, out)) << text;
    EXPECT_EQ(out, bytes) << text;
  }
}

TEST(Base64, RefusesEverythingElse) {
  std::string out;
  for (const auto* text :
       {"Z", "Zm9vY", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm 9v", "_-_-", "Zg="}) {
    EXPECT_FALSE(decode_base64(text, out)) << text;
  }
}

}  // namespace
}  // namespace alluvium::pipeline
