// SPDX-License-Identifier: Apache-2.0
// What memories, batches and dead-letters have in common: list, show, export.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <CLI/App.hpp>

#include "app/store_choice.hpp"
#include "app/table.hpp"
#include "connectors/sqlite_reader.hpp"

namespace alluvium::app {

struct ListingOptions {
  StoreChoice store;
  std::string action = "list";
  std::string id;
  std::string agent_id;
  std::int64_t limit = -1;  ///< -1: not said.
  bool json = false;
  bool table = false;
};

/// Adds ACTION, ID, --agent, --limit, --json, --table and the store's options. `actions` are those
/// that take an ID, besides list and export.
void add_listing_options(CLI::App& command, ListingOptions& options, std::vector<std::string> actions_with_id);

/// What `list` and `export` print: a table where the reader is a person, else NDJSON as it comes.
class Listing {
 public:
  /// Rows of a table if --limit does not say.
  static constexpr std::int64_t rows_default = 100;

  Listing(const ListingOptions& options, std::vector<Column> columns);
  /// True: rows are wanted by add_row(), else lines by print_line().
  [[nodiscard]] bool as_table() const {
    return as_table_;
  }
  [[nodiscard]] connectors::RowFilter filter() const;
  /// False if the table is full: the reader may stop.
  bool add_row(std::vector<std::string> cells);
  /// Prints the table, and on stderr whether there is more. `nothing` is said if there was no row.
  void finish(const std::string& nothing);

 private:
  const ListingOptions& options_;
  bool as_table_;
  std::int64_t rows_max_;
  bool more_ = false;
  Table table_;
};

/// Prints one JSON object and a line end; true, which tells the reader to go on.
bool print_line(const std::string& object);
/// "key:  value" lines, aligned: what `show` prints to a person.
[[nodiscard]] std::string aligned(const std::vector<std::pair<std::string, std::string>>& fields);
[[nodiscard]] std::string joined(const std::vector<std::string>& items, const std::string& separator);
/// True for YYYY-MM.
[[nodiscard]] bool is_month(const std::string& text);
/// True if `show` is to print JSON.
[[nodiscard]] bool show_as_json(const ListingOptions& options);

}  // namespace alluvium::app
