// SPDX-License-Identifier: Apache-2.0
#include "pipeline/position_codec.hpp"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {

static bool operator==(const Gap& a, const Gap& b) {
  return a.from == b.from && a.to == b.to;
}

namespace {

constexpr auto offset_max = std::numeric_limits<std::int64_t>::max();

rc::Gen<Position> any_position() {
  return rc::gen::map(rc::gen::tuple(rc::gen::arbitrary<std::int64_t>(), rc::gen::arbitrary<std::uint32_t>(),
                                     rc::gen::arbitrary<std::uint32_t>()),
                      [](const auto& parts) {
                        const auto& [offset, index, count] = parts;
                        const auto size = std::max<std::uint32_t>(count, 1);
                        return Position{.offset = offset, .index = index % size, .count = size};
                      });
}

TEST(PositionCodec, GivesBackWhatItTook) {
  EXPECT_TRUE(rc::check("decode(encode(x)) == x", [] {
    const auto positions = *rc::gen::container<std::vector<Position>>(any_position());
    const auto decoded = decode_positions(encode_positions(positions));
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == positions);
  }));
}

TEST(PositionCodec, HasOneFormForEachList) {
  EXPECT_TRUE(rc::check("encode(decode(bytes)) == bytes, if they can be decoded", [](const std::string& bytes) {
    if (const auto decoded = decode_positions(bytes)) {
      RC_ASSERT(encode_positions(*decoded) == bytes);
    }
    if (const auto gaps = decode_gaps(bytes)) {
      RC_ASSERT(encode_gaps(*gaps) == bytes);
      RC_ASSERT(merged(*gaps) == *gaps);
    }
  }));
}

TEST(PositionCodec, TakesOffsetsAtTheEndsOfTheirRange) {
  const std::vector<Position> positions{
      {.offset = offset_max}, {.offset = std::numeric_limits<std::int64_t>::min()}, {.offset = 0}, {.offset = -1}};
  EXPECT_EQ(decode_positions(encode_positions(positions)).value(), positions);
}

TEST(PositionCodec, NeedsOneByteForANeighbour) {
  std::vector<Position> positions;
  for (std::int64_t offset = 1'000'000; offset < 1'000'020; ++offset) {
    positions.push_back({.offset = offset});
  }
  EXPECT_EQ(encode_positions(positions).size(), 3U + 20U);  // The first takes four.
  EXPECT_EQ(encode_positions(std::vector<Position>{{.offset = 31}}).size(), 1U);
  EXPECT_EQ(encode_positions(std::vector<Position>{{.offset = 32}}).size(), 2U);
}

TEST(PositionCodec, KeepsItsFormat) {
  const std::vector<Position> positions{{.offset = 5}, {.offset = 6, .index = 1, .count = 3}, {.offset = 4}};
  EXPECT_EQ(encode_positions(positions), std::string({20, 5, 1, 3, 6}));
}

TEST(PositionCodec, RefusesWhatItCantHaveWritten) {
  for (const std::string& bytes : {std::string{'\x80'}, std::string{"\x80\x00", 2}, std::string{"\x05"},
                                   std::string{"\x05\x01"}, std::string{"\x05\x00\x01", 3}, std::string{"\x05\x03\x03"},
                                   std::string(11, '\xFF'), std::string{"\x05\x00\x80\x80\x80\x80\x10", 7}}) {
    const auto decoded = decode_positions(bytes);
    ASSERT_FALSE(decoded.has_value()) << rc::toString(bytes);
    EXPECT_EQ(decoded.error().code, Errc::unsafe_to_go_on);
  }
  EXPECT_TRUE(decode_positions("").value().empty());
}

TEST(GapCodec, GivesBackWhatItTook) {
  EXPECT_TRUE(rc::check("decode(encode(merged(x))) == merged(x)", [] {
    const auto pairs = *rc::gen::container<std::vector<std::pair<std::uint16_t, std::uint8_t>>>(
        rc::gen::pair(rc::gen::arbitrary<std::uint16_t>(), rc::gen::arbitrary<std::uint8_t>()));
    std::vector<Gap> gaps;
    for (const auto& [from, length] : pairs) {
      gaps.push_back({.from = from, .to = from + length});
    }
    const auto ranges = merged(gaps);
    RC_ASSERT(decode_gaps(encode_gaps(ranges)).value() == ranges);
    for (const auto& gap : gaps) {
      const bool covered = gap.from == gap.to || std::ranges::any_of(ranges, [&](const Gap& range) {
                             return range.from <= gap.from && range.to >= gap.to;
                           });
      RC_ASSERT(covered);
    }
  }));
}

TEST(GapCodec, RefusesEmptyTouchingAndOverflowingRanges) {
  EXPECT_FALSE(decode_gaps(std::string{"\x01\x00", 2}).has_value());
  EXPECT_FALSE(decode_gaps(std::string{"\x01\x02\x00\x02", 4}).has_value());
  EXPECT_TRUE(decode_gaps(std::string{"\x01\x02\x01\x02", 4}).has_value());
  const auto whole = encode_gaps(std::vector<Gap>{{.from = 0, .to = offset_max}});
  EXPECT_EQ(decode_gaps(whole).value(), (std::vector<Gap>{{.from = 0, .to = offset_max}}));
  EXPECT_FALSE(decode_gaps(whole + "\x01\x01").has_value());
}

TEST(GapCodec, MergesTouchingRangesAndKeepsThoseApart) {
  EXPECT_EQ(merged({{.from = 7, .to = 9}, {.from = 1, .to = 3}, {.from = 3, .to = 5}, {.from = 6, .to = 6}}),
            (std::vector<Gap>{{.from = 1, .to = 5}, {.from = 7, .to = 9}}));
}

}  // namespace
}  // namespace alluvium::pipeline
