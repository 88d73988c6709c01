// SPDX-License-Identifier: Apache-2.0
// alluvium version: this build, and the libraries it runs on.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <caf/config.hpp>
#include <hs/hs.h>
#include <librdkafka/rdkafka.h>
#include <spdlog/version.h>
#include <sqlite3.h>

#include "app/commands.hpp"
#include "app/output.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

#ifdef __clang__
constexpr auto compiler = "clang " __clang_version__;
#else
constexpr auto compiler = "g++ " __VERSION__;
#endif

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

// What is asked of a library at run time can differ from what was compiled against.
std::vector<std::pair<std::string, std::string>> facts() {
  const std::string hyperscan = ::hs_version();
  return {
      {"alluvium", ALLUVIUM_VERSION},
      {"build", ALLUVIUM_BUILD_TYPE},
      {"compiler", compiler},
      {"librdkafka", ::rd_kafka_version_str()},
      {"sqlite", ::sqlite3_libversion()},
      {"hyperscan", hyperscan.substr(0, hyperscan.find(' '))},
      {"simdjson", ALLUVIUM_SIMDJSON_VERSION},
      {"yaml-cpp", ALLUVIUM_YAML_CPP_VERSION},
      {"caf", dotted(CAF_MAJOR_VERSION, CAF_MINOR_VERSION, CAF_PATCH_VERSION)},
      {"spdlog", dotted(SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH)},
  };
}

}  // namespace

void add_version(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("version", "Prints version, build and the libraries' versions");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "As one JSON object");
  command->callback([json, &exit_code] {
    pipeline::JsonText object;
    object.object();
    for (const auto& [name, version] : facts()) {
      object.field(name, version);
      if (!*json) {
        print(name + std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') + version + "\n");
      }
    }
    if (*json) {
      print(object.end().text() + "\n");
    }
    exit_code = done;
  });
}

}  // namespace alluvium::app
