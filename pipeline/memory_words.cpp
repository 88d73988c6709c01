// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_words.hpp"

#include <algorithm>
#include <utility>

#include <utf8proc.h>

#include "pipeline/dedupe.hpp"

namespace alluvium::pipeline {
namespace {

using std::string_view_literals::operator""sv;

constexpr bool is_digit(utf8proc_int32_t c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_upper(utf8proc_int32_t c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_ascii_letter(utf8proc_int32_t c) {
  return is_upper(c) || (c >= 'a' && c <= 'z');
}

enum class Kind { letter, digit, mark, apostrophe, currency, maths, end, pause, blank, other };

Kind ascii_kind(char c) {
  if (is_ascii_letter(c)) {
    return Kind::letter;
  }
  if (is_digit(c)) {
    return Kind::digit;
  }
  switch (c) {
    case '\'':
    case '`':
      return Kind::apostrophe;
    case '$':
    case '%':
      return Kind::currency;
    case '<':
    case '>':
    case '=':
    case '+':
    case '~':
      return Kind::maths;
    case '.':
    case '!':
    case '?':
    case '\n':
    case '\r':
      return Kind::end;
    case ',':
    case ';':
    case ':':
    case '(':
    case ')':
    case '-':
      return Kind::pause;
    case ' ':
    case '\t':
      return Kind::blank;
    default:
      return Kind::other;
  }
}

Kind wide_kind(utf8proc_int32_t c) {
  switch (c) {
    case 0x2018:  // Quotation marks that serve as apostrophes.
    case 0x2019:
    case 0x02BC:
    case 0x00B4:
      return Kind::apostrophe;
    case 0x2026:  // ...
    case 0xFF1F:
    case 0xFF01:
    case 0x3002:
    case 0x061F:
      return Kind::end;
    case 0x00B0:  // Degree.
      return Kind::currency;
    default:
      break;
  }
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Kind::letter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return Kind::mark;
    case UTF8PROC_CATEGORY_SC:
      return Kind::currency;
    case UTF8PROC_CATEGORY_SM:
      return Kind::maths;
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PO:
      return Kind::pause;
    case UTF8PROC_CATEGORY_ZS:
      return Kind::blank;
    default:
      return Kind::other;
  }
}

struct Sign {
  Kind kind = Kind::blank;  ///< Beyond the end of the text.
  utf8proc_int32_t code_point = 0;
  std::size_t bytes = 0;
};

/// Each part between apostrophes folded, as dedupe_key() does.
std::string folded(std::string_view word, bool ascii) {
  std::string text{word};
  if (ascii) {
    std::ranges::transform(text, text.begin(), [](char c) { return is_upper(c) ? static_cast<char>(c | 0x20) : c; });
    return text;
  }
  text.clear();
  for (std::size_t at = 0; at <= word.size();) {
    const auto end = std::min(word.find('\'', at), word.size());
    text += at > 0 ? "'" : "";
    text += dedupe_key(word.substr(at, end - at));
    at = end + 1;
  }
  return text;
}

class WordReader {
 public:
  explicit WordReader(std::string_view content) : content_{content} {}

  MemoryWords read() {
    while (at_ < content_.size()) {
      const auto sign = sign_at(at_);
      switch (sign.kind) {
        case Kind::letter:
          read_word();
          break;
        case Kind::digit:
          read_number({});
          break;
        case Kind::currency:
          add(content_.substr(at_, sign.bytes), sign.bytes);
          break;
        case Kind::maths:
          read_maths(sign);
          break;
        case Kind::end:
        case Kind::pause:
          read_punctuation(sign);
          break;
        default:
          if (sign.code_point == '&') {
            add("and", sign.bytes);
          } else {
            at_ += sign.bytes;
          }
      }
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] Sign sign_at(std::size_t at) const {
    if (at >= content_.size()) {
      return {};
    }
    const char first = content_[at];
    if (static_cast<unsigned char>(first) < 0x80) {
      return {ascii_kind(first), first, 1};
    }
    utf8proc_int32_t c = 0;
    const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(content_.data()) + at,
                                        static_cast<utf8proc_ssize_t>(content_.size() - at), &c);
    if (bytes <= 0) {
      return {Kind::other, 0, 1};
    }
    return {wide_kind(c), c, static_cast<std::size_t>(bytes)};
  }
  [[nodiscard]] char byte(std::size_t at) const {
    return at < content_.size() ? content_[at] : ' ';
  }
  [[nodiscard]] bool digit_at(std::size_t at) const {
    return is_digit(byte(at));
  }

  /// A sign that is a word.
  void add(std::string_view text, std::size_t bytes) {
    out_.words.push_back({.text = std::string{text}});
    at_ += bytes;
  }

  void read_word() {
    const auto first = sign_at(at_);
    const bool capital =
        first.bytes == 1 ? is_upper(first.code_point) : utf8proc_tolower(first.code_point) != first.code_point;
    std::string word;
    bool ascii = true;
    for (;;) {
      const auto sign = sign_at(at_);
      if (sign.kind == Kind::letter || sign.kind == Kind::mark) {
        ascii = ascii && sign.bytes == 1;
        word.append(content_.substr(at_, sign.bytes));
      } else if (sign.kind == Kind::apostrophe && sign_at(at_ + sign.bytes).kind == Kind::letter) {
        word += '\'';
      } else if (sign.code_point == '.' && is_abbreviation(word)) {
        ++at_;  // "p.m." is "pm".
        continue;
      } else {
        break;
      }
      at_ += sign.bytes;
    }
    word = folded(word, ascii);
    read_suffix(word);
    out_.words.push_back({.text = std::move(word), .capital = capital});
  }

  /// True if at_ is at a point of letters with points: a letter stands before it, and a single one follows.
  [[nodiscard]] bool is_abbreviation(const std::string& word) const {
    const bool starts = word.size() == 1 || byte(at_ - 2) == '.';
    return starts && is_ascii_letter(byte(at_ - 1)) && is_ascii_letter(byte(at_ + 1)) &&
           !is_ascii_letter(byte(at_ + 2)) && byte(at_ + 2) != '\'';
  }

  /// "c++", "c#", "50+".
  void read_suffix(std::string& word) {
    const auto end = std::min(content_.find_first_not_of("+#", at_), content_.size());
    if (sign_at(end).kind != Kind::letter && sign_at(end).kind != Kind::digit) {
      word.append(content_.substr(at_, end - at_));
      at_ = end;
    }
  }

  void read_number(std::string text) {
    const auto begin = at_;
    while (digit_at(at_) || (".,:/-"sv.find(byte(at_)) != std::string_view::npos && digit_at(at_ + 1))) {
      ++at_;
    }
    const auto number = content_.substr(begin, at_ - begin);
    text += grouped(number) ? without_commas(number) : std::string{number};
    read_suffix(text);
    out_.words.push_back({.text = std::move(text)});
  }

  /// 1,000 or 1,000,000.50
  static bool grouped(std::string_view number) {
    const auto whole = number.substr(0, number.find('.'));
    if (whole.find(',') == std::string_view::npos || whole.find(',') > 3 ||
        whole.find_first_of(":/-") != std::string_view::npos) {
      return false;
    }
    for (std::size_t end = whole.size(), i = 1; i <= end; ++i) {
      if ((whole[end - i] == ',') != (i % 4 == 0)) {
        return false;
      }
    }
    return true;
  }
  static std::string without_commas(std::string_view number) {
    std::string text{number};
    std::erase(text, ',');
    return text;
  }

  void read_maths(const Sign& sign) {
    const auto after = std::min(content_.find_first_not_of(' ', at_ + sign.bytes), content_.size());
    if (!digit_at(after)) {
      at_ += sign.bytes;
    } else if (sign.code_point == 0x2212) {  // Minus.
      at_ = after;
      read_number("-");
    } else {
      add(content_.substr(at_, sign.bytes), sign.bytes);
    }
  }

  void read_punctuation(const Sign& sign) {
    const bool between_letters = sign.code_point == '-' && at_ > 0 && byte(at_ - 1) != ' ' && byte(at_ + 1) != ' ';
    if (sign.code_point == '-' && digit_at(at_ + 1) && (at_ == 0 || !is_ascii_letter(byte(at_ - 1)))) {
      ++at_;
      return read_number("-");
    }
    out_.question = out_.question || sign.code_point == '?' || sign.code_point == 0xFF1F || sign.code_point == 0x061F;
    if (!out_.words.empty() && !between_letters) {
      out_.words.back().pause = true;
      out_.words.back().stop = out_.words.back().stop || sign.kind == Kind::end;
    }
    at_ += sign.bytes;
  }

  std::string_view content_;
  std::size_t at_ = 0;
  MemoryWords out_;
};

}  // namespace

MemoryWords memory_words(std::string_view content) {
  return WordReader{content}.read();
}

}  // namespace alluvium::pipeline
