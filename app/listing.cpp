// SPDX-License-Identifier: Apache-2.0
#include "app/listing.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "app/output.hpp"

namespace alluvium::app {

void add_listing_options(CLI::App& command, ListingOptions& options, std::vector<std::string> actions_with_id) {
  std::vector<std::string> actions = {"list", "export"};
  actions.insert(actions.end(), actions_with_id.begin(), actions_with_id.end());
  auto* action =
      command.add_option("action", options.action, "What to do")->check(CLI::IsMember(actions))->capture_default_str();
  auto* id = command.add_option("id", options.id, "Which one, for " + joined(actions_with_id, " and "))->needs(action);
  command.add_option("--agent", options.agent_id, "Only this agent's");
  command.add_option("--limit", options.limit, "At most this many")->check(CLI::NonNegativeNumber);
  auto* json = command.add_flag("--json", options.json, "One JSON object per line, also on a terminal");
  command.add_flag("--table", options.table, "A table, also into a pipe")->excludes(json);
  add_store_options(command, options.store);
  command.parse_complete_callback([&options, id, actions_with_id] {
    const bool wants_id =
        std::find(actions_with_id.begin(), actions_with_id.end(), options.action) != actions_with_id.end();
    if (wants_id == id->empty()) {
      throw CLI::ValidationError(options.action, wants_id ? "which one?" : "takes no id");
    }
  });
}

Listing::Listing(const ListingOptions& options, std::vector<Column> columns)
    : options_{options},
      as_table_{options.action == "list" && !options.json && (options.table || stdout_is_terminal())},
      rows_max_{std::min(options.limit < 0 ? rows_default : options.limit, static_cast<std::int64_t>(table_rows_max))},
      table_{std::move(columns)} {}

connectors::RowFilter Listing::filter() const {
  // One more than is shown tells whether there is more.
  return {.agent_id = options_.agent_id, .limit = as_table_ ? rows_max_ + 1 : options_.limit};
}

bool Listing::add_row(std::vector<std::string> cells) {
  if (std::cmp_equal(table_.rows(), rows_max_)) {
    more_ = true;
    return false;
  }
  table_.add(std::move(cells));
  return true;
}

bool print_line(const std::string& object) {
  print(object + "\n");
  return true;
}

void Listing::finish(const std::string& nothing) {
  if (!as_table_) {
    return;
  }
  if (table_.rows() == 0 && !more_) {
    complain(nothing);
    return;
  }
  print(table_.text(table_width(), stdout_is_terminal() && may_style()));
  if (more_) {
    complain("these are the first " + std::to_string(rows_max_) + "; --limit N shows more, --json all");
  }
}

std::string aligned(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t widest = 0;
  for (const auto& field : fields) {
    widest = std::max(widest, field.first.size());
  }
  std::string out;
  for (const auto& [name, value] : fields) {
    out += name + ":";
    if (!value.empty()) {
      out += std::string(widest - name.size() + 2, ' ') + cell(value, std::string::npos);
    }
    out += "\n";
  }
  return out;
}

std::string joined(const std::vector<std::string>& items, const std::string& separator) {
  std::string out;
  for (const auto& item : items) {
    out += (out.empty() ? "" : separator) + item;
  }
  return out;
}

bool is_month(const std::string& text) {
  const auto digits = [&](std::size_t from, std::size_t count) {
    return text.substr(from, count).find_first_not_of("0123456789") == std::string::npos;
  };
  return text.size() == 7 && digits(0, 4) && text[4] == '-' && digits(5, 2) && text.substr(5) >= "01" &&
         text.substr(5) <= "12";
}

bool show_as_json(const ListingOptions& options) {
  return options.json || (!options.table && !stdout_is_terminal());
}

}  // namespace alluvium::app
