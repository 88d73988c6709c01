// SPDX-License-Identifier: Apache-2.0
// alluvium ledger: how far each partition is, and the proof that in = out.
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/output.hpp"
#include "app/records.hpp"
#include "app/store_choice.hpp"
#include "app/table.hpp"

namespace alluvium::app {
namespace {

struct Options {
  StoreChoice store;
  std::string action;
  bool json = false;
};

int show(connectors::SqliteReader& store, bool json) {
  const auto partitions = store.partitions();
  if (!partitions) {
    return report(partitions.error());
  }
  std::vector<Column> columns = {{.title = "TOPIC", .gives_way = true}};
  for (const auto* title : {"PART", "START", "WATERMARK", "DONE ABOVE", "BATCHES", "EXTRACTED", "EMPTY", "SKIPPED",
                            "NOISE", "DEAD", "PENDING", "GAPS", "LOST"}) {
    columns.push_back({.title = title, .align = Align::right});
  }
  Table table{columns};
  for (const auto& row : *partitions) {
    if (json) {
      print(partition_json(row) + "\n");
      continue;
    }
    std::vector<std::string> cells = {row.topic};
    for (const auto number :
         {std::int64_t{row.partition}, row.start_offset, row.watermark, row.done_above, row.batches}) {
      cells.push_back(std::to_string(number));
    }
    for (const auto number : row.outcomes.of) {
      cells.push_back(std::to_string(number));
    }
    cells.push_back(std::to_string(row.gaps));
    cells.push_back(std::to_string(row.lost));
    table.add(std::move(cells));
  }
  if (!json && table.rows() > 0) {
    print(table.text(table_width(), stdout_is_terminal() && may_style()));
  } else if (partitions->empty()) {
    complain("the ledger is empty: nothing was read yet");
  }
  return done;
}

std::string verdict(const pipeline::AuditReport& audit) {
  std::string text = audit.partition.topic + "/" + std::to_string(audit.partition.partition) + ": offsets " +
                     std::to_string(audit.from) + " to " + std::to_string(audit.watermark) + ", " +
                     with_commas(audit.messages) + " messages =";
  std::string plus = " ";
  for (std::size_t i = 0; i < pipeline::outcome_count; ++i) {
    text +=
        plus + with_commas(audit.outcomes.of[i]) + " " + std::string{pipeline::name(static_cast<pipeline::Outcome>(i))};
    plus = " + ";
  }
  if (audit.gaps > 0) {
    text += "; offsets without a record: " + with_commas(audit.gaps);
  }
  if (audit.lost > 0) {
    text += "; offsets lost to retention: " + with_commas(audit.lost);
  }
  text += audit.faults.empty() ? ": ok\n" : ": NOT PROVED\n";
  for (const auto& fault : audit.faults) {
    text += "  " + fault + "\n";
  }
  return text;
}

int verify(connectors::SqliteReader& store, bool json) {
  const auto audits = store.verify();
  if (!audits) {
    return report(audits.error());
  }
  bool proved = true;
  for (const auto& audit : *audits) {
    proved = proved && audit.faults.empty();
    print(json ? audit_json(audit) + "\n" : verdict(audit));
  }
  if (!json && audits->empty()) {
    complain("the ledger is empty: nothing was read yet");
  } else if (!json) {
    print(proved ? "in = out\n" : "in and out differ\n");
  }
  return proved ? done : work_failed;
}

int ledger(const Options& options) {
  const auto store = open_store(options.store);
  if (!store) {
    return report(store.error());
  }
  return options.action == "show" ? show(**store, options.json) : verify(**store, options.json);
}

}  // namespace

void add_ledger(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("ledger", "show: how far each partition is; verify: proves that in = out");
  auto options = std::make_shared<Options>();
  command->add_option("action", options->action, "show or verify")
      ->required()
      ->check(CLI::IsMember({"show", "verify"}));
  command->add_flag("--json", options->json, "One JSON object per partition");
  add_store_options(*command, options->store);
  command->callback([options, &exit_code] { exit_code = ledger(*options); });
}

}  // namespace alluvium::app
