// SPDX-License-Identifier: Apache-2.0
// Reads UTF-8 character by character.
#include "pipeline/utf8.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace alluvium::pipeline {
namespace {

// Sixteen bytes at once: one register on every machine that we know.
using Bytes = unsigned char __attribute__((vector_size(16)));

/// Calls `look` with all of `text`, in any order, some bytes twice; what is short is filled up with blanks.
template <class Look>
void for_sixteen(std::string_view text, const Look& look) {
  Bytes bytes;
  if (text.size() < sizeof bytes) {
    bytes = Bytes{} + ' ';
    if (!text.empty()) {
      std::memcpy(&bytes, text.data(), text.size());
    }
    look(bytes);
    return;
  }
  for (std::size_t i = 0; i + sizeof bytes < text.size(); i += sizeof bytes) {
    std::memcpy(&bytes, text.data() + i, sizeof bytes);
    look(bytes);
  }
  std::memcpy(&bytes, text.data() + text.size() - sizeof bytes, sizeof bytes);
  look(bytes);
}

std::uint64_t any_bit(Bytes of) {
  std::array<std::uint64_t, 2> halves;
  std::memcpy(halves.data(), &of, sizeof halves);
  return halves[0] | halves[1];
}

}  // namespace

std::size_t character_bytes(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0U) == 0x80; };
  const auto lead = at(0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return tail(1) ? 2 : 0;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool fits = tail(1) && (lead != 0xE0 || at(1) >= 0xA0) && (lead != 0xED || at(1) <= 0x9F);
    return fits && tail(2) ? 3 : 0;  // E0: overlong; ED: surrogates.
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool fits = tail(1) && (lead != 0xF0 || at(1) >= 0x90) && (lead != 0xF4 || at(1) <= 0x8F);
    return fits && tail(2) && tail(3) ? 4 : 0;  // F0: overlong; F4: beyond U+10FFFF.
  }
  return 0;
}

bool is_ascii(std::string_view text) {
  Bytes all = {};
  for_sixteen(text, [&all](Bytes bytes) { all |= bytes; });
  return (any_bit(all) & 0x8080808080808080) == 0;
}

bool has_control_character(std::string_view text) {
  constexpr unsigned char del = 0x7F;
  Bytes found = {};
  for_sixteen(text, [&found](Bytes bytes) { found |= (bytes < 0x20) | (bytes == del); });
  return any_bit(found) != 0;
}

std::size_t first_not_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto length = character_bytes(text.substr(i));
    if (length == 0) {
      return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

bool is_blank(std::string_view text) {
  // U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000.
  static constexpr std::string_view wide[] = {"\u0085", "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
                                              "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200A",
                                              "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"};
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte < 0x80) {
      if (byte != ' ' && (byte < '\t' || byte > '\r')) {
        return false;
      }
      text.remove_prefix(1);
      continue;
    }
    std::size_t length = 0;
    for (const auto blank : wide) {
      if (text.starts_with(blank)) {
        length = blank.size();
      }
    }
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace alluvium::pipeline
