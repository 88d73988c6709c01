// SPDX-License-Identifier: Apache-2.0
#include "connectors/process_identity.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include <unistd.h>

namespace alluvium::connectors {
namespace {

/// The 22nd field of /proc/PID/stat; empty if there is no such process.
std::string start_time(const std::string& pid) {
  std::ifstream file{"/proc/" + pid + "/stat"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  // The second field is the program's name in brackets, which may hold anything.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) {
    return {};
  }
  std::string_view rest = std::string_view{text}.substr(name_end + 1);
  for (int field = 3; field <= 22; ++field) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const auto end = std::min(rest.find(' '), rest.size());
    if (field == 22) {
      return std::string{rest.substr(0, end)};
    }
    rest.remove_prefix(end);
  }
  return {};
}

std::string pid_namespace() {
  std::array<char, 64> link{};
  const auto size = readlink("/proc/self/ns/pid", link.data(), link.size());
  return size > 0 ? std::string{link.data(), static_cast<std::size_t>(size)} : std::string{"pid"};
}

}  // namespace

std::string this_process() {
  const auto pid = std::to_string(getpid());
  return pid_namespace() + ":" + pid + ":" + start_time(pid);
}

bool may_live(std::string_view process) {
  const auto home = pid_namespace() + ":";
  if (!process.starts_with(home)) {
    return true;
  }
  process.remove_prefix(home.size());
  const auto colon = process.find(':');
  if (colon == std::string_view::npos) {
    return true;
  }
  return start_time(std::string{process.substr(0, colon)}) == process.substr(colon + 1);
}

}  // namespace alluvium::connectors
