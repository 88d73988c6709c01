// SPDX-License-Identifier: Apache-2.0
// The annotated default, its copy in examples/, the table in docs/ and the schema against the table of keys.
// With ALLUVIUM_WRITE_GENERATED set, the first two files are written instead of compared.
#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/schema.hpp"
#include "tests/config/parsing.hpp"

namespace alluvium::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// True if the generated files are to be written: the tests that compare them have nothing to say then.
bool write_generated(const std::filesystem::path& path, const std::string& content) {
  if (std::getenv("ALLUVIUM_WRITE_GENERATED") == nullptr) {  // NOLINT(concurrency-mt-unsafe)
    return false;
  }
  std::ofstream{path, std::ios::binary} << content;
  return true;
}

TEST(AnnotatedDefault, IsTheBuiltInDefault) {
  const auto loaded = parse_config(annotated_default());
  EXPECT_THAT(texts(loaded.faults), IsEmpty());
  EXPECT_THAT(texts(loaded.warnings), IsEmpty());
  Loaded defaults;
  defaults.config.source = connectors::FileSourceOptions{.path = "-"};
  EXPECT_EQ(print(loaded), print(defaults));
}

TEST(AnnotatedDefault, NamesEveryKey) {
  for (const auto& key : keys()) {
    if (key.kind != Kind::later && key.name() != "*") {
      EXPECT_THAT(annotated_default(), HasSubstr(std::string{key.name()} + ":")) << key.path;
    }
  }
}

TEST(AnnotatedDefault, IsRightWhenWhatIsOffIsSwitchedOn) {
  std::istringstream lines{annotated_default()};
  std::string on;
  for (std::string line; std::getline(lines, line);) {
    const auto mark = line.find_first_not_of(' ');
    const bool is_off = mark != std::string::npos && line[mark] == '#' && mark + 1 < line.size() &&
                        (line[mark + 1] != ' ' || line[mark + 2] == ' ');
    on += (is_off ? line.erase(mark, 1) : line) + '\n';
  }
  std::vector<std::string> reasons;
  for (const auto& fault : parse_config(on).faults) {
    reasons.push_back(fault.key + ": " + fault.reason);
  }
  EXPECT_THAT(reasons,
              ElementsAre("source: give kafka or file, not both", "rules_file: give rules or rules_file, not both"));
}

TEST(AnnotatedDefault, IsTheExample) {
  const auto path = repository() / "examples" / "default.yaml";
  if (!write_generated(path, annotated_default())) {
    EXPECT_EQ(content_of(path), annotated_default()) << "run config_tests with ALLUVIUM_WRITE_GENERATED=1";
  }
}

std::string unit_of(const Key& key) {
  switch (key.kind) {
    case Kind::text:
      return key.choices.empty() ? "text" : "one of";
    case Kind::choice:
      return "one of";
    case Kind::flag:
      return "true, false";
    case Kind::count:
      return "count";
    case Kind::number:
      return "number";
    case Kind::size:
      return "size";
    case Kind::duration:
      return "duration";
    case Kind::texts:
      return "list of texts";
    case Kind::properties:
      return "names with texts";
    case Kind::rules:
      return "list of rules";
    default:
      return "";
  }
}

std::string limits_of(const Key& key) {
  if (key.max > 0) {
    return format_limit(key, key.min) + " to " + format_limit(key, key.max);
  }
  std::string out;
  for (const auto choice : choices_of(key)) {
    out.append(out.empty() ? "" : ", ").append(choice);
  }
  return out;
}

/// The rows of docs/configuration.md: | key | type | default | limits | meaning |
std::string reference_table() {
  std::string out = "| key | value | default | limits | meaning |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& key : keys()) {
    auto meaning = std::string{key.doc};
    if (key.kind == Kind::section) {
      meaning = "**" + meaning + "**";
    }
    if (key.kind == Kind::later) {
      meaning += " Refused: " + std::string{key.note} + ".";
    } else if (!key.note.empty()) {
      meaning += " No effect: " + std::string{key.note} + ".";
    }
    const auto value = format_default(key);
    out += "| `" + std::string{key.path} + "` | " + unit_of(key) + " | " +
           (value.empty() ? (key.required ? "required" : "") : "`" + value + "`") + " | " + limits_of(key) + " | " +
           meaning + " |\n";
  }
  return out;
}

TEST(Documentation, HasTheTableOfKeys) {
  constexpr std::string_view begin = "<!-- keys: begin -->\n";
  constexpr std::string_view end = "<!-- keys: end -->";
  const auto path = repository() / "docs" / "configuration.md";
  auto content = content_of(path);
  const auto from = content.find(begin);
  const auto to = content.find(end);
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  const auto at = from + begin.size();
  auto expected = content;
  expected.replace(at, to - at, reference_table());
  if (!write_generated(path, expected)) {
    EXPECT_EQ(content, expected) << "run config_tests with ALLUVIUM_WRITE_GENERATED=1";
  }
}

/// The schema of what stands at `path`.
simdjson::dom::element schema_at(simdjson::dom::element element, std::string_view path) {
  while (!path.empty()) {
    const auto dot = std::min(path.find('.'), path.size());
    const auto name = path.substr(0, dot);
    if (name == "*") {
      simdjson::dom::element below;
      element = element["items"].get(below) == simdjson::SUCCESS ? below : element["additionalProperties"].value();
    } else {
      element = element["properties"][name].value();
    }
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return element;
}

TEST(Schema, HasEveryKey) {
  simdjson::dom::parser parser;
  const auto root = parser.parse(config_schema().data(), config_schema().size()).value();
  EXPECT_EQ(std::string_view{root["$schema"]}, "https://json-schema.org/draft/2020-12/schema");
  for (const auto& key : keys()) {
    const auto schema = schema_at(root, key.path);
    if (key.kind == Kind::later) {
      EXPECT_EQ(bool{schema}, false) << key.path;
    } else {
      EXPECT_EQ(std::string_view{schema["description"]}, key.doc);
    }
    if (key.kind == Kind::section && key.path != "endpoints") {
      EXPECT_EQ(bool{schema["additionalProperties"]}, false) << key.path << ": an unknown key is an error";
    }
  }
}

}  // namespace
}  // namespace alluvium::config
