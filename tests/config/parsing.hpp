// SPDX-License-Identifier: Apache-2.0
// Short ways for tests to parse a config and to look at what was wrong with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace alluvium::config {

inline const std::string file_source = "source: {file: {path: chat.ndjson}}\n";

inline Loaded parse_config(const std::string& yaml, const Environment& environment = {}) {
  return parse(yaml, "a.yaml", environment, false);
}
/// With a source, so that only what `yaml` says can be wrong.
inline Loaded parse_with_source(const std::string& yaml, const Environment& environment = {}) {
  return parse_config(file_source + yaml, environment);
}

inline std::vector<std::string> texts(const std::vector<Fault>& faults) {
  std::vector<std::string> out;
  for (const auto& fault : faults) {
    out.push_back(fault.text());
  }
  return out;
}
inline std::vector<std::string> faults_of(const std::string& yaml, const Environment& environment = {}) {
  return texts(parse_with_source(yaml, environment).faults);
}

inline std::filesystem::path repository() {
  return std::filesystem::path{__FILE__}.parent_path() / ".." / "..";
}
inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

/// A folder that ends with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "alluvium-config-").string() + std::string(6, 'X');
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string write(const std::string& name, const std::string& content) const {
    std::ofstream{path_ / name, std::ios::binary} << content;
    return (path_ / name).string();
  }
  [[nodiscard]] const std::filesystem::path& path() const {
    return path_;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace alluvium::config
