// SPDX-License-Identifier: Apache-2.0
// alluvium memories: what is remembered.
#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "app/commands.hpp"
#include "app/listing.hpp"
#include "app/output.hpp"
#include "app/records.hpp"

namespace alluvium::app {
namespace {

std::string importance(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2g", value);
  return text.data();
}

int show(connectors::SqliteReader& store, const ListingOptions& options) {
  const auto memory = store.memory(options.id);
  if (!memory) {
    return report(memory.error());
  }
  if (!*memory) {
    complain("no memory " + options.id);
    return work_failed;
  }
  const auto& row = **memory;
  if (show_as_json(options)) {
    print(memory_json(row) + "\n");
    return done;
  }
  std::vector<std::pair<std::string, std::string>> fields = {
      {"id", row.id},
      {"agent", row.agent_id},
      {"session", row.session_id},
      {"user", row.user_id},
      {"content", row.content},
      {"type", row.type},
      {"importance", importance(row.importance)},
      {"keywords", joined(row.keywords, ", ")},
      {"made by", row.method + (row.rule_id.empty() ? "" : ": " + row.rule_id)},
      {"batch", row.batch_id},
      {"rests on", joined(row.source_message_ids, ", ")},
      {"created", row.created_at}};
  if (row.connections != "[]") {
    fields.emplace_back("connections", row.connections);
  }
  print(aligned(fields));
  return done;
}

int memories(const ListingOptions& options) {
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
                   {.title = "TYPE"},
                   {.title = "IMP", .align = Align::right},
                   {.title = "RULE", .gives_way = true},
                   {.title = "CONTENT", .gives_way = true}}};
  const auto read = (*store)->memories(listing.filter(), [&](const connectors::MemoryRow& row) {
    return listing.as_table()
               ? listing.add_row({row.id, row.agent_id, row.type, importance(row.importance), row.rule_id, row.content})
               : print_line(memory_json(row));
  });
  listing.finish("no memories");
  return read ? done : report(read.error());
}

}  // namespace

void add_memories(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("memories", "Lists, shows or exports memories");
  auto options = std::make_shared<ListingOptions>();
  add_listing_options(*command, *options, {"show"});
  command->callback([options, &exit_code] { exit_code = memories(*options); });
}

}  // namespace alluvium::app
