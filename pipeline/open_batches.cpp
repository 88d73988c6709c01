// SPDX-License-Identifier: Apache-2.0
#include "pipeline/open_batches.hpp"

namespace alluvium::pipeline {

void OpenBatches::add(std::int64_t row, std::int64_t max_offset) {
  last_ = row;
  if (rows_.empty() || max_offset > rows_.back().max_offset) {
    rows_.push_back({.id = row, .max_offset = max_offset});
  }
}

void OpenBatches::pass(std::int64_t watermark) {
  while (!rows_.empty() && rows_.front().max_offset < watermark) {
    rows_.pop_front();
  }
}

std::int64_t OpenBatches::floor() const {
  return rows_.empty() ? last_ + 1 : rows_.front().id;
}

}  // namespace alluvium::pipeline
