// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_tree.hpp"

#include <gtest/gtest.h>

namespace alluvium::config {
namespace {

std::string fault_of(const std::string& text) {
  const auto tree = read_yaml(text);
  return tree ? "none" : std::to_string(tree.error().line) + ": " + tree.error().reason;
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(YamlTree, RemembersLinesAndDuplicates) {
  const auto tree = read_yaml("a: 1\n\nb:\n  - x\n  - y: z\na: 2\n");
  ASSERT_TRUE(tree);
  ASSERT_EQ(tree->members.size(), 3U);
  EXPECT_EQ(tree->members[1].line, 3);
  EXPECT_EQ(tree->members[1].value.items[1].line, 5);
  EXPECT_EQ(tree->members[2].line, 6);
  EXPECT_EQ(tree->members[2].key, "a");
}

TEST(YamlTree, OfNothingIsNull) {
  for (const auto* text : {"", "# only a comment\n", "---\n"}) {
    const auto tree = read_yaml(text);
    ASSERT_TRUE(tree) << text;
    EXPECT_EQ(tree->kind, Node::Kind::null) << text;
  }
}

TEST(YamlTree, RepeatsWhatAnAliasNames) {
  const auto tree = read_yaml("a: &x {k: v}\nb: *x\n");
  ASSERT_TRUE(tree);
  ASSERT_NE(tree->find("b"), nullptr);
  ASSERT_NE(tree->find("b")->find("k"), nullptr);
  EXPECT_EQ(tree->find("b")->find("k")->text, "v");
}

TEST(YamlTree, RefusesWhatIsNoConfig) {
  EXPECT_EQ(fault_of("a: &x\n  b: *x\n"), "2: an alias can't stand inside what it names");
  EXPECT_EQ(fault_of("a: 1\n---\nb: 2\n"), "2: want one document: nothing after ---");
  EXPECT_EQ(fault_of("[a]: 1\n"), "1: want a plain word as the key");
  EXPECT_EQ(fault_of("a: 1\nb: \x04 c\nd: 2\n"), "2: a control character");
  EXPECT_EQ(fault_of("a: \xff\n"), "1: want UTF-8");
  EXPECT_TRUE(fault_of("a: [1\n").starts_with("2: not valid YAML: "));
  EXPECT_TRUE(fault_of("a: *nothing\n").starts_with("1: not valid YAML: "));
}

TEST(YamlTree, HasADepth) {
  EXPECT_EQ(fault_of(nested(yaml_depth_max)), "none");
  EXPECT_EQ(fault_of(nested(yaml_depth_max + 1)), "1: nested deeper than 32 levels");
}

TEST(YamlTree, HasADepthThroughAliases) {
  std::string text = "- &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    text += "- &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_TRUE(fault_of(text).ends_with("nested deeper than 32 levels"));
}

TEST(YamlTree, HasALength) {
  EXPECT_EQ(fault_of(std::string(yaml_bytes_max, ' ')), "none");
  EXPECT_EQ(fault_of(std::string(yaml_bytes_max + 1, ' ')), "1: want at most 4MiB");
}

TEST(YamlTree, DoesNotGrowWithoutBoundFromAliases) {
  std::string nodes = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    nodes += "- &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) {
      nodes += (j > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    }
    nodes += "]\n";
  }
  EXPECT_NE(fault_of(nodes).find("too much content"), std::string::npos);
  std::string bytes = "- &a " + std::string(1U << 20U, 'x') + "\n";
  for (int i = 0; i < 16; ++i) {
    bytes += "- *a\n";
  }
  EXPECT_NE(fault_of(bytes).find("too much content"), std::string::npos);
}

}  // namespace
}  // namespace alluvium::config
