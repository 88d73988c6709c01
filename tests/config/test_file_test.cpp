// SPDX-License-Identifier: Apache-2.0
#include "config/test_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alluvium::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> faults_of(const std::string& yaml) {
  std::vector<std::string> texts;
  for (const auto& fault : parse_test_file(yaml, "t.yaml").faults) {
    texts.push_back(fault.text());
  }
  return texts;
}

TEST(TestFile, ReadsTestsMessagesAndExpectations) {
  const auto file = parse_test_file(R"(
preset: therapy
tests:
  - name: first
    messages:
      - plain text
      - {id: m2, agent_id: bob, role: assistant, content: other}
    expect:
      memories:
        - text
        - {content: x, rule_id: r, type: episodic, importance: 0.9, agent_id: bob}
      noise: [1, m2]
  - messages: [a]
    expect: {memories: 0}
)",
                                    "t.yaml");
  ASSERT_THAT(file.faults, IsEmpty());
  EXPECT_EQ(file.preset, "therapy");
  ASSERT_THAT(file.tests, SizeIs(2));
  const auto& test = file.tests[0];
  EXPECT_EQ(test.name, "first");
  EXPECT_EQ(test.line, 4);
  ASSERT_THAT(test.messages, SizeIs(2));
  EXPECT_EQ(test.messages[0].id, "1");
  EXPECT_EQ(test.messages[0].agent_id, "default");
  EXPECT_EQ(test.messages[0].content, "plain text");
  EXPECT_EQ(test.messages[1].id, "m2");
  EXPECT_EQ(test.messages[1].role, pipeline::Role::assistant);
  ASSERT_TRUE(test.expected.memories);
  ASSERT_THAT(*test.expected.memories, SizeIs(2));
  EXPECT_EQ((*test.expected.memories)[0].content, "text");
  EXPECT_EQ((*test.expected.memories)[1].type, pipeline::MemoryType::episodic);
  EXPECT_EQ((*test.expected.memories)[1].importance, 0.9);
  EXPECT_EQ(*test.expected.noise, (std::vector<std::string>{"1", "m2"}));
  EXPECT_EQ(file.tests[1].expected.memory_count, 0U);
  EXPECT_FALSE(file.tests[1].expected.memories);
}

TEST(TestFile, WantsExactlyOneSubject) {
  const std::string tests = "tests: [{messages: [a], expect: {memories: 0}}]\n";
  EXPECT_THAT(faults_of(tests), ElementsAre("t.yaml:1: config: give exactly one of config, rules_file and preset"));
  EXPECT_THAT(faults_of("preset: a\nconfig: b\n" + tests), SizeIs(1));
  EXPECT_THAT(faults_of("rules_file: a\n" + tests), IsEmpty());
}

TEST(TestFile, NamesTheLineOfEachFault) {
  EXPECT_THAT(
      faults_of("preset: a\n"
                "tests:\n"
                "  - messages: [a]\n"
                "    expects: {}\n"
                "  - messages: []\n"
                "    expect: {memories: 1}\n"
                "  - messages: [a]\n"
                "    expect:\n"
                "      memories: [{type: vivid}]\n"
                "      noise: [2]\n"
                "  - messages: [a]\n"
                "    expect: {memories: some}\n"),
      ElementsAre("t.yaml:4: tests[0].expects: unknown key", "t.yaml:5: tests[1].messages: must be a list of messages",
                  "t.yaml:9: tests[2].expect.memories[0].type: must be semantic, episodic or procedural",
                  "t.yaml:10: tests[2].expect.noise: no message of this test has that id or number",
                  "t.yaml:12: tests[3].expect.memories: must be a count or a list"));
}

TEST(TestFile, AnswersWhatIsNoYamlAndWhatIsNoFileWithAFault) {
  EXPECT_THAT(faults_of("tests: ["), SizeIs(1));
  EXPECT_THAT(faults_of("- a"), SizeIs(1));
  EXPECT_THAT(faults_of(""), SizeIs(1));
  EXPECT_THAT(load_test_file("no/such/file.yaml").faults, SizeIs(1));
}

}  // namespace
}  // namespace alluvium::config
