// SPDX-License-Identifier: Apache-2.0
// Decodes one record for the decoder's tests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/decoder.hpp"

namespace alluvium::pipeline {

/// The time of the record in these tests.
inline constexpr std::int64_t record_ms = 1'767'225'600'000;  // 2026-01-01T00:00:00Z

/// Headers as a test gives them.
struct GivenHeaders final : HeaderReader {
  explicit GivenHeaders(std::vector<HeaderView> headers) : all{std::move(headers)} {}
  std::span<const HeaderView> read() override {
    ++reads;
    return all;
  }
  std::vector<HeaderView> all;
  int reads = 0;
};

struct Decoded {
  MessageChunk chunk;
  std::vector<DeadLetter> dead;

  [[nodiscard]] std::size_t size() const {
    return chunk.entries().size();
  }
  [[nodiscard]] MessageView operator[](std::size_t i) const {
    return chunk.entries().at(i).message();
  }
  /// The message of a record that must have been exactly one.
  [[nodiscard]] MessageView only() const {
    EXPECT_EQ(size(), 1U) << (dead.empty() ? "" : dead.front().detail);
    EXPECT_TRUE(dead.empty());
    return size() == 0 ? MessageView{} : chunk.entries().front().message();
  }
  /// The dead letter of a record that must have been nothing else.
  [[nodiscard]] DeadLetter only_dead() const {
    EXPECT_EQ(size(), 0U);
    EXPECT_EQ(dead.size(), 1U);
    return dead.empty() ? DeadLetter{} : dead.front();
  }
};

inline Decoder decoder_with(Decoder::Options options) {
  auto decoder = Decoder::make(std::move(options));
  if (!decoder) {
    ADD_FAILURE() << decoder.error().detail;
    decoder = Decoder::make({});
  }
  return std::move(*decoder);
}

inline RecordView record_of(std::string_view value) {
  RecordView record;
  record.topic = "chat";
  record.partition = 3;
  record.offset = 41;
  record.value = value;
  record.timestamp_ms = record_ms;
  return record;
}

inline Decoded decode(Decoder& decoder, const RecordView& record) {
  Decoded decoded;
  decoder.decode(record, 7, decoded.chunk, decoded.dead);
  return decoded;
}

inline Decoded decode(const RecordView& record, Decoder::Options options = {}) {
  auto decoder = decoder_with(std::move(options));
  return decode(decoder, record);
}

inline Decoded decode(std::string_view value, Decoder::Options options = {}) {
  return decode(record_of(value), std::move(options));
}

}  // namespace alluvium::pipeline
