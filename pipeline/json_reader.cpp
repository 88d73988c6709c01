// SPDX-License-Identifier: Apache-2.0
// Feeds simdjson, and looks closer where it refuses.
#include "pipeline/json_reader.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {

namespace {

/// The four hex digits at `text`, or -1.
std::int32_t hex4(const char* text) {
  std::int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = text[i];
    std::int32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return -1;
    }
    unit = unit * 16 + digit;
  }
  return unit;
}

/// Turns each escape that is half of a surrogate pair into \ufffd, which is as long.
void mend_surrogates(char* text, std::size_t size) {
  const auto* const end = text + size;
  const auto rest = [&](const char* from) { return static_cast<std::size_t>(end - from); };
  auto* at = static_cast<char*>(std::memchr(text, '\\', size));
  while (at != nullptr && rest(at) >= 6) {
    std::size_t length = 2;
    if (const auto unit = at[1] == 'u' ? hex4(at + 2) : -1; unit >= 0) {
      length = 6;
      const bool high = unit >= 0xD800 && unit <= 0xDBFF;
      const bool low = unit >= 0xDC00 && unit <= 0xDFFF;
      const auto next = high && rest(at) >= 12 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8) : -1;
      if (next >= 0xDC00 && next <= 0xDFFF) {
        length = 12;
      } else if (high || low) {
        std::fill_n(at + 2, 3, 'f');
        at[5] = 'd';
      }
    }
    at += length;
    at = at < end ? static_cast<char*>(std::memchr(at, '\\', rest(at))) : nullptr;
  }
}

/// Where the brackets of a text leave it.
struct Outline {
  bool ends_early = false;      ///< Within a text, or with something still open.
  std::size_t value_bytes = 0;  ///< Where its first value is complete, 0 if it never is.
  std::size_t depth = 0;        ///< The most that were open at once.
};

Outline outline(std::string_view text) {
  Outline found;
  std::size_t open = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size() && found.value_bytes == 0; ++i) {
    const char c = text[i];
    if (quoted) {
      i += c == '\\' ? 1 : 0;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      found.depth = std::max(found.depth, ++open);
    } else if ((c == '}' || c == ']') && open > 0 && --open == 0) {
      found.value_bytes = i + 1;
    }
  }
  found.ends_early = quoted || open > 0;
  return found;
}

Fault too_deep(std::size_t depth_max) {
  return {DeadReason::too_deep, "objects and lists are nested more than " + std::to_string(depth_max) + " deep"};
}

std::string_view in_words(simdjson::error_code error) {
  switch (error) {
    case simdjson::NUMBER_ERROR:
      return "it holds a number that is malformed or does not fit 64 bits";
    case simdjson::STRING_ERROR:
      return "it holds a text with a malformed escape";
    case simdjson::UNESCAPED_CHARS:
      return "it holds a text with a control character that is not escaped";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "it holds a word that is not true, false or null";
    default:
      return "a comma, a colon, a bracket or a value is missing or out of place";
  }
}

bool looks_like_utf16(std::string_view text) {
  const std::string_view start = text.substr(0, 2);
  return start == "\xFF\xFE" || start == "\xFE\xFF" || start == std::string_view{"{\0", 2} ||
         start == std::string_view{"[\0", 2};
}

Fault explain(simdjson::error_code error, std::string_view text, std::size_t depth_max) {
  if (error == simdjson::DEPTH_ERROR) {
    return too_deep(depth_max);
  }
  if (looks_like_utf16(text)) {
    return {DeadReason::not_utf8, "the text looks like UTF-16; want UTF-8"};
  }
  if (const auto bad = first_not_utf8(text); bad != std::string_view::npos) {
    return {DeadReason::not_utf8, "byte " + std::to_string(bad + 1) + " is not UTF-8"};
  }
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return {DeadReason::empty, "there is nothing but blanks"};
  }
  if (text[first] != '{' && text[first] != '[') {
    return {DeadReason::not_json, "the text does not begin like a JSON object"};
  }
  const auto shape = outline(text);
  if (shape.depth > depth_max) {  // simdjson saw another fault first, mostly that nothing is closed.
    return too_deep(depth_max);
  }
  if (shape.ends_early) {
    return {DeadReason::not_json,
            "the JSON ends before it is complete, after " + std::to_string(text.size()) + " bytes: was it cut off?"};
  }
  if (shape.value_bytes > 0 && text.find_first_not_of(" \t\r\n", shape.value_bytes) != std::string_view::npos) {
    return {DeadReason::not_json, "there is more after the first JSON value, which ends at byte " +
                                      std::to_string(shape.value_bytes) + "; want one value per record"};
  }
  return {DeadReason::not_json, "the text is not well-formed JSON: " + std::string{in_words(error)}};
}

}  // namespace

OrFault<simdjson::dom::element> JsonReader::parse(std::string_view text) {
  if (text.size() > capacity_ && !reserve(text.size())) {
    return faulty(DeadReason::too_large, "there is no memory to parse " + std::to_string(text.size()) + " bytes");
  }
  std::memcpy(padded_.get(), text.data(), text.size());
  std::memset(padded_.get() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
  mend_surrogates(padded_.get(), text.size());
  simdjson::dom::element root;
  const auto error = parser_.parse_into_document(document_, padded_.get(), text.size(), false).get(root);
  if (error != simdjson::SUCCESS) {
    return tl::unexpected<Fault>{explain(error, text, depth_max_)};
  }
  return root;
}

bool JsonReader::reserve(std::size_t bytes) {
  // Powers of two, so that a stream whose texts grow byte by byte does not allocate for each.
  const auto capacity = std::bit_ceil(std::max<std::size_t>(bytes, 4096));
  // simdjson counts one level more than the texts it accepts have.
  if (parser_.allocate(capacity, depth_max_ + 1) != simdjson::SUCCESS ||
      document_.allocate(capacity) != simdjson::SUCCESS) {
    return false;
  }
  padded_ = std::make_unique_for_overwrite<char[]>(capacity + simdjson::SIMDJSON_PADDING);
  capacity_ = capacity;
  return true;
}

}  // namespace alluvium::pipeline
