// SPDX-License-Identifier: Apache-2.0
#include "pipeline/answer_fields.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

/// The number that `digits` are as a whole.
template <class T>
std::optional<T> whole(std::string_view digits) {
  T number{};
  const auto* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, number);
  return error == std::errc{} && at == end ? std::optional{number} : std::nullopt;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.substr(0, character_bytes(text)))) {
    text.remove_prefix(character_bytes(text));
  }
  while (!text.empty()) {
    auto last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0U) == 0x80U) {
      --last;
    }
    if (!is_blank(text.substr(last))) {
      break;
    }
    text.remove_suffix(text.size() - last);
  }
  return text;
}

std::string cleaned(std::string_view text, Lines lines) {
  std::string out{text};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte == 0xC2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xA0) {
      out.replace(i, 2, "  ");
    } else if (byte == 0x7F || (byte < 0x20 && (lines == Lines::join || (byte != '\n' && byte != '\t')))) {
      out[i] = ' ';
    }
  }
  return std::string{trimmed(out)};
}

std::optional<element> field_of(const object& fields, std::span<const std::string_view> names) {
  for (const auto name : names) {
    element value;
    if (fields.at_key(name).get(value) == simdjson::SUCCESS && !value.is_null()) {
      return value;
    }
  }
  return std::nullopt;
}
std::optional<element> field_of(const object& fields, std::string_view name) {
  return field_of(fields, {&name, 1});
}

std::optional<double> decimal_of(const element& value) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    const auto number = whole<double>(trimmed(text));
    return number && std::isfinite(*number) ? number : std::nullopt;
  }
  double number = 0;
  return value.get(number) == simdjson::SUCCESS ? std::optional{number} : std::nullopt;
}

std::optional<std::int64_t> integer_in(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('#')) {
    text.remove_prefix(1);
  }
  return whole<std::int64_t>(text);
}

std::optional<std::int64_t> integer_of(const element& value) {
  std::int64_t integer = 0;
  double number = 0;
  std::string_view text;
  if (value.get(integer) == simdjson::SUCCESS) {
    return integer;
  }
  if (value.get(text) == simdjson::SUCCESS) {
    return integer_in(text);
  }
  constexpr double exact_max = 1e15;
  if (value.get(number) == simdjson::SUCCESS && std::abs(number) < exact_max && std::trunc(number) == number) {
    return static_cast<std::int64_t>(number);
  }
  return std::nullopt;
}

std::string lower_case(std::string_view text) {
  std::string lower{text};
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

double importance_in_words(std::string_view text) {
  const auto word = lower_case(trimmed(text));
  if (word == "high" || word == "critical" || word == "very high") {
    return 0.9;
  }
  return word == "low" || word == "minor" || word == "very low" ? 0.2 : 0.5;
}

double rescaled_importance(double importance) {
  if (!(importance > 0)) {
    return 0;
  }
  if (importance < 2) {
    return std::min(importance, 1.0);  // A little too much, rather than a point or two of ten.
  }
  return importance <= 10 ? importance / 10 : std::min(importance / 100, 1.0);
}

}  // namespace alluvium::pipeline
