// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pattern_dialect.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include <simdjson.h>

#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {
namespace {

using std::string_view_literals::operator""sv;

/// Above this many repetitions in sum, Hyperscan is asked for an approximation only; above the
/// second bound it is not asked at all: such automata can take it a second and more to build.
constexpr std::uint64_t repeats_shared_max = 128;
constexpr std::uint64_t repeats_large_max = 1024;
/// What one repetition of a group counts at least; the repeats before it, which may be in it, come on top.
constexpr std::uint64_t group_weight = 8;

struct Range {
  std::uint32_t first, last;
};

/// Characters the libraries disagree on: they know different versions of Unicode, so letter pairs
/// that came late (Georgian, Cherokee, Glagolitic, late Latin and Cyrillic, all beyond the basic
/// plane but for emoji) fold in one only; and a negated or named ASCII class keeps or loses the long
/// s and the Kelvin sign, which fold to ASCII. Found by comparing them on every code point.
constexpr std::array odd_characters{Range{0x017F, 0x017F},   Range{0x026A, 0x026A},   Range{0x0282, 0x0282},
                                    Range{0x029D, 0x029D},   Range{0x10A0, 0x10FF},   Range{0x13A0, 0x13FF},
                                    Range{0x1C80, 0x1CBF},   Range{0x1D8E, 0x1D8E},   Range{0x212A, 0x212A},
                                    Range{0x2C00, 0x2C5F},   Range{0xA640, 0xA7FF},   Range{0xAB30, 0xABBF},
                                    Range{0x10000, 0x1EFFF}, Range{0xE0000, 0x10FFFF}};

bool has_odd(Range range) {
  return range.last >= odd_characters.front().first && std::ranges::any_of(odd_characters, [range](Range odd) {
           return range.first <= odd.last && odd.first <= range.last;
         });
}

/// The code point at `at` of valid UTF-8, and moves behind it.
std::uint32_t take_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) {
    return lead;
  }
  std::uint32_t code_point = lead >= 0xF0 ? lead & 0x07U : lead >= 0xE0 ? lead & 0x0FU : lead & 0x1FU;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
    code_point = code_point << 6U | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  }
  return code_point;
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr std::optional<std::uint32_t> hex_value(char c) {
  if (is_digit(c)) {
    return static_cast<std::uint32_t>(c - '0');
  }
  const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<std::uint32_t>(lower - 'a' + 10);
  }
  return std::nullopt;
}

