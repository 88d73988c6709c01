// SPDX-License-Identifier: Apache-2.0
// Escapes, separates and closes what JsonText is told to write.
#include "pipeline/json_text.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {

namespace {

void append_escaped(std::string& out, char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += "\\u00";
      out += hex[byte >> 4U];
      out += hex[byte & 15U];
  }
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // Where the bytes that go out as they are begin.
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
      ++i;
      continue;
    }
    const auto length = byte < 0x80 ? 0 : character_bytes(text.substr(i));
    if (length > 0) {
      i += length;
      continue;
    }
    out.append(text, plain, i - plain);
    if (byte < 0x80) {
      append_escaped(out, text[i]);
    } else {
      out += "\xEF\xBF\xBD";
    }
    plain = ++i;
  }
  out.append(text, plain);
  out += '"';
}

JsonText& JsonText::object() {
  separate();
  text_ += '{';
  open_ += '}';
  first_ = true;
  return *this;
}

JsonText& JsonText::array() {
  separate();
  text_ += '[';
  open_ += ']';
  first_ = true;
  return *this;
}

JsonText& JsonText::end() {
  assert(!open_.empty());
  text_ += open_.back();
  open_.pop_back();
  first_ = false;
  return *this;
}

JsonText& JsonText::key(std::string_view name) {
  assert(!open_.empty() && open_.back() == '}');
  separate();
  append_json(text_, name);
  text_ += ':';
  first_ = true;  // The value that follows needs no comma.
  return *this;
}

JsonText& JsonText::value(std::string_view text) {
  separate();
  append_json(text_, text);
  return *this;
}

JsonText& JsonText::value(bool truth) {
  return raw(truth ? "true" : "false");
}

JsonText& JsonText::value(double number) {
  if (!std::isfinite(number)) {
    return null();
  }
  std::array<char, 32> digits{};  // The longest shortest form has 24 characters.
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return raw({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

JsonText& JsonText::raw(std::string_view json) {
  separate();
  text_ += json;
  return *this;
}

void JsonText::separate() {
  if (!first_) {
    text_ += ',';
  }
  first_ = false;
}

std::string iso8601(std::int64_t milliseconds_since_1970) {
  using std::chrono::days, std::chrono::milliseconds;
  // The form has four digits for the year: 0000 to 9999.
  const auto ms = std::clamp<std::int64_t>(milliseconds_since_1970, -62'167'219'200'000, 253'402'300'799'999);
  const std::chrono::sys_time<milliseconds> time{milliseconds{ms}};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  const auto length =
      std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                    static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace alluvium::pipeline
