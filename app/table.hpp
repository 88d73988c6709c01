// SPDX-License-Identifier: Apache-2.0
// Aligned columns for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace alluvium::app {

/// Rows a table holds at most; a command asks for no more and says so.
inline constexpr std::size_t table_rows_max = 10'000;

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
  bool gives_way = false;  ///< Is cut first where the terminal is too narrow.
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_{std::move(columns)} {}
  /// One cell per column.
  void add(std::vector<std::string> cells);
  [[nodiscard]] std::size_t rows() const {
    return rows_.size();
  }
  /// No line is longer than `width` code points; what is cut ends in an ellipsis. Control
  /// characters become blanks, so that a message can't steer the terminal. `styled`: bold titles.
  [[nodiscard]] std::string text(std::size_t width, bool styled) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths(std::size_t width) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// `text` with blanks for control characters, cut to `width` code points.
[[nodiscard]] std::string cell(std::string_view text, std::size_t width);
/// 1234567 as 1,234,567.
[[nodiscard]] std::string with_commas(std::int64_t number);

}  // namespace alluvium::app
