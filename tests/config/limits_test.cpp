// SPDX-License-Identifier: Apache-2.0
// Every limit in the table of keys, from both sides.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "config/keys.hpp"
#include "tests/config/parsing.hpp"

namespace alluvium::config {
namespace {

/// A config that gives `key` this value, in whatever sections it stands.
std::string yaml_with(const Key& key, const std::string& value) {
  if (key.is_of_rule()) {
    return file_source + "rules:\n  - {id: a, pattern: b, " + std::string{key.name()} + ": " + value + "}\n";
  }
  std::string out = key.path.starts_with("source.") ? std::string{} : file_source;
  std::string path{key.path};
  std::string close;
  for (auto dot = path.find('.'); dot != std::string::npos; dot = path.find('.')) {
    const auto name = path.substr(0, dot);
    out += (name == "*" ? "name" : name) + ": {";
    if (name == "kafka") {
      out += key.name() == "brokers" ? "" : "brokers: 'b:1', ";
      out += key.name() == "topics" ? "" : "topics: [t], ";
    } else if (name == "fields") {
      out.insert(out.size() - std::string{"fields: {"}.size(), "file: {path: x}, ");
    }
    close += '}';
    path.erase(0, dot + 1);
  }
  return out + path + ": " + value + close + "\n";
}

bool refuses(const Key& key, double value) {
  const auto loaded = parse_config(yaml_with(key, format_limit(key, value)));
  return std::ranges::any_of(loaded.faults, [&](const Fault& fault) {
    return fault.key.ends_with(key.name()) && fault.reason.find(" to ") != std::string::npos &&
           fault.reason.find(format_limit(key, key.max)) != std::string::npos;
  });
}

TEST(Limits, HoldOnBothSides) {
  int checked = 0;
  for (const auto& key : keys()) {
    if (key.max == 0) {
      continue;
    }
    ++checked;
    const double step = key.kind == Kind::number ? 0.001 : 1;
    EXPECT_FALSE(refuses(key, key.min)) << key.path;
    EXPECT_FALSE(refuses(key, key.max)) << key.path;
    EXPECT_TRUE(refuses(key, key.max + step)) << key.path;
    if (key.min > 0) {
      EXPECT_TRUE(refuses(key, key.min - step)) << key.path;
    }
  }
  EXPECT_GT(checked, 15);
}

TEST(Limits, NumbersAreNeitherNegativeNorInfinite) {
  for (const auto& key : keys()) {
    if (key.kind == Kind::count || key.kind == Kind::number) {
      for (const auto* text : {"-1", "nan", "inf", "1e999", "0x1", "99999999999999999999999999", "1 ", "''", "ten"}) {
        const auto loaded = parse_config(yaml_with(key, text == std::string_view{"1 "} ? "'1 '" : text));
        EXPECT_FALSE(loaded.faults.empty()) << key.path << ": " << text;
      }
    }
  }
}

TEST(Keys, TakeTheirDefaultsAndTheirExamples) {
  for (const auto& key : keys()) {
    const bool has_value = key.slot != nullptr || key.rule_slot != nullptr;
    if (!has_value || key.path == "rules_file" || (key.is_of_rule() && key.required)) {
      continue;
    }
    for (const auto& value : {std::string{key.example}, format_default(key)}) {
      if (!value.empty()) {
        const auto loaded = parse_config(yaml_with(key, value));
        EXPECT_EQ(texts(loaded.faults), std::vector<std::string>{}) << yaml_with(key, value);
      }
    }
  }
}

TEST(Keys, AreWarnedOfWithoutEffectOnlyIfTheyAreNotTheDefault) {
  for (const auto& key : keys()) {
    if (!key.note.empty() && key.slot != nullptr && !format_default(key).empty()) {
      EXPECT_TRUE(parse_config(yaml_with(key, format_default(key))).warnings.empty()) << key.path;
    }
    if (!key.note.empty() && key.kind == Kind::flag) {
      const auto loaded = parse_config(yaml_with(key, "true"));
      ASSERT_EQ(loaded.warnings.size(), 1U) << key.path;
      EXPECT_EQ(loaded.warnings[0].reason, key.note);
    }
  }
}

TEST(Keys, HaveASectionAndAreSaidOnce) {
  for (const auto& key : keys()) {
    EXPECT_FALSE(key.doc.empty()) << key.path;
    EXPECT_EQ(std::ranges::count(keys(), key.path, &Key::path), 1) << key.path;
    if (!key.parent().empty() && !key.is_of_rule()) {
      EXPECT_EQ(std::ranges::count(keys(), key.parent(), &Key::path), 1) << key.path;
    }
  }
}

}  // namespace
}  // namespace alluvium::config
