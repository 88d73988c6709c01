// SPDX-License-Identifier: Apache-2.0
#include "app/table.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

namespace alluvium::app {
namespace {

constexpr std::size_t gap = 2;        // Blanks between columns.
constexpr std::size_t narrowest = 8;  // A column that gives way keeps this much.
constexpr std::string_view ellipsis = "\u2026";

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); }));
}

// The first `count` code points of `text`.
std::string_view head(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size() && (continues(text[end]) || count > 0)) {
    count -= continues(text[end]) ? 0U : 1U;
    ++end;
  }
  return text.substr(0, end);
}

std::string plain(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20U || byte == 0x7FU) {
      out.push_back(' ');
    } else if (byte == 0xC2U && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0U) {
      out.push_back(' ');  // U+0080..U+009F, which some terminals obey too.
      ++i;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string cut(std::string text, std::size_t width) {
  if (code_points(text) <= width) {
    return text;
  }
  return width == 0 ? std::string{} : std::string{head(text, width - 1)}.append(ellipsis);
}

std::string padded(std::string text, std::size_t width, Align align, bool last) {
  const std::size_t used = code_points(text);
  if (used >= width) {
    return text;
  }
  if (align == Align::right) {
    return std::string(width - used, ' ') + text;
  }
  return last ? text : text + std::string(width - used, ' ');
}

}  // namespace

std::string cell(std::string_view text, std::size_t width) {
  return cut(plain(text), width);
}

std::string with_commas(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t place = text.size(); place > sign + 3;) {
    place -= 3;
    text.insert(place, 1, ',');
  }
  return text;
}

void Table::add(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  for (auto& text : cells) {
    text = plain(text);
  }
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths(std::size_t width) const {
  std::vector<std::size_t> wide;
  std::size_t total = gap * (columns_.size() - 1);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = code_points(columns_[i].title);
    for (const auto& row : rows_) {
      widest = std::max(widest, code_points(row[i]));
    }
    wide.push_back(widest);
    total += widest;
  }
  while (total > width) {
    // The widest of those that give way loses what is too much, as far as it can.
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].gives_way && wide[i] > narrowest && (widest == columns_.size() || wide[i] > wide[widest])) {
        widest = i;
      }
    }
    if (widest == columns_.size()) {
      break;  // The lines themselves are cut.
    }
    const std::size_t less = std::min(total - width, wide[widest] - narrowest);
    wide[widest] -= less;
    total -= less;
  }
  return wide;
}

std::string Table::text(std::size_t width, bool styled) const {
  const auto wide = widths(width);
  const auto line_of = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool last = i + 1 == cells.size();
      line += padded(cut(cells[i], wide[i]), wide[i], columns_[i].align, last);
      line.append(last ? 0 : gap, ' ');
    }
    return cut(std::move(line), width);
  };
  std::vector<std::string> titles;
  titles.reserve(columns_.size());
  for (const auto& column : columns_) {
    titles.push_back(column.title);
  }
  std::string out = styled ? "\x1b[1m" + line_of(titles) + "\x1b[0m\n" : line_of(titles) + "\n";
  for (const auto& row : rows_) {
    out += line_of(row) + "\n";
  }
  return out;
}

}  // namespace alluvium::app
