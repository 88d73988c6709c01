// SPDX-License-Identifier: Apache-2.0
// Stands for the selector by value: each verdict depends on every message of the partition before it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/message.hpp"

namespace alluvium::simulation {

class Selector {
 public:
  static constexpr int state_every = 3;  ///< Records between two states that are kept.

  /// `bytes`: of encode(), or empty.
  Selector() = default;
  explicit Selector(std::string_view bytes) {
    for (const char byte : bytes) {
      state_ = state_ << 8U | static_cast<unsigned char>(byte);
    }
  }
  pipeline::Worth take(std::string_view id) {
    for (const char byte : id) {
      state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
    }
    return {.score = static_cast<std::uint8_t>(state_ >> 40U & 0x7FU),
            .threshold = static_cast<std::uint8_t>(state_ >> 48U & 0x7FU)};
  }
  [[nodiscard]] std::string encode() const {
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(state_ >> static_cast<unsigned>(shift) & 0xFFU);
    }
    return bytes;
  }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325U;
};

}  // namespace alluvium::simulation
