// SPDX-License-Identifier: Apache-2.0
// Parses JSON with simdjson, and says in words why a text is not JSON.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <simdjson.h>

#include "pipeline/fault.hpp"

namespace alluvium::pipeline {

/// Re-uses its buffers: after the first records, parsing allocates nothing. They grow to about 14
/// times the largest text, which the caller bounds.
class JsonReader {
 public:
  /// `depth_max`: objects and lists within each other, an empty one at the bottom not counted. Nothing here or in
  /// simdjson recurses.
  explicit JsonReader(std::size_t depth_max) : depth_max_{depth_max} {}

  /// What it gives points into this reader, until the next parse(). `text` is not empty. A \u escape that is half of
  /// a surrogate pair, as JavaScript leaves it when it cuts an emoji in two, reads as U+FFFD.
  [[nodiscard]] OrFault<simdjson::dom::element> parse(std::string_view text);

 private:
  bool reserve(std::size_t bytes);

  std::size_t depth_max_;
  std::size_t capacity_ = 0;
  std::unique_ptr<char[]> padded_;  ///< The text and the bytes that simdjson may read beyond it.
  simdjson::dom::parser parser_;
  simdjson::dom::document document_;
};

}  // namespace alluvium::pipeline
