// SPDX-License-Identifier: Apache-2.0
// evaluation score-cost: what the value score and the selector take of one thread, per message.
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/eval/chosen.hpp"
#include "bench/eval/commands.hpp"
#include "pipeline/value_selector.hpp"

namespace alluvium::bench {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

}  // namespace

int run_score_cost(int argc, char** argv) {
  CLI::App app{"Microseconds per message of the value score and of the selector, one thread; best and median of runs"};
  std::vector<std::string> message_files;
  std::size_t runs = 9;
  app.add_option("--messages", message_files, "NDJSON of messages, plain or .gz")->required();
  app.add_option("--runs", runs, "Times that all messages are scored")->check(CLI::Range(1, 1000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const auto conversations = read_conversations(message_files);
  if (!conversations) {
    std::fprintf(stderr, "evaluation: %s\n", conversations.error().detail.c_str());
    return 1;
  }
  std::size_t bytes = 0;
  for (const auto& message : conversations->messages) {
    bytes += message.content.size();
  }
  const auto count = static_cast<double>(conversations->messages.size());
  std::vector<double> scoring;
  std::vector<double> selecting;
  const auto scorer = pipeline::ValueScorer::make();
  pipeline::ValueScorer::Scratch scratch;
  for (std::size_t run = 0; run < runs; ++run) {
    Values values;
    values.reserve(conversations->messages.size());
    const auto start = Clock::now();
    for (const auto& message : conversations->messages) {
      values.push_back(scorer->score(message.content, message.role, scratch));
    }
    scoring.push_back(microseconds_since(start) / count);
    const auto middle = Clock::now();
    pipeline::ValueSelector selector{{.rate = .2, .agent_rates = {}}};
    for (std::size_t i = 0; i < values.size(); ++i) {
      selector.take(conversations->messages[i].agent_id, values[i], false);
    }
    selecting.push_back(microseconds_since(middle) / count);
  }
  std::ranges::sort(scoring);
  std::ranges::sort(selecting);
  std::printf("%zu messages, %.0f bytes each on average\n", conversations->messages.size(),
              static_cast<double>(bytes) / count);
  std::printf("score:    %.3f us a message (median %.3f)\n", scoring.front(), scoring[runs / 2]);
  std::printf("selector: %.3f us a message (median %.3f)\n", selecting.front(), selecting[runs / 2]);
  return 0;
}

}  // namespace alluvium::bench
