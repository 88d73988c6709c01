// SPDX-License-Identifier: Apache-2.0
#include "pipeline/value_features.hpp"

#include <algorithm>
#include <bit>

namespace alluvium::pipeline {
namespace {

enum class Kind : std::uint8_t { gap, letter, digit, end, question };

constexpr auto kinds = [] {
  std::array<Kind, 256> of{};
  for (unsigned c = 0; c < of.size(); ++c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
    const bool is_end = c == '.' || c == '!' || c == '\n';
    of[c] = is_letter              ? Kind::letter
            : c >= '0' && c <= '9' ? Kind::digit
            : is_end               ? Kind::end
            : c == '?'             ? Kind::question
                                   : Kind::gap;
  }
  return of;
}();

Kind kind_of(char c) {
  return kinds[static_cast<unsigned char>(c)];
}

/// For each sign the rules whose `second` has it.
struct RuleIndex {
  std::array<std::uint64_t, sign_count> ending_in{};
  RuleIndex() {
    const auto rules = value_rules();
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
      for (auto signs = rules[rule].second; signs != 0; signs &= signs - 1) {
        ending_in[static_cast<std::size_t>(std::countr_zero(signs))] |= std::uint64_t{1} << rule;
      }
    }
  }
};

constexpr Signs first_person = bit(Sign::i) | bit(Sign::my) | bit(Sign::me);

/// Bytes of the mark at the front of `text`, which begins beyond ASCII, and its kind; 0 if a letter stands there.
/// Marks are General Punctuation and symbols (E2), CJK punctuation (E3 80, EF BC), emoji (F0 9F).
std::size_t wide_mark(std::string_view text, Kind& kind) {
  const auto head = text.substr(0, 3);
  kind = Kind::gap;
  if (head == "\xE2\x80\xA6" || head == "\xE3\x80\x82" || head == "\xEF\xBC\x81") {  // ... and full stops
    kind = Kind::end;
    return 3;
  }
  if (head == "\xEF\xBC\x9F") {
    kind = Kind::question;
    return 3;
  }
  if (head.starts_with('\xC2')) {  // Latin-1's symbols
    return std::min<std::size_t>(text.size(), 2);
  }
  if (head.starts_with("\xD8\x9F")) {  // Arabic
    kind = Kind::question;
    return 2;
  }
  if (head.starts_with("\xF0\x9F")) {
    return std::min<std::size_t>(text.size(), 4);
  }
  if (head.starts_with('\xE2') || head.starts_with("\xE3\x80") || head == "\xEF\xBC\x8C" || head == "\xEF\xB8\x8F") {
    return std::min<std::size_t>(text.size(), 3);
  }
  return 0;
}

/// A straight or a curly one.
bool is_apostrophe(std::string_view text, std::size_t& bytes) {
  if (text.front() == '\'') {
    return true;
  }
  const bool curly = text.starts_with("\xE2\x80\x99");
  bytes = curly ? 3 : 1;
  return curly;
}

class Reading {
 public:
  Reading(std::string_view text, const ValueLexicon& lexicon, ValueFeatures& features)
      : text_{text}, lexicon_{lexicon}, features_{features} {}

  void run() {
    features_.acknowledges = true;
    while (at_ < text_.size()) {
      auto kind = kind_of(text_[at_]);
      std::size_t bytes = 1;
      if (static_cast<unsigned char>(text_[at_]) >= 0x80) {
        Kind wide{};
        if (const auto mark = wide_mark(text_.substr(at_), wide); mark != 0) {
          kind = wide;
          bytes = mark;
        }
      }
      if (kind == Kind::letter || kind == Kind::digit) {
        take_word();
        continue;
      }
      const auto mark = text_.substr(at_, bytes);
      before_word_ = mark == "$" || mark == "\xC2\xA3" || mark == "\xE2\x82\xAC" ? bit(Sign::money)
                     : mark == "@"                                               ? bit(Sign::address)
                                                                                 : 0;
      const bool inside_word = mark == "." && at_ + 1 < text_.size() && kind_of(text_[at_ + 1]) <= Kind::digit &&
                               kind_of(text_[at_ + 1]) != Kind::gap;  // 3.5, example.com
      if (kind >= Kind::end && !inside_word) {
        end_sentence(kind == Kind::question);
      }
      at_ += bytes;
    }
    end_sentence(false);
    features_.acknowledges = features_.acknowledges && features_.own.words + features_.other.words > 0;
  }

