// SPDX-License-Identifier: Apache-2.0
// workload: chat messages for benchmarks, to a topic or as NDJSON on stdout; the same options give the same bytes.
#include <cstdio>
#include <fstream>
#include <string>

#include <CLI/CLI.hpp>

#include "bench/workload/messages.hpp"
#include "bench/workload/producer.hpp"

namespace {

using alluvium::bench::Messages;
using alluvium::bench::ProducerOptions;
using alluvium::bench::WorkloadOptions;

struct Arguments {
  WorkloadOptions workload;
  ProducerOptions producer;
  std::string rules_file;
  std::string patterns_file;
};

void add_options(CLI::App& app, Arguments& to) {
  app.add_option("--messages", to.workload.messages, "How many; 0 writes only the rules")->capture_default_str();
  app.add_option("--agents", to.workload.agents, "How many they belong to")
      ->check(CLI::Range(1U, 4'000'000'000U))
      ->capture_default_str();
  app.add_option("--skew", to.workload.skew, "Exponent of the agents' Zipf law; 0: all are equally busy")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  app.add_option("--length", to.workload.length, "Mean content of a message that is not noise, bytes")
      ->check(CLI::Range(30, 100'000))
      ->capture_default_str();
  app.add_option("--match", to.workload.match, "Share of messages that a rule matches")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--noise", to.workload.noise, "Share of greetings and acknowledgements")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--rules", to.workload.rules, "How many rules there are to match")
      ->check(CLI::Range(0, 2600))
      ->capture_default_str();
  app.add_option("--seed", to.workload.seed)->capture_default_str();
  app.add_option("--write-rules", to.rules_file, "Write the rules here, as rules_file of Alluvium takes them");
  app.add_option("--write-patterns", to.patterns_file, "Write the rules here, a line ID<tab>PATTERN each");
  auto* topic = app.add_option("--topic", to.producer.topic, "Write to this topic, keyed by agent, not to stdout");
  auto* brokers = app.add_option("--brokers", to.producer.brokers, "host:port")->needs(topic);
  topic->needs(brokers);
  app.add_option("--rate", to.producer.rate, "Messages per second to the topic; 0: as fast as it takes them")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--compression", to.producer.compression, "none, gzip, snappy, lz4 or zstd")->capture_default_str();
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream out{path, std::ios::binary};
  out << text;
  out.close();
  return !out.fail();
}

bool write_lines(Messages& messages) {
  while (messages.next()) {
    std::fwrite(messages.value().data(), 1, messages.value().size(), stdout);
    std::fputc('\n', stdout);
  }
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Chat messages for benchmarks. The same options give the same bytes."};
  add_options(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (arguments.workload.match + arguments.workload.noise > 1) {
    std::fputs("workload: --match and --noise are more than all messages\n", stderr);
    return 2;
  }
  const auto rules = alluvium::bench::make_rules(arguments.workload.rules);
  for (const auto& [path, text] : {std::pair{arguments.rules_file, alluvium::bench::rules_as_yaml(rules)},
                                   std::pair{arguments.patterns_file, alluvium::bench::rules_as_lines(rules)}}) {
    if (!path.empty() && !write_file(path, text)) {
      std::fprintf(stderr, "workload: %s could not be written\n", path.c_str());
      return 1;
    }
  }
  Messages messages{arguments.workload};
  if (arguments.producer.topic.empty()) {
    return write_lines(messages) ? 0 : 1;
  }
  const auto produced = alluvium::bench::produce(messages, arguments.producer);
  if (!produced) {
    std::fprintf(stderr, "workload: %s\n", produced.error().c_str());
    return 1;
  }
  std::fprintf(stderr, "workload: %llu messages\n", static_cast<unsigned long long>(*produced));
  return 0;
}
