// SPDX-License-Identifier: Apache-2.0
// evaluation COMMAND: measures what the engine decides against what people said (docs/evaluation.md).
#include <array>
#include <cstdio>
#include <string_view>

#include "bench/eval/commands.hpp"

namespace {

struct Command {
  std::string_view name;
  int (*run)(int argc, char** argv);
};

constexpr std::array commands = {
    Command{"selection", alluvium::bench::run_selection},
    Command{"score-cost", alluvium::bench::run_score_cost},
    Command{"dedupe", alluvium::bench::run_dedupe},
};

}  // namespace

int main(int argc, char** argv) {
  for (const auto& command : commands) {
    if (argc > 1 && command.name == argv[1]) {
      return command.run(argc - 1, argv + 1);
    }
  }
  std::fputs("usage: evaluation COMMAND [--help], one of:", stderr);
  for (const auto& command : commands) {
    std::fprintf(stderr, " %s", command.name.data());
  }
  std::fputs("\n", stderr);
  return 2;
}