/// Reads a pattern from left to right; each take_*() returns false where the dialects may part.
class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : pattern_{pattern} {}

  Dialect read() {
    while (at_ < pattern_.size()) {
      if (!take_piece()) {
        return Dialect::differs;
      }
    }
    return repeats_ > repeats_shared_max ? Dialect::large : Dialect::shared;
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }

  bool take_piece() {
    switch (peek()) {
      case '\0':
        return false;  // Hyperscan's patterns end there.
      case '\\':
        return take_escape(false).has_value();
      case '(':
        return take_group();
      case '[':
        return take_class();
      case '{':
        return take_repeat();
      default: {
        const auto character = take_code_point(pattern_, at_);
        return !has_odd({character, character});
      }
    }
  }

  /// What the escape stands for; a class such as \d, or a place such as \b, is given as the
  /// character 0, which no range can start with.
  /// \B is nobody's: RE2 sees one inside a character, Hyperscan does not.
  std::optional<std::uint32_t> take_escape(bool in_class) {
    ++at_;
    const char kind = peek();
    ++at_;
    if (kind == 'x') {
      return take_hex();
    }
    if ("dDwWsS"sv.find(kind) != std::string_view::npos) {
      return 0;
    }
    if ("bAz"sv.find(kind) != std::string_view::npos) {
      return in_class ? std::nullopt : std::optional<std::uint32_t>{0};
    }
    constexpr auto controls = "n\nr\rt\tf\fa\a"sv;
    if (const auto found = controls.find(kind); found != std::string_view::npos && found % 2 == 0) {
      return static_cast<std::uint32_t>(controls[found + 1]);
    }
    const bool is_mark =
        kind > ' ' && kind < 0x7F && !is_digit(kind) && !(kind >= 'A' && kind <= 'Z') && !(kind >= 'a' && kind <= 'z');
    return is_mark ? std::optional{static_cast<std::uint32_t>(kind)} : std::nullopt;
  }

  std::optional<std::uint32_t> take_hex() {
    const bool braced = peek() == '{';
    at_ += braced ? 1 : 0;
    std::uint32_t value = 0;
    std::size_t digits = 0;
    for (; digits < (braced ? 6U : 2U); ++digits, ++at_) {
      const auto digit = hex_value(peek());
      if (!digit) {
        break;
      }
      value = value << 4U | *digit;
    }
    if (braced ? peek() != '}' : digits != 2) {
      return std::nullopt;
    }
    at_ += braced ? 1 : 0;
    return value == 0 || has_odd({value, value}) ? std::nullopt : std::optional{value};
  }

  bool take_group() {
    ++at_;
    if (peek() != '?') {
      return true;
    }
    ++at_;
    if (peek() == 'P') {
      const auto end = pattern_.find('>', at_);
      at_ = end == std::string_view::npos ? pattern_.size() : end + 1;
      return end != std::string_view::npos;
    }
    // Flags: i and s mean the same in both; m and U do not.
    while (peek() == 'i' || peek() == 's' || peek() == '-') {
      ++at_;
    }
    const char end = peek();
    ++at_;
    return end == ':' || end == ')';
  }

  bool take_class() {
    ++at_;
    if (peek() == '^') {
      ++at_;
    }
    for (bool first = true; first || peek() != ']'; first = false) {
      if (at_ >= pattern_.size() || !take_class_element()) {
        return false;
      }
    }
    ++at_;
    return true;
  }

  bool take_class_element() {
    if (peek() == '[' && (peek(1) == ':' || peek(1) == '.' || peek(1) == '=')) {
      const auto end = pattern_.find(":]", at_ + 2);
      at_ = end + 2;
      return end != std::string_view::npos;
    }
    const auto first = take_class_character();
    if (!first) {
      return false;
    }
    if (peek() != '-' || peek(1) == ']') {
      return !has_odd({*first, *first});
    }
    ++at_;
    const auto last = take_class_character();
    return last && *first != 0 && *last != 0 && !has_odd({*first, *last});
  }

  std::optional<std::uint32_t> take_class_character() {
    if (peek() == '\0') {
      return std::nullopt;
    }
    return peek() == '\\' ? take_escape(true) : take_code_point(pattern_, at_);
  }

  bool take_repeat() {
    if (at_ == 0) {
      return false;
    }
    const auto weight = pattern_[at_ - 1] == ')' ? group_weight + repeats_ : 1U;
    ++at_;
    const auto least = take_number();
    auto most = least;
    if (peek() == ',') {
      ++at_;
      if (const auto number = take_number()) {
        most = number;
      }
    }
    if (!least || peek() != '}') {
      return false;  // A literal brace, which not every dialect takes for one.
    }
    ++at_;
    repeats_ += weight * std::max(*least, *most);
    return repeats_ <= repeats_large_max;
  }

  std::optional<std::uint32_t> take_number() {
    constexpr std::uint32_t repeat_max = 1000;  // RE2's own limit.
    if (!is_digit(peek())) {
      return std::nullopt;
    }
    std::uint32_t number = 0;
    for (; is_digit(peek()); ++at_) {
      number = std::min(repeat_max, number * 10 + static_cast<std::uint32_t>(peek() - '0'));
    }
    return number;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::uint64_t repeats_ = 0;  ///< Sum of the repeats' upper bounds, weighted.
};

}  // namespace

Dialect dialect_of(std::string_view pattern) {
  return PatternReader{pattern}.read();
}

bool is_plain_text(std::string_view text) {
  // The vertical tab is a blank to Hyperscan's \s and none to RE2's.
  if (text.find('\v') != std::string_view::npos) {
    return false;
  }
  if (is_ascii(text)) {
    return true;
  }
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    return false;
  }
  for (std::size_t at = 0; at < text.size();) {
    const auto character = take_code_point(text, at);
    if (character >= 0x80 && has_odd({character, character})) {
      return false;
    }
  }
  return true;
}

}  // namespace alluvium::pipeline
