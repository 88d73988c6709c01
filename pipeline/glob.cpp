// SPDX-License-Identifier: Apache-2.0
#include "pipeline/glob.hpp"

namespace alluvium::pipeline {
namespace {

/// Where the character after the one at `at` begins. Bytes that are no UTF-8 count one by one.
std::size_t next_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
    ++at;
  }
  return at;
}

}  // namespace

bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t at = 0;
  std::size_t read = 0;
  // Where to go on when the part after the last star does not fit: the star takes one more character.
  std::size_t after_star = std::string_view::npos;
  std::size_t star_end = 0;
  while (read < text.size()) {
    if (at < glob.size() && glob[at] == '*') {
      after_star = ++at;
      star_end = read;
    } else if (at < glob.size() && glob[at] == '?') {
      ++at;
      read = next_character(text, read);
    } else if (at < glob.size() && glob[at] == text[read]) {
      ++at;
      ++read;
    } else if (after_star != std::string_view::npos) {
      at = after_star;
      read = star_end = next_character(text, star_end);
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace alluvium::pipeline
