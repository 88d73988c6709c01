// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TierPolicies policies(bool small, bool premium, bool both = false) {
  TierPolicies made;
  made[Tier::small].enabled = small;
  made[Tier::premium].enabled = premium;
  made.both = both;
  return made;
}

TEST(Tier, NamesAreTheOnesUsersSee) {
  EXPECT_EQ(name(Tier::small), "small");
  EXPECT_EQ(name(Tier::premium), "premium");
  EXPECT_EQ(name(CallMode::call), "call");
  EXPECT_EQ(name(CallMode::batch), "batch");
  EXPECT_EQ(method_of(Tier::small), ExtractionMethod::small_model);
  EXPECT_EQ(method_of(Tier::premium), ExtractionMethod::premium_model);
}

TEST(FirstTiers, AreNoneWhenNoneIsEnabled) {
  EXPECT_THAT(first_tiers(policies(false, false), 100), IsEmpty());
  EXPECT_THAT(first_tiers(policies(false, false, true), 100), IsEmpty());
}

TEST(FirstTiers, AskSmallAboutMoreThanThreeMessages) {
  EXPECT_THAT(first_tiers(policies(true, false), 3), IsEmpty());
  EXPECT_THAT(first_tiers(policies(true, false), 4), ElementsAre(Tier::small));
}

TEST(FirstTiers, AskPremiumAboutMoreThanFiveMessagesWhereSmallIsOff) {
  EXPECT_THAT(first_tiers(policies(false, true), 5), IsEmpty());
  EXPECT_THAT(first_tiers(policies(false, true), 6), ElementsAre(Tier::premium));
}

TEST(FirstTiers, LeavePremiumForLaterWhereSmallIsAsked) {
  EXPECT_THAT(first_tiers(policies(true, true), 6), ElementsAre(Tier::small));
}

TEST(FirstTiers, AskPremiumWhereTheBatchIsTooSmallForSmall) {
  auto odd = policies(true, true);
  odd[Tier::small].min_messages = 10;
  EXPECT_THAT(first_tiers(odd, 9), ElementsAre(Tier::premium));
  EXPECT_THAT(first_tiers(odd, 10), ElementsAre(Tier::small));
}

TEST(FirstTiers, AskBothWhereBothIsSetAndThereAreEnough) {
  EXPECT_THAT(first_tiers(policies(true, true, true), 5), ElementsAre(Tier::small));
  EXPECT_THAT(first_tiers(policies(true, true, true), 6), ElementsAre(Tier::small, Tier::premium));
}

TEST(FirstTiers, NeverAskAboutNothing) {
  auto eager = policies(true, true, true);
  eager[Tier::small].min_messages = 0;
  eager[Tier::premium].min_messages = 0;
  EXPECT_THAT(first_tiers(eager, 0), IsEmpty());
}

TEST(LeftForPremium, IsWhatSmallFoundNothingInAndWhatItWasUnsureOf) {
  const std::vector<bool> extracted{true, false, true, true, false, false, true};
  EXPECT_THAT(left_for_premium(policies(true, true), {0, 1, 2, 3, 4, 6}, extracted, {2}), ElementsAre(1, 2, 4));
}

TEST(LeftForPremium, IsEverythingWhereSmallFoundNothing) {
  EXPECT_THAT(left_for_premium(policies(true, true), {0, 1, 2, 3, 4, 9}, {}, {}), ElementsAre(0, 1, 2, 3, 4, 9));
}

TEST(LeftForPremium, IsNothingWherePremiumIsOffOrSeesEverythingAnyway) {
  const std::vector<std::uint32_t> asked{0, 1, 2, 3, 4, 5};
  EXPECT_THAT(left_for_premium(policies(true, false), asked, {}, {}), IsEmpty());
  EXPECT_THAT(left_for_premium(policies(true, true, true), asked, {}, {}), IsEmpty());
}

TEST(LeftForPremium, CountsWhatWasAskedAboutNotWhatIsLeft) {
  const std::vector<bool> extracted{true, true, true, true, true, false};
  EXPECT_THAT(left_for_premium(policies(true, true), {0, 1, 2, 3, 4, 5}, extracted, {}), ElementsAre(5));
  EXPECT_THAT(left_for_premium(policies(true, true), {1, 2, 3, 4, 5}, extracted, {}), IsEmpty());
}

}  // namespace
}  // namespace alluvium::pipeline
