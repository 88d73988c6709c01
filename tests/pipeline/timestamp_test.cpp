// SPDX-License-Identifier: Apache-2.0
#include "pipeline/timestamp.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/json_text.hpp"

namespace alluvium::pipeline {
namespace {

constexpr std::int64_t new_year = 1'767'225'600'000;  // 2026-01-01T00:00:00Z

TEST(Timestamp, ReadsEveryFormOfIso8601ThatPlatformsWrite) {
  const std::vector<std::pair<std::string_view, std::int64_t>> times = {
      {"2026-01-01", new_year},
      {"2026-01-01T00:00Z", new_year},
      {"2026-01-01T00:00", new_year},
      {"2026-01-01t00:00:00z", new_year},
      {"2026-01-01 00:00:00", new_year},
      {"2026-01-01 00:00:00 +0000", new_year},
      {"  2026-01-01T00:00:00Z\n", new_year},
      {"2026-01-01T00:00:00.1Z", new_year + 100},
      {"2026-01-01T00:00:00.123456789Z", new_year + 123},
      {"2026-01-01T00:00:00,999", new_year + 999},
      {"2026-01-01T02:00:00+02:00", new_year},
      {"2026-01-01T02:00:00+02", new_year},
      {"2026-01-01T05:45:00+0545", new_year},
      {"2025-12-31T16:00:00-08:00", new_year},
      {"2025-12-31T24:00:00Z", new_year},
      {"2025-12-31T23:59:60Z", new_year},
      {"20260101T000000Z", new_year},
      {"20260101T0000", new_year},
      {"20260101T000000.5+0000", new_year + 500},
      {"1970-01-01T00:00:00Z", 0},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2024-02-29", 1'709'164'800'000},
      {"0000-01-01", -62'167'219'200'000},
      {"9999-12-31T23:59:59.999Z", 253'402'300'799'999},
  };
  for (const auto& [text, ms] : times) {
    EXPECT_EQ(parse_timestamp(text), std::optional{ms}) << text;
  }
}

TEST(Timestamp, RefusesWhatIsNoTime) {
  for (const auto* text : {"",
                           " ",
                           "now",
                           "2026-1-1",
                           "2026-13-01",
                           "2026-00-01",
                           "2026-02-29",
                           "2026-01-32",
                           "2026-01-01T",
                           "2026-01-01T1",
                           "2026-01-01T25:00",
                           "2026-01-01T24:00:01Z",
                           "2026-01-01T24:01Z",
                           "2026-01-01T00:60",
                           "2026-01-01T00:00:61",
                           "2026-01-01T00:00:00.",
                           "2026-01-01T00:00:00Q",
                           "2026-01-01T00:00:00+24:00",
                           "2026-01-01T00:00:00+00:60",
                           "2026-01-01T00:00:00+1",
                           "2026-01-01T00:00:00Zx",
                           "2026-01-01x",
                           "2026-01-01T0000",
                           "20260101T",
                           "20261301T0000",
                           "9999-12-31T23:59:60Z",
                           "0000-01-01T00:00+00:01",
                           "1e400",
                           "inf",
                           "nan",
                           "0x10",
                           "12:30",
                           "1767225600s"}) {
    EXPECT_EQ(parse_timestamp(text), std::nullopt) << text;
  }
}

TEST(Timestamp, TellsSecondsFromMillisecondsByTheirSize) {
  EXPECT_EQ(epoch_timestamp(std::int64_t{1'767'225'600}), new_year);
  EXPECT_EQ(epoch_timestamp(new_year), new_year);
  EXPECT_EQ(epoch_timestamp(std::int64_t{99'999'999'999}), 99'999'999'999'000);
  EXPECT_EQ(epoch_timestamp(std::int64_t{100'000'000'000}), 100'000'000'000);
  EXPECT_EQ(epoch_timestamp(std::int64_t{-1}), -1000);
  EXPECT_EQ(epoch_timestamp(std::int64_t{-100'000'000'000}), -100'000'000'000);
  EXPECT_EQ(epoch_timestamp(1'767'225'600.25), new_year + 250);
  EXPECT_EQ(epoch_timestamp(1'767'225'600'000.0), new_year);
  EXPECT_EQ(parse_timestamp("1767225600"), new_year);
  EXPECT_EQ(parse_timestamp(" 1767225600000 "), new_year);
  EXPECT_EQ(parse_timestamp("1767225600.25"), new_year + 250);
  EXPECT_EQ(parse_timestamp("0"), 0);
}

TEST(Timestamp, StaysWithinTheCalendar) {
  EXPECT_EQ(epoch_timestamp(std::int64_t{253'402'300'799'999}), 253'402'300'799'999);
  EXPECT_EQ(epoch_timestamp(std::int64_t{253'402'300'800'000}), std::nullopt);
  EXPECT_EQ(epoch_timestamp(std::int64_t{-62'167'219'200'001}), std::nullopt);
  EXPECT_EQ(epoch_timestamp(INT64_MAX), std::nullopt);
  EXPECT_EQ(epoch_timestamp(INT64_MIN), std::nullopt);
  EXPECT_EQ(epoch_timestamp(1e300), std::nullopt);
  EXPECT_EQ(epoch_timestamp(-1e15), std::nullopt);
}

TEST(Timestamp, ReadsBackWhatIso8601Writes) {
  EXPECT_TRUE(rc::check("round trip", [] {
    const auto ms = *rc::gen::inRange<std::int64_t>(-62'167'219'200'000, 253'402'300'800'000);
    RC_ASSERT(parse_timestamp(iso8601(ms)) == std::optional{ms});
  }));
}

TEST(Timestamp, SurvivesAnyText) {
  EXPECT_TRUE(rc::check("any text", [](const std::string& text) { static_cast<void>(parse_timestamp(text)); }));
}

}  // namespace
}  // namespace alluvium::pipeline
