// SPDX-License-Identifier: Apache-2.0
// The YAML in which users write unit tests for their rules and filters.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "pipeline/expectation.hpp"

namespace alluvium::config {

/// A message as a test writes it: text alone, or with what else matters.
struct TestMessage {
  std::string id;  ///< If not said: its number in the test, from 1.
  std::string agent_id = "default";
  std::string content;
  pipeline::Role role = pipeline::Role::user;
};

struct TestCase {
  std::string name;
  int line = 0;
  std::vector<TestMessage> messages;
  pipeline::Expectation expected;
};

struct TestFile {
  std::string config, rules_file, preset;  ///< Exactly one is not empty. Paths: relative to the test file.
  std::vector<TestCase> tests;
  std::vector<Fault> faults;  ///< If any, do not run it.
};

inline constexpr std::size_t test_file_bytes_max = std::size_t{16} << 20;

[[nodiscard]] TestFile load_test_file(const std::string& path);
/// The same for text that is already in memory; `name` stands for the file in messages.
[[nodiscard]] TestFile parse_test_file(const std::string& yaml, const std::string& name);

/// The config whose rules and filters the tests are about. `path`: where the test file is.
[[nodiscard]] Loaded config_of(const TestFile& file, const std::string& path, const Environment& environment);

}  // namespace alluvium::config
