// SPDX-License-Identifier: Apache-2.0
// alluvium test: runs the unit tests that a user wrote for rules and filters.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/commands.hpp"
#include "app/config_input.hpp"
#include "app/output.hpp"
#include "config/test_file.hpp"
#include "pipeline/extraction.hpp"

namespace alluvium::app {
namespace {

// One batch per agent, in order of their first messages: what the engine would flush at once.
std::vector<pipeline::Batch> batches_of(const config::TestCase& test) {
  std::vector<pipeline::Batch> batches;
  std::int64_t offset = 0;
  for (const auto& message : test.messages) {
    auto batch = batches.begin();
    while (batch != batches.end() && batch->agent_id() != message.agent_id) {
      ++batch;
    }
    if (batch == batches.end()) {
      batch = batches.insert(batch, pipeline::Batch{message.agent_id});
    }
    pipeline::MessageView view;
    view.id = message.id;
    view.agent_id = message.agent_id;
    view.content = message.content;
    view.role = message.role;
    view.position.offset = ++offset;
    batch->append(view);
  }
  return batches;
}

int run_tests(const std::string& path) {
  const auto file = config::load_test_file(path);
  for (const auto& fault : file.faults) {
    complain(fault.text());
  }
  if (!file.faults.empty()) {
    return wrong_usage;
  }
  auto loaded = config::config_of(file, path, process_environment());
  loaded.warnings.clear();  // They are about running the engine.
  const auto config = usable(std::move(loaded));
  if (!config) {
    return wrong_usage;
  }
  const auto& extraction = config->config.engine.extraction;
  const pipeline::ExtractionOptions options{.rules = extraction.rules, .filters = extraction.filters};
  pipeline::RuleSet::Scratch scratch{*options.rules};
  std::size_t failed = 0;
  for (const auto& test : file.tests) {
    std::vector<pipeline::ExtractedBatch> done_batches;
    for (auto& batch : batches_of(test)) {
      done_batches.push_back(pipeline::extract(std::move(batch), "test", 0, options, scratch));
    }
    const auto differences = pipeline::differences(test.expected, done_batches);
    print((differences.empty() ? "ok    " : "FAIL  ") + test.name + "\n");
    for (const auto& difference : differences) {
      print("      " + difference + "\n");
    }
    if (!differences.empty()) {
      print("      " + path + ":" + std::to_string(test.line) + "\n");
      ++failed;
    }
  }
  print(std::to_string(file.tests.size() - failed) + " passed, " + std::to_string(failed) + " failed\n");
  return failed == 0 ? done : work_failed;
}

}  // namespace

void add_test(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("test", "Runs unit tests for rules and filters, written in YAML");
  auto path = std::make_shared<std::string>();
  command->add_option("file", *path, "The tests")->required();
  command->callback([path, &exit_code] { exit_code = run_tests(*path); });
}

}  // namespace alluvium::app
