// SPDX-License-Identifier: Apache-2.0
#include "config/units.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::config {
namespace {

using std::chrono::milliseconds;

TEST(Durations, AreWholeNumbersWithAUnit) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds{500});
  EXPECT_EQ(parse_duration("5s"), std::chrono::seconds{5});
  EXPECT_EQ(parse_duration("60m"), std::chrono::hours{1});
  EXPECT_EQ(parse_duration("2h"), std::chrono::hours{2});
  EXPECT_EQ(parse_duration("1d"), std::chrono::hours{24});
  EXPECT_EQ(parse_duration("0"), milliseconds{0});
}

TEST(Durations, WithoutAUnitOrWithAnotherAreNone) {
  for (const auto* text : {"", "5", "s", "-5s", "1.5h", "5S", "5 s", "5min", "1h30m", "+5s", "5s "}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Durations, TooLongToCountAreTheLongest) {
  EXPECT_EQ(parse_duration("99999999999999999999999d"), milliseconds::max());
  EXPECT_EQ(parse_duration("9223372036854775807d"), milliseconds::max());
}

TEST(Sizes, AreWholeNumbersWithAUnit) {
  EXPECT_EQ(parse_size("10B"), 10U);
  EXPECT_EQ(parse_size("256KiB"), 256U << 10U);
  EXPECT_EQ(parse_size("512MiB"), 512U << 20U);
  EXPECT_EQ(parse_size("1GB"), 1'000'000'000U);
  EXPECT_EQ(parse_size("2TiB"), std::size_t{2} << 40U);
  EXPECT_EQ(parse_size("0"), 0U);
}

TEST(Sizes, WithoutAUnitOrWithAnotherAreNone) {
  for (const auto* text : {"", "12", "MiB", "-1B", "1.5GiB", "5mib", "5 MiB", "0x10B", "5M"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Units, AreWrittenAsShortAsTheyCanBe) {
  EXPECT_EQ(format_duration(std::chrono::hours{48}), "2d");
  EXPECT_EQ(format_duration(std::chrono::minutes{90}), "90m");
  EXPECT_EQ(format_duration(milliseconds{0}), "0s");
  EXPECT_EQ(format_size(std::size_t{512} << 20U), "512MiB");
  EXPECT_EQ(format_size(1'000'000'000), "1GB");
  EXPECT_EQ(format_size(1025), "1025B");
}

TEST(Units, ReadBackTheSame) {
  EXPECT_TRUE(rc::check("sizes", [](std::size_t size) { RC_ASSERT(parse_size(format_size(size)) == size); }));
  EXPECT_TRUE(rc::check("durations", [] {
    const milliseconds duration{*rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 50)};
    RC_ASSERT(parse_duration(format_duration(duration)) == duration);
  }));
}

}  // namespace
}  // namespace alluvium::config
