// SPDX-License-Identifier: Apache-2.0
#include "config/secrets.hpp"

#include <gtest/gtest.h>

namespace alluvium::config {
namespace {

TEST(Secrets, AreKnownByTheNameOfTheirKey) {
  for (const auto* name :
       {"sasl.password", "ssl.key.password", "ssl.keystore.password", "sasl.oauthbearer.client.secret", "api_key",
        "X-API-Key", "apiKey", "access-token", "ssl.key.pem", "sasl.jaas.config"}) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
  for (const auto* name :
       {"security.protocol", "sasl.username", "ssl.ca.location", "session.timeout.ms", "client.id"}) {
    EXPECT_FALSE(is_secret_name(name)) << name;
  }
}

TEST(Secrets, InUrisAreTheUserInfo) {
  EXPECT_EQ(redact_user_info("https://ann:pw@host/x@y"), "https://********@host/x@y");
  EXPECT_EQ(redact_user_info("a://u:p@ss@h b://v@i"), "a://********@h b://********@i");
  EXPECT_EQ(redact_user_info("https://host/a@b"), "https://host/a@b");
  EXPECT_EQ(redact_user_info("ann@host"), "ann@host");
  EXPECT_EQ(user_info("https://ann:pw@host"), (std::vector<std::string>{"ann:pw", "pw"}));
}

TEST(Secrets, AreScrubbedLongestFirst) {
  EXPECT_EQ(scrub("x abcdef y abcd", {"abcd", "abcdef"}), "x ******** y ********");
}

TEST(Secrets, ShorterThanFourBytesAreNotLookedForInText) {
  EXPECT_EQ(scrub("want a value", {"a v"}), "want a value");
  EXPECT_EQ(scrub("want a value", {"a va"}), "want ********lue");
}

}  // namespace
}  // namespace alluvium::config
