// SPDX-License-Identifier: Apache-2.0
// evaluation selection: how much of what people asked for later a model would have seen, at each rate.
#include <cstdio>
#include <string>
#include <unordered_set>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/eval/chosen.hpp"
#include "bench/eval/commands.hpp"

namespace alluvium::bench {
namespace {

constexpr std::uint64_t seeds = 20;

struct Row {
  double rate;
  const char* by;
  Reached reached;
};

Reached mean_of_random(const Values& values, const Labels& labels, double rate) {
  Reached sum;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto one = reached(chosen_at_random(values, rate, seed), values, labels);
    sum.evidence += one.evidence / seeds;
    sum.questions += one.questions / seeds;
    sum.realised += one.realised / seeds;
  }
  return sum;
}

void print_json(const Conversations& conversations, const Labels& labels, std::size_t agents,
                const std::vector<Row>& rows) {
  std::printf(
      "{\"messages\":%zu,\"agents\":%zu,\"undecodable\":%zu,\"evidence_messages\":%zu,\"questions\":%zu,"
      "\"questions_without_evidence\":%zu,\"rows\":[",
      conversations.messages.size(), agents, conversations.undecodable, labels.evidence.size(), labels.items.size(),
      labels.without_evidence);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [rate, by, what] = rows[i];
    std::printf("%s{\"rate\":%g,\"by\":\"%s\",\"evidence\":%.4f,\"questions\":%.4f,\"realised\":%.4f}",
                i == 0 ? "" : ",", rate, by, what.evidence, what.questions, what.realised);
  }
  std::puts("]}");
}

void print_table(const Conversations& conversations, const Labels& labels, std::size_t agents,
                 const std::vector<Row>& rows) {
  std::printf("%zu messages of %zu agents, %zu of them evidence for %zu questions\n", conversations.messages.size(),
              agents, labels.evidence.size(), labels.items.size());
  std::printf("%-6s %-8s %10s %10s %10s\n", "rate", "by", "evidence", "questions", "realised");
  for (const auto& [rate, by, what] : rows) {
    std::printf("%-6g %-8s %10.3f %10.3f %10.3f\n", rate, by, what.evidence, what.questions, what.realised);
  }
}

}  // namespace

int run_selection(int argc, char** argv) {
  CLI::App app{"Share of evidence messages, and of questions all of whose evidence, that selection reaches"};
  std::vector<std::string> message_files;
  std::vector<std::string> label_files;
  std::vector<double> rates{.1, .2, .3, .4, .5, .6};
  bool json = false;
  app.add_option("--messages", message_files, "NDJSON of messages, plain or .gz; merged by time")->required();
  app.add_option("--labels", label_files, "NDJSON of labels, plain or .gz")->required();
  app.add_option("--rates", rates, "Shares of message tokens")->delimiter(',')->check(CLI::Range(0.0, 1.0));
  app.add_flag("--json", json, "One JSON object instead of a table");
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
  if (conversations->undecodable > 0) {
    std::fprintf(stderr, "evaluation: %zu lines are no messages and left out\n", conversations->undecodable);
  }
  const auto labels = read_labels(label_files, *conversations);
  if (!labels) {
    std::fprintf(stderr, "evaluation: %s\n", labels.error().detail.c_str());
    return 1;
  }
  std::unordered_set<std::string_view> agents;
  for (const auto& message : conversations->messages) {
    agents.insert(message.agent_id);
  }
  const auto values = values_of(*conversations);
  std::vector<Row> rows;
  for (const double rate : rates) {
    rows.push_back({rate, "random", mean_of_random(values, *labels, rate)});
    rows.push_back({rate, "hash", reached(chosen_by_hash(*conversations, rate), values, *labels)});
    rows.push_back({rate, "value", reached(chosen_by_value(*conversations, rate), values, *labels)});
  }
  (json ? print_json : print_table)(*conversations, *labels, agents.size(), rows);
  return 0;
}

}  // namespace alluvium::bench
