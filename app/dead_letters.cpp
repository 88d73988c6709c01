// SPDX-License-Identifier: Apache-2.0
// alluvium dead-letters: messages that could not be processed, each with the reason.
#include <charconv>
#include <memory>
#include <optional>
#include <string>

#include "app/commands.hpp"
#include "app/listing.hpp"
#include "app/output.hpp"
#include "app/records.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

std::optional<std::int64_t> number_of(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

int show(connectors::SqliteReader& store, const ListingOptions& options, std::int64_t number) {
  std::optional<connectors::DeadLetterRow> found;
  const auto read = store.dead_letters({}, [&](const connectors::DeadLetterRow& row) {
    if (row.number == number) {
      found = row;
    }
    return !found;
  });
  if (!read) {
    return report(read.error());
  }
  if (!found) {
    complain("no dead letter " + options.id);
    return work_failed;
  }
  if (show_as_json(options)) {
    print(dead_letter_json(*found) + "\n");
    return done;
  }
  const auto& letter = found->letter;
  print(aligned({{"number", std::to_string(found->number)},
                 {"from", place(found->topic, found->partition, letter.position)},
                 {"key", letter.key},
                 {"message", letter.message_id},
                 {"reason", std::string{pipeline::name(letter.reason)}},
                 {"detail", letter.detail},
                 {"record", std::to_string(letter.payload_bytes) + " bytes, " + std::to_string(letter.payload.size()) +
                                " of them kept"},
                 {"created", pipeline::iso8601(found->created_ms)},
                 {"payload", letter.payload}}));
  return done;
}

int drop(connectors::SqliteReader& store, std::int64_t number) {
  const auto dropped = store.drop_dead_letter(number);
  if (!dropped) {
    return report(dropped.error());
  }
  if (!*dropped) {
    complain("no dead letter " + std::to_string(number));
    return work_failed;
  }
  print("dropped " + std::to_string(number) + "\n");
  return done;
}

int dead_letters(const ListingOptions& options) {
  const auto number = number_of(options.id);
  if (!options.id.empty() && !number) {
    complain("a dead letter's id is its number, not " + options.id);
    return wrong_usage;
  }
  const auto store = open_store(options.store);
  if (!store) {
    return report(store.error());
  }
  if (number) {
    return options.action == "show" ? show(**store, options, *number) : drop(**store, *number);
  }
  Listing listing{options,
                  {{.title = "N", .align = Align::right},
                   {.title = "FROM", .gives_way = true},
                   {.title = "KEY", .gives_way = true},
                   {.title = "REASON"},
                   {.title = "DETAIL", .gives_way = true},
                   {.title = "PAYLOAD", .gives_way = true}}};
  const auto read = (*store)->dead_letters(listing.filter(), [&](const connectors::DeadLetterRow& row) {
    return listing.as_table()
               ? listing.add_row({std::to_string(row.number), place(row.topic, row.partition, row.letter.position),
                                  row.letter.key, std::string{pipeline::name(row.letter.reason)}, row.letter.detail,
                                  row.letter.payload})
               : print_line(dead_letter_json(row));
  });
  listing.finish("no dead letters");
  return read ? done : report(read.error());
}

}  // namespace

void add_dead_letters(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("dead-letters", "Lists, shows, exports or drops dead letters");
  auto options = std::make_shared<ListingOptions>();
  add_listing_options(*command, *options, {"show", "drop"});
  command->callback([options, &exit_code] { exit_code = dead_letters(*options); });
}

}  // namespace alluvium::app
