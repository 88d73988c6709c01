// SPDX-License-Identifier: Apache-2.0
#include "app/table.hpp"

#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::app {
namespace {

std::size_t code_points(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

TEST(Table, AlignsColumnsLeftAndRight) {
  Table table{{{.title = "NAME"}, {.title = "N", .align = Align::right}, {.title = "WHAT"}}};
  table.add({"a", "1", "x"});
  table.add({"longer", "1000", "yy"});
  EXPECT_EQ(table.text(80, false),
            "NAME       N  WHAT\n"
            "a          1  x\n"
            "longer  1000  yy\n");
}

TEST(Table, FitsExactlyOrCutsTheColumnThatGivesWay) {
  Table table{{{.title = "ID"}, {.title = "CONTENT", .gives_way = true}}};
  table.add({"1", "abcdefghijkl"});
  EXPECT_THAT(table.text(16, false), testing::HasSubstr("1   abcdefghijkl\n"));
  EXPECT_THAT(table.text(15, false), testing::HasSubstr("1   abcdefghij…\n"));
}

TEST(Table, CountsCodePointsNotBytes) {
  Table table{{{.title = "A"}, {.title = "B"}}};
  table.add({"äöü", "x"});
  table.add({"abc", "y"});
  const auto lines = lines_of(table.text(80, false));
  EXPECT_EQ(lines[1], "äöü  x");
  EXPECT_EQ(lines[2], "abc  y");
}

TEST(Table, ShowsControlCharactersAsBlanks) {
  Table table{{{.title = "A"}}};
  table.add(
      {"a\x1b[2Jb\nc\x7f\xC2\x9B"
       "d"});
  EXPECT_EQ(lines_of(table.text(80, false))[1], "a [2Jb c  d");
}

TEST(Table, StylesOnlyTheTitles) {
  Table table{{{.title = "A"}}};
  table.add({"x"});
  EXPECT_EQ(table.text(80, true), "\x1b[1mA\x1b[0m\nx\n");
}

TEST(Table, NoLineIsWiderThanTheTerminal) {
  EXPECT_TRUE(rc::check("every line fits", [](const std::vector<std::pair<std::string, std::string>>& rows) {
    const auto width = *rc::gen::inRange<std::size_t>(1, 60);
    Table table{{{.title = "FIRST", .gives_way = true}, {.title = "SECOND", .align = Align::right}}};
    for (const auto& [first, second] : rows) {
      table.add({first, second});
    }
    const auto lines = lines_of(table.text(width, false));
    RC_ASSERT(lines.size() == rows.size() + 1);
    for (const auto& line : lines) {
      RC_ASSERT(code_points(line) <= width);
    }
  }));
}

TEST(WithCommas, GroupsDigitsByThree) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(-999), "-999");
  EXPECT_EQ(with_commas(-1000), "-1,000");
}

}  // namespace
}  // namespace alluvium::app