 private:
  void take_word() {
    std::array<char, ValueLexicon::word_bytes_max> lower;
    std::size_t size = 0;
    std::size_t wide = 0;
    bool has_digit = false;
    bool has_letter = false;
    const char initial = text_[at_];
    while (at_ < text_.size()) {
      char c = text_[at_];
      std::size_t bytes = 1;
      auto kind = kind_of(c);
      if (is_apostrophe(text_.substr(at_), bytes)) {
        if (at_ + bytes >= text_.size() || kind_of(text_[at_ + bytes]) != Kind::letter) {
          break;
        }
        c = '\'';
        kind = Kind::letter;
      } else if (Kind mark{}; static_cast<unsigned char>(c) >= 0xC2 && wide_mark(text_.substr(at_), mark) != 0) {
        break;
      }
      if (kind != Kind::letter && kind != Kind::digit) {
        break;
      }
      has_digit = has_digit || kind == Kind::digit;
      has_letter = has_letter || kind == Kind::letter;
      wide += static_cast<unsigned char>(c) >= 0x80 ? 1 : 0;
      if (size < lower.size()) {
        lower[size] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
      ++size;
      at_ += bytes;
    }
    Signs signs = 0;
    bool rare = !has_digit;
    const std::string_view word{lower.data(), std::min(size, lower.size())};
    if (has_digit) {
      signs = bit(Sign::number);
      const bool is_year = !has_letter && size == 4 && (word.starts_with("19") || word.starts_with("20"));
      const bool is_ordinal =
          size <= 4 && (word.ends_with("st") || word.ends_with("nd") || word.ends_with("rd") || word.ends_with("th"));
      signs |= is_year || is_ordinal ? bit(Sign::calendar) : 0;
    } else if (size <= lower.size()) {
      signs = lexicon_.signs_of(word);
      rare = signs == 0;
      signs |= size >= 5 && word.ends_with("ed")    ? bit(Sign::past)
               : size >= 6 && word.ends_with("ing") ? bit(Sign::doing)
                                                    : 0;
    }
    signs |= before_word_;
    before_word_ = 0;
    const bool is_capital = initial >= 'A' && initial <= 'Z' && position_ > 0 && (signs & first_person) == 0;
    add_word(signs, is_capital, has_digit, rare && size >= 4, wide > 12 ? static_cast<std::uint32_t>(wide / 12) : 0);
  }

  /// `more`: words that a run of letters beyond ASCII holds besides the first, as a guess from its bytes.
  void add_word(Signs signs, bool is_capital, bool has_digit, bool is_rare, std::uint32_t more) {
    static const RuleIndex index;
    ++position_;
    sentence_signs_ |= signs;
    features_.acknowledges = features_.acknowledges && (signs & bit(Sign::acknowledgement)) != 0;
    now_.words += 1 + more;
    now_.rare += is_rare ? 1 + more : 0;
    now_.capitals += is_capital ? 1 : 0;
    now_.digits += has_digit ? 1 : 0;
    if (position_ > 1) {
      signs &= ~bit(Sign::dropped);  // A sign only where a sentence begins.
    }
    std::uint64_t candidates = 0;
    for (auto rest = signs; rest != 0; rest &= rest - 1) {
      candidates |= index.ending_in[static_cast<std::size_t>(std::countr_zero(rest))];
    }
    for (candidates &= ~held_; candidates != 0; candidates &= candidates - 1) {
      const auto rule = static_cast<std::size_t>(std::countr_zero(candidates));
      const auto& [name, first, second, gap, own, other] = value_rules()[rule];
      bool holds = first == 0;
      for (auto rest = first; rest != 0 && !holds; rest &= rest - 1) {
        const auto seen = last_[static_cast<std::size_t>(std::countr_zero(rest))];
        holds = seen > sentence_start_ && words_ + 1 - seen <= gap;
      }
      held_ |= holds ? std::uint64_t{1} << rule : 0;
    }
    ++words_;
    for (auto rest = signs; rest != 0; rest &= rest - 1) {
      last_[static_cast<std::size_t>(std::countr_zero(rest))] = words_;
    }
    if (position_ == 1) {
      starts_dropped_ = (signs & bit(Sign::dropped)) != 0;
    }
  }

  void end_sentence(bool question) {
    if (position_ == 0) {
      features_.asks = features_.asks || question;
      return;
    }
    auto& sum = (sentence_signs_ & first_person) != 0 || starts_dropped_ ? features_.own : features_.other;
    for (auto rest = held_; rest != 0; rest &= rest - 1) {
      ++sum.hits[static_cast<std::size_t>(std::countr_zero(rest))];
    }
    ++sum.sentences;
    sum.words += now_.words;
    sum.rare += now_.rare;
    sum.capitals += now_.capitals;
    sum.digits += now_.digits;
    sum.questions += question ? 1 : 0;
    features_.asks = question;
    now_ = {};
    held_ = 0;
    sentence_signs_ = 0;
    position_ = 0;
    starts_dropped_ = false;
    sentence_start_ = words_;
  }

  struct Counts {
    std::uint32_t words = 0, rare = 0, capitals = 0, digits = 0;
  };
  std::string_view text_;
  const ValueLexicon& lexicon_;
  ValueFeatures& features_;
  std::size_t at_ = 0;
  std::uint32_t words_ = 0;                       ///< Of the message so far.
  std::uint32_t sentence_start_ = 0;              ///< `words_` where the sentence began.
  std::uint32_t position_ = 0;                    ///< Words of the sentence so far.
  std::array<std::uint32_t, sign_count> last_{};  ///< Where each sign was seen last, counted from 1.
  std::uint64_t held_ = 0;                        ///< Rules that hold for the sentence.
  Signs sentence_signs_ = 0;
  bool starts_dropped_ = false;
  Signs before_word_ = 0;  ///< What the mark before makes of a word.
  Counts now_;
};

}  // namespace

ValueFeatures value_features(std::string_view content, const ValueLexicon& lexicon) {
  ValueFeatures features;
  Reading{content.substr(0, value_bytes_max), lexicon, features}.run();
  return features;
}

}  // namespace alluvium::pipeline
