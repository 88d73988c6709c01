// SPDX-License-Identifier: Apache-2.0
#include "connectors/memory_gauge.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

#include <unistd.h>

namespace alluvium::connectors {
namespace {

/// v1 says "no limit" with a number near the largest.
constexpr std::int64_t no_limit = std::int64_t{1} << 60;

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc{} ? std::optional{value} : std::nullopt;  // "max" is none.
}

std::optional<std::int64_t> number_of(const std::string& path) {
  std::ifstream file{path};
  std::string word;
  return file >> word ? number_in(word) : std::nullopt;
}

/// The number after `key` in a file of lines "key number".
std::int64_t number_after(const std::string& path, std::string_view key) {
  std::ifstream file{path};
  std::string word;
  std::int64_t value = 0;
  while (file >> word >> value) {
    if (word == key) {
      return value;
    }
  }
  return 0;
}

/// "some avg10=1.23 avg60=..." of a pressure file.
double some_avg10(const std::string& path) {
  std::ifstream file{path};
  std::string some;
  std::string avg10;
  constexpr std::string_view key = "avg10=";
  double value = 0;
  if (file >> some >> avg10 && some == "some" && avg10.starts_with(key)) {
    std::from_chars(avg10.data() + key.size(), avg10.data() + avg10.size(), value);
  }
  return value;
}

bool has(const std::string& folder, const char* file) {
  return ::access((folder + file).c_str(), R_OK) == 0;
}

/// The last field of the line of /proc/self/cgroup whose controllers are `controllers`.
std::string path_in(const std::string& file, std::string_view controllers) {
  std::ifstream lines{file};
  std::string line;
  while (std::getline(lines, line)) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second != std::string::npos && std::string_view{line}.substr(first + 1, second - first - 1) == controllers) {
      return line.substr(second + 1);
    }
  }
  return {};
}

}  // namespace

pipeline::Result<MemoryGauge> MemoryGauge::make(const MemoryGaugeOptions& options) {
  MemoryGauge gauge{options};
  const auto take = [&gauge](const std::string& folder) {
    gauge.v2_ = has(folder, "/memory.current");
    if (gauge.v2_ || has(folder, "/memory.usage_in_bytes")) {
      gauge.group_ = folder;
    }
    return !gauge.group_.empty();
  };
  if (!options.cgroup.empty()) {
    if (!take(options.cgroup)) {
      return pipeline::fail(pipeline::Errc::invalid_config,
                            "memory.cgroup: " + options.cgroup + " is no control group that accounts for memory");
    }
    return gauge;
  }
  const auto self = options.proc + "/self/cgroup";
  // Within a container the path is often that of the host, and the group itself is mounted at the root.
  const auto v2 = path_in(self, "");
  const auto v1 = path_in(self, "memory");
  static_cast<void>(take(options.cgroups + v2) || take(options.cgroups + "/unified" + v2) ||
                    take(options.cgroups + "/memory" + v1) || take(options.cgroups) ||
                    take(options.cgroups + "/memory"));
  return gauge;
}

pipeline::MemoryReading MemoryGauge::read() const {
  pipeline::MemoryReading reading;
  std::ifstream statm{proc_ + "/self/statm"};
  std::int64_t size = 0;
  std::int64_t resident = 0;
  if (statm >> size >> resident) {
    reading.resident = resident * ::sysconf(_SC_PAGESIZE);
  }
  if (!group_.empty()) {
    const auto number = [this](const char* file) { return number_of(group_ + file); };
    if (v2_) {
      const auto most = number("/memory.max").value_or(no_limit);
      const auto high = number("/memory.high").value_or(no_limit);
      reading.group_limit = std::min(most, high);
      reading.group_used =
          number("/memory.current").value_or(0) - number_after(group_ + "/memory.stat", "inactive_file");
    } else {
      reading.group_limit = number("/memory.limit_in_bytes").value_or(no_limit);
      reading.group_used =
          number("/memory.usage_in_bytes").value_or(0) - number_after(group_ + "/memory.stat", "total_inactive_file");
    }
    reading.group_used = std::max<std::int64_t>(reading.group_used, 0);
    reading.group_limit = reading.group_limit < no_limit ? reading.group_limit : 0;
  }
  reading.stalled_percent = some_avg10(!group_.empty() && has(group_, "/memory.pressure") ? group_ + "/memory.pressure"
                                                                                          : proc_ + "/pressure/memory");
  return reading;
}

std::string MemoryGauge::describe() const {
  const auto reading = read();
  if (group_.empty() || reading.group_limit == 0) {
    return {};
  }
  return std::string{"control group "} + (v2_ ? "v2" : "v1") + " at " + group_ + ", limit " +
         std::to_string(reading.group_limit >> 20) + "MB";
}

}  // namespace alluvium::connectors
