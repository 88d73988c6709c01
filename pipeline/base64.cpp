// SPDX-License-Identifier: Apache-2.0
#include "pipeline/base64.hpp"

#include <cstdint>

namespace alluvium::pipeline {

namespace {

/// The six bits that a character stands for, or 64.
std::uint32_t six_bits(char c) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = alphabet.find(c);
  return at == std::string_view::npos ? 64 : static_cast<std::uint32_t>(at);
}

}  // namespace

bool decode_base64(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) {
      text.remove_suffix(1);
    }
  }
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const auto six = six_bits(c);
    if (six == 64) {
      return false;
    }
    bits = (bits << 6U | six) & 0xFFFFU;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(static_cast<unsigned char>(bits >> held));
    }
  }
  // One character alone is no byte, and bits left over are zero.
  return held < 6 && (bits & ((1U << held) - 1)) == 0;
}

}  // namespace alluvium::pipeline
