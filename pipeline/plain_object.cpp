// SPDX-License-Identifier: Apache-2.0
// Looks for what is not plain in all bytes first: then a text ends at the next quote.
#include "pipeline/plain_object.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include <simdjson.h>

namespace alluvium::pipeline {
namespace {

constexpr std::size_t digits_max = 15;  // Of a number: what is exact in every type.

/// What may be in a text.
struct Contents {
  bool beyond_ascii = false;
  bool not_plain = false;  ///< Escapes or control characters.
};

Contents look_through(std::string_view text) {
  // Sixteen bytes at once: one register on every machine that we know.
  using Bytes = unsigned char __attribute__((vector_size(16)));
  Bytes high = {};
  Bytes found = {};
  const auto look = [&](Bytes bytes) {
    high |= bytes;
    found |= (bytes == '\\') | (bytes < 0x20) | (bytes == 0x7F);
  };
  Bytes bytes;
  std::size_t i = 0;
  for (; i + sizeof bytes <= text.size(); i += sizeof bytes) {
    std::memcpy(&bytes, text.data() + i, sizeof bytes);
    look(bytes);
  }
  if (i < text.size()) {
    bytes = Bytes{} + ' ';
    std::memcpy(&bytes, text.data() + i, text.size() - i);
    look(bytes);
  }
  const auto either = [](Bytes of) {
    std::array<std::uint64_t, 2> halves;
    std::memcpy(halves.data(), &of, sizeof halves);
    return halves[0] | halves[1];
  };
  return {.beyond_ascii = (either(high) & 0x8080808080808080) != 0, .not_plain = either(found) != 0};
}

/// The next quote, if any. Most texts are short: to call for them would cost more than to look.
const char* find_quote(const char* at, const char* end) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  for (int i = 0; i < 3 && end - at >= 8; ++i, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    if constexpr (std::endian::native == std::endian::big) {
      word = __builtin_bswap64(word);
    }
    word ^= ones * '"';
    // The lowest bit of it is where the first byte is 0: above that it says nothing.
    if (const auto zero = (word - ones) & ~word & (ones << 7U); zero != 0) {
      return at + std::countr_zero(zero) / 8;
    }
  }
  return at == end ? nullptr : static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
}

class Reading {
 public:
  explicit Reading(std::string_view text) : at_{text.data()}, end_{text.data() + text.size()} {}

  bool read(Fields& fields) {
    if (!eat('{')) {
      return false;
    }
    do {
      skip_blanks();
      const auto key = eat('"') ? text() : std::nullopt;
      if (!key) {
        return false;
      }
      skip_blanks();
      if (!eat(':')) {
        return false;
      }
      skip_blanks();
      if (!read_value(field_named(*key), fields)) {
        return false;
      }
      skip_blanks();
    } while (eat(','));
    if (!eat('}')) {
      return false;
    }
    skip_blanks();
    return at_ == end_;
  }

 private:
  bool eat(char c) {
    if (at_ == end_ || *at_ != c) {
      return false;
    }
    ++at_;
    return true;
  }
  bool eat(std::string_view word) {
    if (!std::string_view{at_, end_}.starts_with(word)) {
      return false;
    }
    at_ += word.size();
    return true;
  }
  void skip_blanks() {
    while (at_ != end_ && *at_ == ' ') {
      ++at_;
    }
  }

  /// What follows an opening quote, and the closing one.
  std::optional<std::string_view> text() {
    const auto* const begin = at_;
    const auto* const quote = find_quote(begin, end_);
    if (quote == nullptr) {
      return std::nullopt;
    }
    at_ = quote + 1;
    return std::string_view{begin, quote};
  }

  /// Of fields of the same meaning the first that is not null counts.
  bool read_value(std::optional<Field> field, Fields& fields) {
    if (field == Field::messages || field == Field::specversion) {
      return false;  // A bundle or a CloudEvent.
    }
    const bool counts = field && !fields.has(*field);
    if (eat('"')) {
      const auto value = text();
      if (value && counts) {
        fields.set(*field, *value);
      }
      return value.has_value();
    }
    if (eat("null")) {
      return true;
    }
    if (!counts) {
      return eat("true") || eat("false") || (integer() && skip_fraction());
    }
    if (field == Field::role || field == Field::content) {
      return false;  // Whoever says what they have to be says it better.
    }
    const auto digits = integer();
    if (digits) {
      fields.set(*field, *digits);  // As text it means the same.
    }
    return digits.has_value();
  }

  /// Without a sign, or zeros in front.
  std::optional<std::string_view> integer() {
    const auto found = digits();
    const bool zeros = found.size() > 1 && found.front() == '0';
    return found.empty() || zeros || found.size() > digits_max ? std::nullopt : std::optional{found};
  }
  bool skip_fraction() {
    if (!eat('.')) {
      return true;
    }
    const auto found = digits();
    return !found.empty() && found.size() <= digits_max;
  }
  std::string_view digits() {
    const auto* const begin = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') {
      ++at_;
    }
    return {begin, at_};
  }

  const char* at_;
  const char* const end_;
};

}  // namespace

bool read_plain_object(std::string_view text, Fields& fields) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') {
    if (text.back() != ' ' && text.back() != '\n' && text.back() != '\r' && text.back() != '\t') {
      return false;
    }
    text.remove_suffix(1);
  }
  const auto contents = look_through(text);
  fields.free_of_control_characters(true);
  return !contents.not_plain && Reading{text}.read(fields) &&
         (!contents.beyond_ascii || simdjson::validate_utf8(text.data(), text.size()));
}

}  // namespace alluvium::pipeline
