// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dedupe.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include <utf8proc.h>
#include <xxhash.h>

namespace alluvium::pipeline {
namespace {

/// What a byte of plain ASCII becomes: itself in lower case, or 0 for what only separates.
constexpr auto ascii_key = [] {
  std::array<char, 128> table{};
  for (std::size_t c = 0; c < table.size(); ++c) {
    const auto plain = static_cast<char>(c);
    if ((plain >= '0' && plain <= '9') || (plain >= 'a' && plain <= 'z')) {
      table[c] = plain;
    } else if (plain >= 'A' && plain <= 'Z') {
      table[c] = static_cast<char>(plain - 'A' + 'a');
    }
  }
  return table;
}();

using CodePoints = std::vector<utf8proc_int32_t>;

enum class Kind { separator, letter, mark };

Kind kind(utf8proc_int32_t code_point) {
  switch (utf8proc_category(code_point)) {
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
    default:
      return Kind::separator;
  }
}

int combining_class(utf8proc_int32_t code_point) {
  return utf8proc_get_property(code_point)->combining_class;
}

/// Sorts each run of combining marks by class, as canonical order wants it. utf8proc_decompose()
/// would do it too, but in quadratic time, which a hostile message could use.
void order_marks(CodePoints& text) {
  for (auto begin = text.begin(); begin != text.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, text.end(), [](auto c) { return combining_class(c) == 0; });
    std::stable_sort(begin, end, [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
}

/// Fully decomposed (NFD), with a blank for each byte that is no UTF-8.
CodePoints decompose(std::string_view content) {
  CodePoints text;
  text.reserve(content.size());
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(content.data());
  const auto size = static_cast<utf8proc_ssize_t>(content.size());
  for (utf8proc_ssize_t at = 0; at < size;) {
    utf8proc_int32_t code_point = 0;
    const auto read = utf8proc_iterate(bytes + at, size - at, &code_point);
    if (read <= 0) {
      text.push_back(' ');
      ++at;
      continue;
    }
    at += read;
    std::array<utf8proc_int32_t, 8> parts{};  // No canonical decomposition has more than four parts.
    int bound_class = 0;
    const auto count = utf8proc_decompose_char(code_point, parts.data(), static_cast<utf8proc_ssize_t>(parts.size()),
                                               UTF8PROC_DECOMPOSE, &bound_class);
    const auto usable = count >= 0 && count <= static_cast<utf8proc_ssize_t>(parts.size());
    if (usable) {
      text.insert(text.end(), parts.begin(), parts.begin() + count);
    } else {
      text.push_back(code_point);
    }
  }
  order_marks(text);
  return text;
}

utf8proc_int32_t lower(utf8proc_int32_t code_point) {
  constexpr utf8proc_int32_t sigma = 0x03C3;
  constexpr utf8proc_int32_t final_sigma = 0x03C2;
  // A capital sigma can't tell at which place of a word it stands: one key for both small ones.
  return code_point == final_sigma ? sigma : utf8proc_tolower(code_point);
}

std::string unicode_key(std::string_view content) {
  const auto text = decompose(content);
  CodePoints kept;
  kept.reserve(text.size());
  bool in_word = false;  // A mark belongs to a letter only if it follows one (an emoji's variation mark does not).
  for (const auto code_point : text) {
    const auto is = kind(code_point);
    if (is == Kind::letter || (is == Kind::mark && in_word)) {
      if (!in_word && !kept.empty()) {
        kept.push_back(' ');
      }
      in_word = true;
      kept.push_back(lower(code_point));
    } else {
      in_word = false;
    }
  }
  // Composed (NFC), so that both spellings of an accented letter are one key, and a short one.
  const auto length = utf8proc_normalize_utf32(kept.data(), static_cast<utf8proc_ssize_t>(kept.size()),
                                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  std::string key;
  key.reserve(content.size());
  for (utf8proc_ssize_t i = 0; i < length; ++i) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto written = utf8proc_encode_char(kept[static_cast<std::size_t>(i)], bytes.data());
    key.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(written));
  }
  return key;
}

}  // namespace

std::string dedupe_key(std::string_view content) {
  std::string key;
  key.resize(content.size());
  std::size_t size = 0;
  bool gap = false;
  for (const char c : content) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ascii_key.size()) {
      key = unicode_key(content);
      return key.empty() ? std::string{content} : key;
    }
    if (const char plain = ascii_key[byte]; plain == 0) {
      gap = true;
    } else {
      if (gap && size > 0) {
        key[size++] = ' ';
      }
      gap = false;
      key[size++] = plain;
    }
  }
  if (size == 0) {
    return std::string{content};
  }
  key.resize(size);
  return key;
}

std::uint64_t dedupe_hash(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

void drop_duplicates(std::vector<Memory>& memories) {
  if (memories.size() < 2) {
    return;
  }
  std::unordered_set<std::string> seen;
  seen.reserve(memories.size());
  std::erase_if(memories, [&seen](const Memory& memory) { return !seen.insert(dedupe_key(memory.content)).second; });
}

void drop_repeats(std::vector<Memory>& memories, const Batch& batch) {
  std::unordered_set<std::string> seen;
  std::erase_if(memories, [&](const Memory& memory) {
    const auto user_id = batch[memory.sources.front()].user_id;
    return !seen.insert(std::to_string(user_id.size()).append(":").append(user_id).append(memory.content)).second;
  });
}

}  // namespace alluvium::pipeline
