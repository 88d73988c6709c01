// SPDX-License-Identifier: Apache-2.0
// simulation --seeds N [--first S] [--threads T] [--mutation NAME]
// simulation --seed S --trace [--mutation NAME]
// simulation --list-mutations
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string_view>

#include <unistd.h>

#include "tests/simulation/campaign.hpp"
#include "tests/simulation/world.hpp"

namespace {

using namespace alluvium::simulation;

int usage() {
  std::cerr << "usage: simulation --seeds N [--first S] [--threads T] [--mutation NAME]\n"
               "       simulation --seed S [--trace] [--mutation NAME]\n"
               "       simulation --list-mutations\n";
  return 2;
}

/// Only what may be called in a signal's handler.
extern "C" void say_seed_and_die(int signal) {
  std::array<char, 64> line{"FAILED: the process died at seed "};
  auto* at = line.data() + std::strlen(line.data());
  at = std::to_chars(at, line.data() + line.size() - 1, current_seed()).ptr;
  *at++ = '\n';
  static_cast<void>(!::write(STDOUT_FILENO, line.data(), static_cast<std::size_t>(at - line.data())));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

struct Arguments {
  CampaignOptions campaign;
  std::uint64_t seed = 0;
  bool one = false, trace = false, list = false;
};

bool read(int count, char** words, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word{words[i]};
    const auto value = [&](auto& into) {
      if (++i >= count) {
        return false;
      }
      const std::string_view text{words[i]};
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
      return error == std::errc{} && end == text.data() + text.size();
    };
    if (word == "--trace") {
      arguments.trace = true;
    } else if (word == "--list-mutations") {
      arguments.list = true;
    } else if (word == "--mutation" && i + 1 < count) {
      const auto found = find_mutation(words[++i]);
      if (!found) {
        return false;
      }
      arguments.campaign.mutation = *found;
    } else if (word == "--seed") {
      arguments.one = true;
      if (!value(arguments.seed)) {
        return false;
      }
    } else if (!(word == "--seeds" && value(arguments.campaign.seeds)) &&
               !(word == "--first" && value(arguments.campaign.first)) &&
               !(word == "--threads" && value(arguments.campaign.threads))) {
      return false;
    }
  }
  return arguments.one || arguments.list || arguments.campaign.seeds > 0;
}

int run_one(const Arguments& arguments) {
  const auto verdict =
      alluvium::simulation::run(arguments.seed, arguments.campaign.mutation, arguments.trace ? &std::cout : nullptr);
  std::cout << "seed " << arguments.seed << ": "
            << (verdict.failed() ? verdict.fault : "all well, " + std::to_string(verdict.steps) + " steps") << '\n';
  return verdict.failed() ? 1 : 0;
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  if (!read(count, words, arguments)) {
    return usage();
  }
  if (arguments.list) {
    for (const auto& entry : mutations()) {
      std::printf("%-26s %s\n", std::string{entry.name}.c_str(), std::string{entry.what}.c_str());
    }
    return 0;
  }
  if (arguments.one) {
    return run_one(arguments);
  }
  std::signal(SIGABRT, say_seed_and_die);
  std::signal(SIGSEGV, say_seed_and_die);
  const auto started = std::chrono::steady_clock::now();
  const auto result = run_campaign(arguments.campaign);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  std::printf("%llu seeds from %llu, %llu steps, in %.1f s: %.0f seeds a second\n",
              static_cast<unsigned long long>(result.seeds), static_cast<unsigned long long>(arguments.campaign.first),
              static_cast<unsigned long long>(result.steps), took.count(),
              static_cast<double>(result.seeds) / took.count());
  for (const auto& failure : result.failures) {
    std::printf("FAILED seed %llu: %s\n", static_cast<unsigned long long>(failure.seed), failure.fault.c_str());
  }
  std::printf("%llu failed\n", static_cast<unsigned long long>(result.failed));
  return result.failed == 0 ? 0 : 1;
}
