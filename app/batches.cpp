// SPDX-License-Identifier: Apache-2.0
// alluvium batches: the record of each batch, with how each of its messages ended.
#include <memory>
#include <string>

#include "app/commands.hpp"
#include "app/listing.hpp"
#include "app/output.hpp"
#include "app/records.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

// What models are still to be asked about it.
void show_requests(const connectors::BatchRow& batch) {
  if (batch.requests.empty()) {
    return;
  }
  Table table{{{.title = "REQUEST"},
               {.title = "STATE"},
               {.title = "MESSAGES", .align = Align::right},
               {.title = "ATTEMPTS", .align = Align::right},
               {.title = "NOT BEFORE"},
               {.title = "REASON", .gives_way = true}}};
  for (const auto& request : batch.requests) {
    table.add({request.tier, request.state, std::to_string(request.messages), std::to_string(request.attempts),
               request.due_ms == 0 ? "now" : pipeline::iso8601(request.due_ms), request.reason});
  }
  print("\n" + table.text(table_width(), stdout_is_terminal() && may_style()));
}

int show(connectors::SqliteReader& store, const ListingOptions& options) {
  const auto batch = store.batch(options.id);
  if (!batch) {
    return report(batch.error());
  }
  if (!*batch) {
    complain("no batch " + options.id);
    return work_failed;
  }
  const auto& row = **batch;
  if (show_as_json(options)) {
    print(batch_json(row, true) + "\n");
    return done;
  }
  print(aligned({{"id", row.id},
                 {"agent", row.agent_id},
                 {"from", row.topic + "/" + std::to_string(row.partition)},
                 {"outcome", row.outcome},
                 {"messages", std::to_string(row.outcomes.size())},
                 {"memories", std::to_string(row.memories)},
                 {"started", pipeline::iso8601(row.started_ms)},
                 {"ended", pipeline::iso8601(row.ended_ms)},
                 {"cost", usage_text(usage_of(row.calls))}}));
  Table table{{{.title = "MESSAGE", .gives_way = true}, {.title = "FROM", .gives_way = true}, {.title = "OUTCOME"}}};
  for (std::size_t i = 0; i < row.message_ids.size(); ++i) {
    table.add({row.message_ids[i], place(row.topic, row.partition, row.positions.at(i)),
               std::string{pipeline::name(row.outcomes.at(i))}});
  }
  print("\n" + table.text(table_width(), stdout_is_terminal() && may_style()));
  show_requests(row);
  return done;
}

int batches(const ListingOptions& options) {
  const auto store = open_store(options.store);
  if (!store) {
    return report(store.error());
  }
  if (options.action == "show") {
    return show(**store, options);
  }
  Listing listing{options,
                  {{.title = "ID"},
                   {.title = "AGENT", .gives_way = true},
                   {.title = "FROM", .gives_way = true},
                   {.title = "OUTCOME"},
                   {.title = "MESSAGES", .align = Align::right},
                   {.title = "MEMORIES", .align = Align::right},
                   {.title = "ENDED"}}};
  const auto read = (*store)->batches(listing.filter(), [&](const connectors::BatchRow& row) {
    return listing.as_table() ? listing.add_row({row.id, row.agent_id, row.topic + "/" + std::to_string(row.partition),
                                                 row.outcome, std::to_string(row.outcomes.size()),
                                                 std::to_string(row.memories), pipeline::iso8601(row.ended_ms)})
                              : print_line(batch_json(row));
  });
  listing.finish("no batches");
  return read ? done : report(read.error());
}

}  // namespace

void add_batches(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("batches", "Lists, shows or exports batch records");
  auto options = std::make_shared<ListingOptions>();
  add_listing_options(*command, *options, {"show"});
  command->callback([options, &exit_code] { exit_code = batches(*options); });
}

}  // namespace alluvium::app
