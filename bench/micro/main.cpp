// SPDX-License-Identifier: Apache-2.0
// micro [--benchmark_...]: what single steps of a message's way cost, on one thread (docs/benchmarks.md).
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include <benchmark/benchmark.h>
#include <caf/config.hpp>
#include <hs/hs.h>
#include <sqlite3.h>

#include "app/allocator.hpp"
#include "bench/micro/suites.hpp"
#include "commit.hpp"
#include "pipeline/error.hpp"

namespace alluvium::bench {
namespace {

#ifdef __clang__
constexpr auto compiler = "clang " __clang_version__;
#else
constexpr auto compiler = "g++ " __VERSION__;
#endif

std::string processor() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);) {
    if (const auto colon = line.find(": "); line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

/// What a figure can't be read without; it stands in the results beside what the library itself says.
void describe(int argc, char** argv) {
  std::string command;
  for (int i = 0; i < argc; ++i) {
    command.append(i == 0 ? "" : " ").append(argv[i]);
  }
  const std::string hyperscan = ::hs_version();
  benchmark::AddCustomContext("commit", MICRO_COMMIT);
  benchmark::AddCustomContext("cpu", processor());
  benchmark::AddCustomContext("command", command);
  benchmark::AddCustomContext("build", MICRO_BUILD);
  benchmark::AddCustomContext("compiler", compiler);
  benchmark::AddCustomContext("caf", std::to_string(CAF_MAJOR_VERSION) + "." + std::to_string(CAF_MINOR_VERSION) + "." +
                                         std::to_string(CAF_PATCH_VERSION));
  benchmark::AddCustomContext("hyperscan", hyperscan.substr(0, hyperscan.find(' ')));
  benchmark::AddCustomContext("sqlite", ::sqlite3_libversion());
}

int run(int argc, char** argv) {
  // The allocator as the engine has it: this call brings its settings into the program.
  app::release_unused();
  describe(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  add_decode();
  add_route();
  add_buffer();
  add_rules();
  add_dedupe();
  add_selection();
  add_ledger();
  add_store();
  const auto ran = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return ran > 0 ? 0 : 2;
}

}  // namespace
}  // namespace alluvium::bench

int main(int argc, char** argv) {
  try {
    return alluvium::bench::run(argc, argv);
  } catch (const tl::bad_expected_access<alluvium::pipeline::Error>& failure) {
    std::fprintf(stderr, "micro: %s\n", failure.error().detail.c_str());
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "micro: %s\n", failure.what());
  }
  return 1;
}
